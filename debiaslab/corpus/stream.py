"""The id stream as training reads it: mapped, and by which frequencies tokens are kept or drawn.

Subsampling and the noise distribution are those of Mikolov et al. 2013b, section 2.
"""

from __future__ import annotations

import math
import mmap
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from debiaslab.errors import UserError


class Shards:
    """Id files, one after the other, read as the one stream they are.

    Args:
        pieces: The shards in order, none of them empty, each mapped from its file.
    """

    dtype = np.dtype(np.int32)

    def __init__(self, pieces: Sequence[NDArray[np.int32]]) -> None:
        self._pieces = tuple(pieces)
        self._bounds = list(accumulate((len(piece) for piece in pieces), initial=0))

    def __len__(self) -> int:
        return self._bounds[-1]

    @overload
    def __getitem__(self, place: int) -> np.int32: ...
    @overload
    def __getitem__(self, place: slice) -> NDArray[np.int32]: ...
    def __getitem__(self, place: int | slice) -> np.int32 | NDArray[np.int32]:
        """Return an id, or a copy of several."""
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step != 1:
                raise IndexError("a stream in shards is read forwards, id by id")
            return self.read(start, stop)
        at = range(len(self))[place]
        shard = bisect_right(self._bounds, at) - 1
        return np.int32(self._pieces[shard][at - self._bounds[shard]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the whole stream in memory."""
        if copy is False:
            raise ValueError("a stream in shards has to be copied to become one array")
        return self.read(0, len(self)).astype(dtype or self.dtype, copy=False)

    def read(self, start: int, stop: int) -> NDArray[np.int32]:
        """Return a copy of the ids from ``start`` to before ``stop``, whichever shards they are in.

        The pages of the files are given back to the system.
        """
        stop = min(stop, len(self))
        if start >= stop:
            return np.empty(0, np.int32)
        shard = bisect_right(self._bounds, start) - 1
        begin, end = self._bounds[shard : shard + 2]
        if stop <= end:  # most often
            return read_ids(self._pieces[shard], start - begin, stop - begin)
        block = np.empty(stop - start, np.int32)
        block[: end - start] = read_ids(self._pieces[shard], start - begin, end - begin)
        block[end - start :] = self.read(end, stop)
        return block


IdStream = NDArray[np.int32] | Shards


def read_ids(ids: IdStream, start: int, stop: int) -> NDArray[np.int32]:
    """Return a writable copy of ``ids[start:stop]``.

    Where ``ids`` is mapped from a file, its pages are given back to the system at once: they stay
    in the page cache, but a pass over the stream does not make the process as large as the file.
    """
    if isinstance(ids, Shards):
        return ids.read(start, stop)
    block = np.array(ids[start:stop], dtype=np.int32)
    _release(ids, start, stop)
    return block


def _release(ids: NDArray[np.int32], start: int, stop: int) -> None:
    mapping = _mapping(ids)
    if mapping is None or not hasattr(mmap, "MADV_DONTNEED"):
        return
    before = ids.ctypes.data - np.frombuffer(mapping, dtype=np.uint8).ctypes.data
    first = (before + start * ids.itemsize) // mmap.PAGESIZE * mmap.PAGESIZE
    last = min(before + min(stop, len(ids)) * ids.itemsize, len(mapping))
    if last > first:
        mapping.madvise(mmap.MADV_DONTNEED, first, last - first)


def _mapping(ids: NDArray[np.int32]) -> mmap.mmap | None:
    """Return what a read-only memmap, or a slice of one, lies in; None for other arrays."""
    base: object = ids
    while isinstance(base, np.ndarray):
        if base.flags.writeable:  # dropping a page would lose what was written to it
            return None
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def keep_probability(counts: ArrayLike, t: float, total: int | None = None) -> NDArray[np.float64]:
    """Return the probability with which a token of each word survives subsampling, shape ``(V,)``.

    ``p(w) = min(1, (sqrt(f/t) + 1) · t/f)`` with ``f = count / total``: the form of the word2vec
    code, which the paper's equation 5 approximates.

    Args:
        counts: Tokens of each word, shape ``(V,)``.
        t: Relative frequency above which tokens are dropped; 0 keeps every token.
        total: Tokens in the stream; the sum of ``counts`` when None.

    Raises:
        UserError: ``t`` is negative or not finite.
    """
    if not (math.isfinite(t) and t >= 0):
        raise UserError(
            f"a subsampling threshold of {t} cannot be used",
            allowed="0 (keep every token) or a small positive number",
            next_step="--subsample 0.001",
        )
    counts = np.asarray(counts, dtype=np.float64)
    keep = np.ones(len(counts))
    seen = counts > 0  # <UNK> may have replaced nothing
    if t > 0 and seen.any():
        ratio = t * (counts.sum() if total is None else total) / counts[seen]  # t / f
        keep[seen] = np.minimum(1.0, np.sqrt(ratio) + ratio)
    return keep


def noise_distribution(
    counts: ArrayLike, power: float = 0.75, unk: int | None = None
) -> NDArray[np.float64]:
    """Return the probability with which each word is drawn as a negative, shape ``(V,)``, sum 1.

    ``P(w) ∝ count(w)^power``, exact in float64; ``<UNK>`` (id ``unk``) is never drawn.

    Raises:
        UserError: ``power`` is not finite, or no word is left to draw.
    """
    if not math.isfinite(power):
        raise UserError(f"a noise power of {power} cannot be used", allowed="a number such as 0.75")
    counts = np.asarray(counts, dtype=np.float64)
    weights = np.zeros(len(counts))
    seen = counts > 0
    weights[seen] = counts[seen] ** power
    if unk is not None:
        weights[unk] = 0.0
    if not weights.sum() > 0:
        raise UserError(
            "no word is left to draw noise from",
            allowed="a vocabulary with at least one word besides <UNK>",
        )
    return weights / weights.sum()
