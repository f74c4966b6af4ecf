"""Reading a memory-mapped id stream without keeping it in memory."""

from __future__ import annotations

import mmap

import numpy as np
from numpy.typing import NDArray


def read_ids(ids: NDArray[np.int32], start: int, stop: int) -> NDArray[np.int32]:
    """Return a writable copy of ``ids[start:stop]``.

    Where ``ids`` is mapped from a file, its pages are given back to the system at once: they stay
    in the page cache, but a pass over the stream does not make the process as large as the file.
    """
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
