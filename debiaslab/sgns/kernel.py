"""The algorithm of the fast engine: first in plain Python, then as a compiled kernel.

``train_plain`` says what is computed and is the tests' oracle; ``compile_kernel`` computes the
same from the same random draws, about a thousand times faster. W: target embeddings, C: context
embeddings, c: a context word, k: number of negatives, m: window.

Threads that train at once each keep copies of the hot rows, those of the most frequent words, and
add up what has changed now and then (``_share``): a row that two cores write in turn has to travel
between them each time.

Noise may have several distributions, one a stratum of the text: a pair's negatives are drawn from
that of its context word's place (``strata``).

A random number is a hash of a key and a counter (SplitMix64: Steele, Lea and Flood 2014), so what
is drawn depends on seed, epoch, block and place, never on what was drawn before.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import float32, float64, int64, njit, uint64
from numba.cpython.unsafe.tuple import tuple_setitem
from numpy.typing import NDArray

from debiaslab.sgns import simd

REDRAWS = 8  # of a negative that equals c; then the most likely other noise word stands in
MEASURED = 64  # the loss is measured at every 64th centre that has a target
_AHEAD_BYTES = 10 * 1024  # rows asked for before they are used: a part of the first-level cache
_LEAST_AHEAD, _MOST_AHEAD = 2, 8  # centres
_NOISE_BUFFER = 4096
STRATUM_BITS = 40  # of a noise word's counter; above them stands its stratum
_LINE = 16  # floats of a cache line
_WORD = 0xFFFFFFFFFFFFFFFF
_PENALTY_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "boundscheck": False,
    "fastmath": {"reassoc", "contract", "nsz"},  # sums in the order that is quickest
}
_MORE = 2.0  # what a row may move next time, in units of what it moved, while it goes downhill
_LESS = 1.5  # the same, once its gradient has turned against the step
_LEAST = 0.005  # of its length, that a row may move even so
_BEYOND = 2.0  # trial steps that the secant may add up to
_SMALL = 1e-3  # angles that are their own tangents


class Keys(NamedTuple):
    """One key for each kind of random draw of a block."""

    keep: int
    reach: int
    noise: int
    penalty: int


class Draws(NamedTuple):
    """The distributions a block draws from, and the words with special rules."""

    keep: NDArray[np.uint32]  # (V,) a token is kept if 32 random bits are at most this
    noise: NDArray[np.uint32]  # (S, V, 2) alias table of each stratum's noise distribution
    spare: tuple[int, int]  # the two likeliest noise words
    unk: int  # <UNK>, never a target or a negative; -1: none


def train_plain(
    W: NDArray[np.floating],
    C: NDArray[np.floating],
    tokens: NDArray[np.int32],
    strata: NDArray[np.int8],
    draws: Draws,
    keys: Keys,
    window: int,
    dynamic: bool,
    negatives: int,
    lr: tuple[float, float],
) -> int:
    """Train W and C, each ``(V, d)``, in place on one block of the id stream; return the pairs.

    ``strata`` holds the stratum of each token; empty, all are of stratum 0. ``lr`` is the learning
    rate at the block's start and at its end.
    """
    pairs = 0
    noise = [_noise_words(keys.noise, s, table) for s, table in enumerate(draws.noise)]
    places = [
        p
        for p, w in enumerate(tokens)
        if w < 0 or random_bits(keys.keep, p) >> 32 <= int(draws.keep[w])
    ]
    kept = [int(tokens[p]) for p in places]
    for i, c in enumerate(kept):
        reach = window - ((random_bits(keys.reach, i) >> 32) * window >> 32 if dynamic else 0)
        targets = [t for t in around(kept, i, reach) if t != draws.unk] if c >= 0 else []
        if not targets:
            continue
        own = noise[strata[places[i]] if len(strata) else 0]
        outputs = [c] + [other_than(c, own, draws.spare) for _ in range(negatives)]
        label = np.array([1.0] + [0.0] * negatives)
        rate = lr[0] + (lr[1] - lr[0]) * i / len(kept)
        for first in range(0, len(targets), group_size(negatives)):
            group = targets[first : first + group_size(negatives)]
            h, o = W[group], C[outputs]
            error = rate * (label - 1 / (1 + np.exp(-(h @ o.T))))  # −rate · ∂loss/∂(h · o)
            np.add.at(W, group, error @ o)
            np.add.at(C, outputs, error.T @ h)
        pairs += len(targets)
    return pairs


def group_size(negatives: int) -> int:
    """Return how many targets share one vector block, hence one look at the old weights.

    Four are faster than two as long as the registers hold what the block needs of all its pairs:
    32 registers with AVX-512, 16 without.
    """
    most = 5 if simd.lanes() == 16 else 3
    return 4 if negatives <= most else 2


def around(kept: list[int], i: int, reach: int) -> Iterator[int]:
    """Yield the words of the window of position ``i``, left to right, inside its document."""
    left = range(i - 1, max(i - reach, 0) - 1, -1)
    start = next((j + 1 for j in left if kept[j] < 0), max(i - reach, 0))
    for j in range(start, min(i + reach + 1, len(kept))):
        if kept[j] < 0:
            return
        if j != i:
            yield kept[j]


def other_than(c: int, noise: Iterator[int], spare: tuple[int, int]) -> int:
    """Draw a negative that is not c, drawing again at most ``REDRAWS`` times."""
    for _ in range(1 + REDRAWS):
        word = next(noise)
        if word != c:
            return word
    return spare[1] if spare[0] == c else spare[0]


def _noise_words(key: int, stratum: int, table: NDArray[np.uint32]) -> Iterator[int]:
    first = stratum << STRATUM_BITS
    return (draw_noise(key, first + n, table) for n in range(2**STRATUM_BITS))


def random_bits(key: int, counter: int) -> int:
    """Return 64 random bits: SplitMix64 at a counter."""
    x = (key + counter * 0x9E3779B97F4A7C15) & _WORD
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _WORD
    return x ^ (x >> 31)


def draw_noise(key: int, counter: int, table: NDArray[np.uint32]) -> int:
    """Return the noise word at a counter, from an alias table of shape ``(V, 2)``."""
    bits = random_bits(key, counter)
    word = (bits >> 32) * len(table) >> 32
    return int(word) if bits & 0xFFFFFFFF < int(table[word, 0]) else int(table[word, 1])


def block_keys(seed: int, epoch: int, block: int) -> Keys:
    """Derive the keys of one block."""
    root = random_bits(random_bits(random_bits(seed, 0), epoch), block)
    return Keys(*(random_bits(root, kind) for kind in range(4)))


Kernel = Callable[..., tuple[int, int, float]]
_SIGNATURE = (
    "Tuple((int64, int64, float64))(int32[::1], int8[::1], int64, int64, uint32[::1], "
    "uint32[:, :, ::1], "
    "UniTuple(uint64, 4), int64, boolean, UniTuple(float64, 2), int64, UniTuple(int64, 2), "
    "UniTuple(float32[:, ::1], 2), int64)"
)


@cache
def compile_kernel(dim: int, stride: int, negatives: int) -> Kernel:
    """Compile the kernel for rows of ``dim`` floats that lie ``stride`` floats apart.

    The result takes ``(tokens, strata, W, C, keep, noise, keys, window, dynamic, lr, unk, spare,
    shared, interval)``: tokens a writable int32 block (overwritten), strata that of each token
    (overwritten; empty: all 0), W and C the addresses of the matrices, lr the learning rates at
    the block's start and end, shared their first rows, ``(hot, stride)`` each, of which the
    block works on copies, and interval the kept tokens after which these are shared. It returns
    the positive pairs trained, and of the measured centres the pairs and the sum of their
    losses. It releases the GIL. Compiled code is kept on disk where numba finds a place for it.
    """
    lanes = simd.lanes()
    kernel = _kernel(4 * stride, -(-dim // lanes), lanes, negatives)
    # numba's cache does not notice a change in another module: make that part of the name
    kernel.__qualname__ += f"_{zlib.crc32(Path(simd.__file__).read_bytes()):08x}"
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    try:
        return njit(_SIGNATURE, cache=True, **options)(kernel)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        return njit(_SIGNATURE, **options)(kernel)


def _kernel(row_bytes: int, vectors: int, lanes: int, k: int) -> Kernel:
    """Make the kernel; the sizes it closes over become constants of the compiled code."""
    no_outputs = (0,) * (1 + k)
    asked_ahead = max(_LEAST_AHEAD, min(_AHEAD_BYTES // ((k + 2) * row_bytes), _MOST_AHEAD))
    noise_needed = k * (1 + REDRAWS + asked_ahead)  # what one centre draws at most, or prefetches
    group = group_size(k)
    room = group * (1 + k) + lanes

    def train(  # type: ignore[no-untyped-def]
        tokens, strata, W, C, keep, noise, keys, window, dynamic, lr, unk, spare, shared, interval
    ):
        size = _subsample(tokens, strata, keep, keys[0])
        hot, next_share = shared[0].shape[0], interval
        own_W, own_C = _copy(shared[0]), _copy(shared[1])
        last_W, last_C = _copy(shared[0]), _copy(shared[1])
        places_W = W, own_W.ctypes.data, hot
        places_C = C, own_C.ctypes.data, hot
        drawn = np.empty((len(noise), _NOISE_BUFFER), np.int32)
        first_drawn = np.arange(len(noise)) << STRATUM_BITS  # counter of each row's first word
        next_noise = first_drawn.copy()
        for s in range(len(noise)):
            _fill(drawn[s], keys[2], first_drawn[s], noise[s])
        rows = np.empty(2 * window + 4, np.int64)
        scores = np.empty(room, np.float32)
        pairs = centres = measured_pairs = start = 0
        loss = 0.0
        for i in range(size):
            c = tokens[i]
            if c < 0:
                start = i + 1
                continue
            reach = window
            if dynamic:
                reach -= int64(((_bits(keys[1], uint64(i)) >> 32) * uint64(window)) >> 32)
            targets = 0
            for j in range(max(start, i - reach), min(size, i + reach + 1)):
                t = tokens[j]
                if t < 0:
                    break
                if j != i and t != unk:
                    rows[targets] = _row(places_W, t, row_bytes)
                    targets += 1
            if targets == 0:
                continue

            s = int64(strata[i]) if len(strata) else 0
            if next_noise[s] - first_drawn[s] + noise_needed > _NOISE_BUFFER:
                first_drawn[s] = next_noise[s]
                _fill(drawn[s], keys[2], first_drawn[s], noise[s])
            at = next_noise[s] - first_drawn[s]
            outputs = tuple_setitem(no_outputs, 0, _row(places_C, c, row_bytes))
            for n in range(k):
                word = drawn[s, at]
                at += 1
                redraws = 0
                while word == c and redraws < REDRAWS:
                    word = drawn[s, at]
                    at += 1
                    redraws += 1
                if word == c:
                    word = spare[1] if spare[0] == c else spare[0]
                outputs = tuple_setitem(outputs, n + 1, _row(places_C, word, row_bytes))
            next_noise[s] = first_drawn[s] + at

            for n in range((asked_ahead - 1) * k, asked_ahead * k):
                simd.prefetch_row(_row(places_C, drawn[s, at + n], row_bytes), row_bytes)
            ahead = min(i + asked_ahead, size - 1)
            simd.prefetch_row(_row(places_C, tokens[ahead], row_bytes), row_bytes)
            ahead = min(ahead + window, size - 1)
            simd.prefetch_row(_row(places_W, tokens[ahead], row_bytes), row_bytes)

            rate = float32(lr[0] + (lr[1] - lr[0]) * i / size)
            measured = centres % MEASURED == 0
            address = scores.ctypes.data
            for t in range(0, targets, group):
                size_of_group = min(targets - t, group)
                h1, h2, h3, h4 = rows[t], rows[t + 1], rows[t + 2], rows[t + 3]  # some left over
                if group == 4 and size_of_group == 4:
                    simd.sgns_block((h1, h2, h3, h4), outputs, rate, address, vectors, lanes)
                elif group == 4 and size_of_group == 3:
                    simd.sgns_block((h1, h2, h3), outputs, rate, address, vectors, lanes)
                elif size_of_group == 2:
                    simd.sgns_block((h1, h2), outputs, rate, address, vectors, lanes)
                else:
                    simd.sgns_block((h1,), outputs, rate, address, vectors, lanes)
                if measured:
                    loss += _loss(scores, size_of_group, k)
            pairs += targets
            centres += 1
            if measured:
                measured_pairs += targets
            if i >= next_share:
                _share(shared[0], own_W, last_W)
                _share(shared[1], own_C, last_C)
                next_share = i + interval
        _share(shared[0], own_W, last_W)
        _share(shared[1], own_C, last_C)
        return pairs, measured_pairs, loss

    return train


_bits = njit(random_bits)


@njit
def _row(places, word, row_bytes):  # type: ignore[no-untyped-def]
    """Return the address of a row: of the copy if the word is hot, else of the matrix."""
    matrix, own, hot = places
    return (own if word < hot else matrix) + int64(word) * row_bytes


@njit
def _copy(rows):  # type: ignore[no-untyped-def]
    """Copy rows to where a cache line begins, as those of the matrices do."""
    hot, stride = rows.shape
    room = np.empty(hot * stride + _LINE, np.float32)
    begin = -(room.ctypes.data // 4) % _LINE
    copy = room[begin : begin + hot * stride].reshape(hot, stride)
    copy[:] = rows
    return copy


@njit
def _share(shared, own, last):  # type: ignore[no-untyped-def]
    """Add what has changed in the copies since they were last shared; take what others added."""
    for r in range(own.shape[0]):
        for j in range(own.shape[1]):
            now = shared[r, j] + (own[r, j] - last[r, j])
            shared[r, j] = own[r, j] = last[r, j] = now


@njit
def _subsample(tokens, strata, keep, key):  # type: ignore[no-untyped-def]
    """Move the tokens that are kept, and the ends of documents, to the front; return how many.

    Their strata, where there are some, move along.
    """
    size = 0
    for p in range(len(tokens)):
        w = tokens[p]
        tokens[size] = w  # overwritten if it is not kept: a branch would be guessed wrong too often
        if len(strata):
            strata[size] = strata[p]
        size += (w < 0) | (_bits(key, uint64(p)) >> 32 <= keep[max(w, 0)])
    return size


@njit
def _fill(drawn, key, first, table):  # type: ignore[no-untyped-def]
    """Draw the noise words from counter ``first`` on.

    In one loop this would take four times as long: the choice would be compiled to a branch, which
    is guessed wrong half of the time, and the hash not to vector code.
    """
    words = uint64(len(table))
    lots = np.empty(len(drawn), np.uint32)
    for n in range(len(drawn)):
        bits = _bits(key, uint64(first + n))
        drawn[n] = ((bits >> 32) * words) >> 32
        lots[n] = bits & 0xFFFFFFFF
    thresholds = np.empty(len(drawn), np.uint32)
    others = np.empty(len(drawn), np.int32)
    for n in range(len(drawn)):
        thresholds[n], others[n] = table[drawn[n], 0], table[drawn[n], 1]
    for n in range(len(drawn)):
        drawn[n] = drawn[n] if lots[n] < thresholds[n] else others[n]


@njit
def _loss(scores, targets, k):  # type: ignore[no-untyped-def]
    """Return the summed loss of a block from its dot products, negatives after positives."""
    total, product = 0.0, 1.0
    for s in range(targets * (1 + k)):
        x = float(scores[s] if s >= targets else -scores[s])
        total += max(x, 0.0)
        product *= 1.0 + np.exp(-abs(x))  # −log σ(−x) = max(x, 0) + log(1 + e^−|x|)
    return total + np.log(product)  # of at most 42 factors up to 2: far from overflow


def _cached(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function when it is first called, and keep the code where numba finds a place."""
    options: dict[str, Any] = {**_PENALTY_OPTIONS}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        return njit(**options)(function)


@njit(**_PENALTY_OPTIONS)
def _dot(a, b):  # type: ignore[no-untyped-def]
    total = a[0] * b[0]
    for j in range(1, len(a)):
        total += a[j] * b[j]
    return float64(total)


@njit(**_PENALTY_OPTIONS)
def _within(length, size, limit, strength, floor):  # type: ignore[no-untyped-def]
    """Return the strength of a trial step, at which a gradient of this size moves a row so far."""
    longest = limit * max(length, floor)
    return strength if strength * size <= longest else longest / size


@njit(**_PENALTY_OPTIONS)
def _kept(ww, wg, gg, strength, floor):  # type: ignore[no-untyped-def]
    """Return what w − strength · g is multiplied by, so that only its part along w changes |w|."""
    length = math.sqrt(ww)
    moved = math.sqrt(max(ww - 2 * strength * wg + strength * strength * gg, 0.0))
    if length <= floor or moved == 0:
        return 1.0
    return (length - strength * wg / length) / moved


@_cached
def try_step(rows, gradients, ids, limits, strength, floor, there):  # type: ignore[no-untyped-def]
    """Write where the trial steps of some rows lead.

    Args:
        rows: Where they are, ``(n, d)``.
        gradients: Of the penalty there, ``(n, d)``.
        ids: Their words, ``(n,)``.
        limits: How far each word's row may move, in shares of its length, ``(V,)``.
        strength: lr · pairs · λ.
        floor: Shorter rows move as if they were this long.
        there: Written over, ``(n, d)``.
    """
    for i in range(len(rows)):
        w, g = rows[i], gradients[i]
        ww, wg, gg = _dot(w, w), _dot(w, g), _dot(g, g)
        k = _within(math.sqrt(ww), math.sqrt(gg), limits[ids[i]], strength, floor)
        scale = _kept(ww, wg, gg, k, floor)
        a, b, trial = w.dtype.type(scale), w.dtype.type(-k * scale), there[i]
        for j in range(len(w)):
            trial[j] = a * w[j] + b * g[j]


@njit(**_PENALTY_OPTIONS)
def _slope(length, along, across, wh, sh):  # type: ignore[no-untyped-def]
    """Return the slope of R at the end of a trial step, by the tangent of the angle turned.

    The step's part along w has changed the length of w alone, and the part across has turned it.

    Args:
        length: |w|.
        along: Part of the step along w.
        across: Length of its part at a right angle to w.
        wh: w · h, h the gradient at the end.
        sh: step · h.
    """
    reached = length + along
    chord = math.sqrt(reached * reached + across * across)
    longer = along * (wh + sh) / chord
    turned = (reached * sh - (across * across + reached * along) * wh / length) / chord
    return longer * (chord / reached) ** 2 + turned * length / reached


@_cached
def arrive(  # type: ignore[no-untyped-def]
    rows, gradients, ids, limits, strength, floor, most, seen, matrix
):
    """Move rows to where the slope of the penalty along their steps vanishes, by the secant.

    Args:
        rows: Where they were, ``(n, d)``.
        gradients: Of the penalty there, ``(n, d)``.
        ids: Their words, ``(n,)``.
        limits: As in ``try_step``, ``(V,)``; written over for the next step.
        strength: lr · pairs · λ: no row goes beyond it.
        floor: Shorter rows move as if they were this long.
        most: That a limit may be.
        seen: The gradients where the trial steps led, ``(n, d)``.
        matrix: All rows, ``(V, at least d)``. What they have moved is added, not written over them:
            other threads may be training the same rows.
    """
    for i in range(len(rows)):
        w, g, h = rows[i], gradients[i], seen[i]
        ww, wg, gg = _dot(w, w), _dot(w, g), _dot(g, g)
        if gg == 0:
            continue
        word = uint64(ids[i])
        length, size, moving = math.sqrt(ww), math.sqrt(gg), matrix[word]
        k = _within(length, size, limits[word], strength, floor)
        rising, tangent = -k * _dot(g, h), 0.0
        if length > floor:
            along = -k * wg / length
            across = math.sqrt(max(k * k * gg - along * along, 0.0))
            rising = _slope(length, along, across, _dot(w, h), rising)
            tangent = across / (length + along)
        further = min(_BEYOND, strength / k)
        fallen = k * gg + rising  # by how much the slope has changed
        share = k * gg / fallen if fallen * further > k * gg else further
        if share < 1 and tangent > _SMALL:  # the secant is of the angle
            share = math.tan(share * math.atan(tangent)) / tangent
        taken = k * share
        scale = _kept(ww, wg, gg, taken, floor)
        a, b = w.dtype.type(scale - 1), w.dtype.type(-taken * scale)
        for j in range(len(w)):
            moving[j] += a * w[j] + b * g[j]
        moved = taken * size / max(length, floor)
        if rising > 0:
            limits[word] = min(max(_LESS * moved, _LEAST), most)
        else:
            limits[word] = min(max(_MORE * moved, limits[word]), most)
