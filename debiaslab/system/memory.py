"""The C library's allocator: what it keeps of freed memory, and how much of it lies in pieces."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

_TUNABLES = "GLIBC_TUNABLES"
# A tensor starts on 64 bytes, so glibc cuts a piece off the block it is given. Kept aside for the
# next small request, that piece keeps the block from being one again, and the next tensor of the
# same size needs new memory: a penalty step then takes twice of what it uses.
_WHOLE = {
    "glibc.malloc.tcache_count": 0,
    "glibc.malloc.mxfast": 0,
    "glibc.malloc.mmap_threshold": 32 << 20,  # glibc's own maximum: smaller blocks are used again
    "glibc.malloc.trim_threshold": 128 << 20,  # of free memory, not given back and asked for again
}


@contextmanager
def blocks_kept_whole() -> Iterator[None]:
    """Let processes that are started meanwhile not cut freed blocks into pieces, under glibc.

    What the user has set in ``GLIBC_TUNABLES`` counts; other C libraries do not look at it.
    """
    before = os.environ.get(_TUNABLES)
    ours = ":".join(f"{name}={value}" for name, value in _WHOLE.items())
    os.environ[_TUNABLES] = f"{ours}:{before}" if before else ours
    try:
        yield
    finally:
        if before is None:
            del os.environ[_TUNABLES]
        else:
            os.environ[_TUNABLES] = before


def give_back() -> None:
    """Give memory that is free back to the system, under glibc, which keeps it for later."""
    if (trim := _trim()) is not None:
        trim(0)


@lru_cache(maxsize=1)
def _trim() -> Callable[[int], int] | None:
    try:
        return getattr(ctypes.CDLL(None), "malloc_trim", None)
    except TypeError:  # Windows: a library has to be named
        return None
