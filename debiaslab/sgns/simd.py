"""Vector code for the kernel: numba intrinsics that emit LLVM IR on explicit float vectors.

Left to itself LLVM vectorises each dot product of the kernel alone; held in registers, the dot
products of several targets with all the outputs of a context word at once are many times faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

_FLOAT = ir.FloatType()
_I32 = ir.IntType(32)
_I64 = ir.IntType(64)
_FAST = ("fast",)
_CACHE_LINE = 64
UNROLL = 16  # vectors of a row written out in a straight line; longer rows are a loop

# tanh(t) = t·P(t²) / Q(t²) on |t| ≤ _TANH_MAX, the minimax rational of Eigen (generic_fast_tanh),
# within 4e-7 of the true value; lowest power first.
_TANH_MAX = 7.90531110763549805
_TANH_P = (
    4.89352455891786e-03,
    6.37261928875436e-04,
    1.48572235717979e-05,
    5.12229709037114e-08,
    -8.60467152213735e-11,
    2.00018790482477e-13,
    -2.76076847742355e-16,
)
_TANH_Q = (
    4.89352518554385e-03,
    2.26843463243900e-03,
    1.18534705686654e-04,
    1.19825839466702e-06,
)

Vector = Any  # an llvmlite value: llvmlite has no types
Builder = Any


def lanes() -> int:
    """Floats in one vector of this machine: 16 with AVX-512, else 8 (AVX2, or two of NEON)."""
    return 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 8


@intrinsic(prefer_literal=True)
def sgns_block(  # type: ignore[no-untyped-def]
    typing_context, targets, outputs, lr, scores, vectors, lanes
):
    """One step of SGD on every pair of T target rows and N output rows.

    ``targets`` and ``outputs`` are tuples of row addresses, the first output being the context
    word (label 1) and the others negatives (label 0). Writes the T·N dot products before the step
    to the address ``scores`` (output-major, whole vectors, so with some room behind). Every
    gradient is taken at the old weights and added to the row in memory, so that a row that occurs
    twice receives both of its updates: the step is exactly that of autograd on the summed loss.
    """
    if not all(isinstance(size, types.IntegerLiteral) for size in (vectors, lanes)):
        return None
    signature = types.void(targets, outputs, types.float32, types.int64, vectors, lanes)
    T, N = targets.count, outputs.count
    count, width = vectors.literal_value, lanes.literal_value

    def codegen(context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        emit = _Emitter(builder, width)
        h = [emit.pointer(builder.extract_value(arguments[0], t)) for t in range(T)]
        o = [emit.pointer(builder.extract_value(arguments[1], n)) for n in range(N)]
        dots = emit.dot_products(h, o, count)
        factors = emit.gradient_factors(dots, arguments[2], emit.pointer(arguments[3]), positives=T)
        emit.update(h, o, factors, count)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic(prefer_literal=True)
def prefetch_row(typing_context, address, size):  # type: ignore[no-untyped-def]
    """Ask the CPU to bring the ``size`` bytes of a row to its cache; any address is harmless."""
    if not isinstance(size, types.IntegerLiteral):
        return None

    def codegen(context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, _I32, _I32, _I32])
        prefetch = _declared(builder, "llvm.prefetch.p0", kind)
        for offset in range(0, size.literal_value, _CACHE_LINE):
            line = builder.inttoptr(builder.add(arguments[0], _I64(offset)), byte)
            builder.call(prefetch, [line, _I32(0), _I32(3), _I32(1)])  # read, keep, data
        return context.get_dummy_value()

    return types.void(types.int64, size), codegen


class _Emitter:
    """Writes vector instructions of one width; h and o are the rows of W and C of a block."""

    def __init__(self, builder: Builder, width: int) -> None:
        self._builder = builder
        self._width = width
        self._type = ir.VectorType(_FLOAT, width)

    def pointer(self, address: Vector) -> Vector:
        return self._builder.inttoptr(address, self._type.as_pointer())

    def dot_products(self, h: list[Vector], o: list[Vector], count: int) -> list[Vector]:
        """Return vectors whose lanes, taken in a row, are o[0]·h[0], o[0]·h[1], … o[1]·h[0], …"""
        rows_at_once = max(1, (24 if self._width == 16 else 12) // len(h))  # what registers hold
        sums: list[Vector] = []
        for first in range(0, len(o), rows_at_once):
            sums += self._partial_sums(h, o[first : first + rows_at_once], count)
        width = self._width
        return [self._sum_lanes(sums[i : i + width]) for i in range(0, len(sums), width)]

    def gradient_factors(
        self, dots: list[Vector], lr: Vector, scores: Vector, positives: int
    ) -> list[Vector]:
        """Return lr · (label − σ(dot)) of each pair, each spread over a vector; store the dots."""
        rate = self._spread(self._builder.insert_element(self._undefined, lr, _I32(0)), 0)
        factors: list[Vector] = []
        for number, dot in enumerate(dots):
            self._builder.store(dot, self._builder.gep(scores, [_I64(number)])).align = 4
            first = number * self._width
            label = [float(first + lane < positives) for lane in range(self._width)]
            error = self._builder.fsub(ir.Constant(self._type, label), self._sigmoid(dot))
            factor = self._builder.fmul(error, rate)
            factors += [self._spread(factor, lane) for lane in range(self._width)]
        return factors

    def update(self, h: list[Vector], o: list[Vector], factors: list[Vector], count: int) -> None:
        """Add to each row the sum of its factors times the rows it met, all at their old values."""

        def one_vector(k: Vector, _carried: Sequence[Vector]) -> Sequence[Vector]:
            old_h = [self._load(row, k) for row in h]
            old_o = [self._load(row, k) for row in o]
            for t, row in enumerate(h):
                self._add(row, k, old_o, [factors[n * len(h) + t] for n in range(len(o))])
            for n, row in enumerate(o):
                self._add(row, k, old_h, [factors[n * len(h) + t] for t in range(len(h))])
            return ()

        self._for_each_vector(count, (), one_vector)

    def _add(self, row: Vector, k: Vector, others: list[Vector], factors: list[Vector]) -> None:
        total = self._load(row, k)
        for factor, other in zip(factors, others, strict=True):
            total = self._multiply_add(factor, other, total)
        self._store(total, row, k)

    def _partial_sums(self, h: list[Vector], o: list[Vector], count: int) -> list[Vector]:
        def one_vector(k: Vector, carried: Sequence[Vector]) -> Sequence[Vector]:
            loaded_h = [self._load(row, k) for row in h]
            sums = iter(carried)
            return [
                self._multiply_add(loaded, each, next(sums))
                for loaded in (self._load(row, k) for row in o)
                for each in loaded_h
            ]

        zeros = [self._constant(0.0)] * (len(h) * len(o))
        return list(self._for_each_vector(count, zeros, one_vector))

    def _for_each_vector(
        self,
        count: int,
        start: Sequence[Vector],
        body: Callable[[Vector, Sequence[Vector]], Sequence[Vector]],
    ) -> Sequence[Vector]:
        """Emit ``for k in range(count): carried = body(k, carried)`` and return what is carried."""
        if count <= UNROLL:
            for k in range(count):
                start = body(_I64(k), start)
            return start
        builder = self._builder
        before, loop = builder.block, builder.append_basic_block("vectors")
        builder.branch(loop)
        builder.position_at_end(loop)
        k = builder.phi(_I64)
        carried = [builder.phi(self._type) for _ in start]
        results = body(k, carried)
        following = builder.add(k, _I64(1))
        end = builder.block
        for phi, first, then in zip(
            [k, *carried], [_I64(0), *start], [following, *results], strict=True
        ):
            phi.add_incoming(first, before)
            phi.add_incoming(then, end)
        after = builder.append_basic_block("vectors.end")
        builder.cbranch(builder.icmp_unsigned("<", following, _I64(count)), loop, after)
        builder.position_at_end(after)
        return results

    def _sum_lanes(self, sums: list[Vector]) -> Vector:
        """Return one vector whose lane i is the sum of the lanes of ``sums[i]``."""
        width = self._width
        sums = sums + [self._constant(0.0)] * (width - len(sums))
        evens = [x for g in range(0, width, 4) for x in (g, g + 2, width + g, width + g + 2)]
        sums = self._fold(self._fold(sums, evens, 1), evens, 1)
        quads = [x + i for x in range(0, 2 * width, 8) for i in range(4)]
        while len(sums) > 1:
            sums = self._fold(sums, quads, 4)
        return sums[0]

    def _fold(self, sums: list[Vector], mask: list[int], shift: int) -> list[Vector]:
        """Halve the list: neighbours x, y become (x, y)[mask] + (x, y)[mask + shift]."""
        shifted = [lane + shift for lane in mask]
        return [
            self._builder.fadd(self._shuffle(x, y, mask), self._shuffle(x, y, shifted))
            for x, y in zip(sums[::2], sums[1::2], strict=True)
        ]

    def _sigmoid(self, x: Vector) -> Vector:
        """Return σ(x) = ½ + ½ tanh(x / 2)."""
        builder = self._builder
        t = builder.fmul(x, self._constant(0.5))
        t = self._call("minnum", self._call("maxnum", t, -_TANH_MAX), _TANH_MAX)
        squared = builder.fmul(t, t)
        numerator = builder.fmul(self._polynomial(_TANH_P, squared), t)
        tanh = builder.fdiv(numerator, self._polynomial(_TANH_Q, squared), flags=_FAST)
        return self._multiply_add(tanh, self._constant(0.5), self._constant(0.5))

    def _polynomial(self, coefficients: Sequence[float], x: Vector) -> Vector:
        """Evaluate by Estrin's scheme: a shorter chain of steps that wait for each other."""
        terms = [self._constant(coefficient) for coefficient in coefficients]
        while len(terms) > 1:
            odd = terms[len(terms) // 2 * 2 :]
            pairs = zip(terms[::2], terms[1::2], strict=False)
            terms = [self._multiply_add(high, x, low) for low, high in pairs] + odd
            x = self._builder.fmul(x, x)
        return terms[0]

    def _call(self, name: str, x: Vector, bound: float) -> Vector:
        kind = ir.FunctionType(self._type, [self._type, self._type])
        function = _declared(self._builder, f"llvm.{name}.v{self._width}f32", kind)
        return self._builder.call(function, [x, self._constant(bound)])

    def _multiply_add(self, x: Vector, y: Vector, z: Vector) -> Vector:
        return self._builder.fadd(self._builder.fmul(x, y, flags=_FAST), z, flags=_FAST)

    def _load(self, row: Vector, k: Vector) -> Vector:
        loaded = self._builder.load(self._builder.gep(row, [k]))
        loaded.align = 4 * self._width
        return loaded

    def _store(self, value: Vector, row: Vector, k: Vector) -> None:
        self._builder.store(value, self._builder.gep(row, [k])).align = 4 * self._width

    def _shuffle(self, x: Vector, y: Vector, mask: Sequence[int]) -> Vector:
        lanes = ir.Constant(ir.VectorType(_I32, len(mask)), list(mask))
        return self._builder.shuffle_vector(x, y, lanes)

    def _spread(self, x: Vector, lane: int) -> Vector:
        return self._shuffle(x, self._undefined, [lane] * self._width)

    def _constant(self, value: float) -> Vector:
        return ir.Constant(self._type, [value] * self._width)

    @property
    def _undefined(self) -> Vector:
        return ir.Constant(self._type, ir.Undefined)


def _declared(builder: Builder, name: str, kind: Any) -> Vector:
    known = builder.module.globals.get(name)
    return known if known is not None else ir.Function(builder.module, kind, name)
