"""gensim's native format: what ``KeyedVectors.save`` writes, unpickled without running anything.

A pickle is a program: it may call whatever it names. Here every name it may use stands for an inert
record of what it was given, never for the real class or function, and any other name is refused.
The arrays are then rebuilt from those records by ``to_array``.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.vectors.table import Rows, Wanted, checked

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


def keyed_vectors(words: Sequence[str], vectors: NDArray[np.float32]) -> KeyedVectors:
    """Return a copy as gensim's ``KeyedVectors``, in the same order."""
    from gensim.models import KeyedVectors

    keyed = KeyedVectors(vector_size=vectors.shape[1], dtype=np.float32)
    keyed.add_vectors(list(words), vectors)
    return keyed


def write(words: Sequence[str], vectors: NDArray[np.float32], path: Path) -> None:
    """Write one file, however big: no ``.vectors.npy`` beside it, and no date inside it.

    Given a name, gensim puts arrays of 10 million numbers in a second file; given an open file, it
    keeps everything in one, which can then be moved into place in one step.
    """
    keyed = keyed_vectors(words, vectors)
    keyed.lifecycle_events = None
    with path.open("wb") as stream:
        keyed.save(stream)


def read(stream: BinaryIO, path: Path, wanted: Wanted, compressed: bool) -> Rows:
    """Read the native format of gensim 1 to 4, with the arrays that stand in files beside it.

    Raises:
        UserError: As ``attributes`` raises, a file beside it is missing or damaged, or a check of
            ``checked`` fails.
    """
    state = attributes(stream, path)
    words = _words(state, path)
    name = "vectors" if "vectors" in state or "vectors" in _aside(state) else "syn0"
    if name in _aside(state):
        vectors = _beside(path, name, compressed)
    else:
        try:
            vectors = to_array(state.get(name))
        except ValueError as error:
            raise UserError(f"{path} holds no vectors, or damaged ones ({error})") from error
    return checked(words, vectors, path, wanted, counts=_counts(state, words))


def _words(state: dict[str, object], path: Path) -> list[str]:
    keys = state.get("index_to_key", state.get("index2word"))
    try:
        if not isinstance(keys, list):
            raise ValueError("no list")
        return [to_text(key) for key in keys]
    except ValueError as error:
        raise UserError(
            f"{path} holds no list of words", allowed="KeyedVectors whose keys are words"
        ) from error


def _counts(state: dict[str, object], words: list[str]) -> NDArray[np.number] | list[float] | None:
    """Return how often each word occurs, where gensim 4 or an earlier one has kept it."""
    expandos, vocabulary = state.get("expandos"), state.get("vocab")
    if isinstance(expandos, dict) and "count" in expandos:
        try:
            counts = to_array(expandos["count"], kinds="fiu")
        except ValueError:
            return None
        return counts if counts.shape == (len(words),) else None
    if isinstance(vocabulary, dict) and vocabulary:
        entries = [getattr(vocabulary.get(word), "state", None) for word in words]
        found = [entry.get("count") for entry in entries if isinstance(entry, dict)]
        numbers = [float(count) for count in found if isinstance(count, int | float)]
        return numbers if len(numbers) == len(words) else None
    return None


def _aside(state: dict[str, object]) -> list[object]:
    names = state.get("__numpys")
    return names if isinstance(names, list) else []


def _beside(path: Path, name: str, compressed: bool) -> NDArray[np.floating]:
    side = path.with_name(f"{path.name}.{name}.{'npz' if compressed else 'npy'}")
    try:
        loaded = np.load(side, allow_pickle=False)
        return loaded["val"] if compressed else loaded
    except FileNotFoundError as error:
        raise UserError(
            f"{path} keeps its vectors in {side.name}, which is not beside it",
            next_step="copy both files, or read with gensim and save with separately=[]",
        ) from error
    except (OSError, ValueError, EOFError, MemoryError, KeyError) as error:
        raise UserError(f"{side} is damaged ({error})", next_step="copy it again") from error


# Unpickling -----------------------------------------------------------------------------------


class Inert:
    """What a name in a pickle stands for: it keeps its arguments and state, and does nothing."""

    args: tuple[Any, ...]
    state: Any

    def __new__(cls, *args: object, **_: object) -> Any:  # noqa: D102
        record = super().__new__(cls)
        record.args = args
        record.state = None
        return record

    def __setstate__(self, state: object) -> None:
        self.state = state


class InertVectors(Inert):
    """``KeyedVectors``; ``state`` is the dictionary of its attributes."""


class InertArray(Inert):
    """``numpy.ndarray``; ``state`` is (version, shape, dtype, is Fortran order, bytes)."""


class InertBuffer(Inert):
    """An array of pickle protocol 5; ``args`` is (bytes, dtype, shape, order)."""


class InertType(Inert):
    """``numpy.dtype``; ``args[0]`` is such as ``f4``, ``state[1]`` the byte order."""


class _Encoded(Inert):
    """``codecs.encode`` of the bytes that protocol 2 writes as text."""

    def __new__(cls, text: str, *_: object) -> Any:
        return text.encode("latin1")


class _Reconstructed(Inert):
    """The function that numpy pickles an array with: it makes an empty one, to be given a state."""

    def __new__(cls, *args: object) -> Any:
        return InertArray(*args)


class InertScalar(Inert):
    """A numpy scalar; ``args`` is (dtype, bytes)."""


_NUMPY: dict[str, type[Inert]] = {"_reconstruct": _Reconstructed, "scalar": InertScalar}
_KEYED = ("KeyedVectors", "Word2VecKeyedVectors", "EuclideanKeyedVectors")
_KNOWN: dict[tuple[str, str], type[Inert]] = {
    **{("gensim.models.keyedvectors", name): InertVectors for name in _KEYED},
    **{("gensim.models.keyedvectors", name): Inert for name in ("Vocab", "CompatVocab")},
    **{("numpy.core.multiarray", name): inert for name, inert in _NUMPY.items()},
    **{("numpy._core.multiarray", name): inert for name, inert in _NUMPY.items()},
    ("numpy.core.numeric", "_frombuffer"): InertBuffer,
    ("numpy._core.numeric", "_frombuffer"): InertBuffer,
    ("numpy", "ndarray"): InertArray,
    ("numpy", "dtype"): InertType,
    ("_codecs", "encode"): _Encoded,
    ("builtins", "frozenset"): Inert,
    ("__builtin__", "frozenset"): Inert,
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: BinaryIO, path: Path) -> None:
        super().__init__(stream, fix_imports=False, encoding="latin1")
        self._path = path

    def find_class(self, module: str, name: str) -> type[Inert]:
        known = _KNOWN.get((module, name))
        if known is not None:
            return known
        raise UserError(
            f"{self._path} is a pickle that asks for {module}.{name}, which no file of vectors "
            "needs; nothing in it was run",
            allowed="files that gensim's KeyedVectors.save made",
            next_step=_other_way(module, name, self._path),
        )


def _other_way(module: str, name: str, path: Path) -> str | None:
    """Return how the vectors of a file that gensim made are had in a format that is read."""
    if not module.startswith("gensim.models"):
        return None
    vectors = "" if name.endswith("KeyedVectors") else ".wv"
    return (
        f"if you trust it, in Python: from {module} import {name}; "
        f"{name}.load({str(path)!r}){vectors}.save_word2vec_format('vectors.bin', binary=True); "
        "then vectors.bin"
    )


def attributes(stream: BinaryIO, path: Path) -> dict[str, Any]:
    """Return the attributes of the pickled ``KeyedVectors`` in ``stream``, arrays as records.

    Raises:
        UserError: The pickle names anything but what such a file needs, is damaged or cut short,
            or holds something else.
    """
    try:
        pickled = _Unpickler(stream, path).load()
    except UserError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise UserError(
            f"{path} is a damaged or cut-short pickle ({error})",
            next_step="copy it or save it again",
        ) from error
    if isinstance(pickled, InertVectors) and isinstance(pickled.state, dict):
        return pickled.state
    raise UserError(
        f"{path} is a pickle of something else than vectors",
        allowed="files that gensim's KeyedVectors.save made",
    )


def to_array(record: object, kinds: str = "f") -> NDArray[np.floating]:
    """Rebuild an array of numbers from its record.

    Args:
        record: What the pickle says of it.
        kinds: Kinds of number that it may hold, as numpy names them: floats unless said otherwise.

    Raises:
        ValueError: The record is no such array, or its parts disagree.
    """
    if isinstance(record, InertArray) and _is_tuple(record.state, 5):
        _, shape, kind, fortran, data = record.state
        order = "F" if fortran else "C"
    elif isinstance(record, InertBuffer) and _is_tuple(record.args, 4):
        data, kind, shape, order = record.args
    else:
        raise ValueError("no array")
    if isinstance(data, str):  # Python 2 wrote bytes as text
        data = data.encode("latin1")
    if not isinstance(data, bytes | bytearray) or order not in ("C", "F"):
        raise ValueError("no bytes")
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ValueError(f"shape {shape!r}")
    flat = np.frombuffer(data, _number_type(kind, kinds))
    return flat.reshape(shape, order="F" if order == "F" else "C")


def to_text(record: object) -> str:
    """Return a string, which may be recorded as a numpy scalar (``numpy.str_``).

    Raises:
        ValueError: It is neither.
    """
    if isinstance(record, str):
        return record
    if isinstance(record, InertScalar) and _is_tuple(record.args, 2):
        kind, data = record.args
        if isinstance(data, str):  # Python 2 wrote bytes as text
            data = data.encode("latin1")
        if isinstance(kind, InertType) and isinstance(data, bytes) and _is_text_type(kind):
            order = "be" if kind.state[1] == ">" else "le"
            return data.decode(f"utf-32-{order}", "surrogatepass").rstrip("\0")
    raise ValueError("no text")


def _is_text_type(kind: InertType) -> bool:
    name = kind.args[0] if kind.args else None
    return isinstance(name, str) and name.startswith("U") and isinstance(kind.state, tuple)


def _number_type(record: object, kinds: str) -> np.dtype[np.floating]:
    if isinstance(record, InertType) and record.args and isinstance(record.state, tuple):
        name, order = record.args[0], record.state[1]
        known = [f"{kind}{size}" for kind in kinds for size in (1, 2, 4, 8)]
        if name in known and name != "f1" and order in ("<", ">", "=", "|"):
            return np.dtype(order + name)
    raise ValueError("no array of floats")


def _is_tuple(value: object, length: int) -> bool:
    return isinstance(value, tuple) and len(value) == length
