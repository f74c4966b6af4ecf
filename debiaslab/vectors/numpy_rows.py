"""Reading one numpy array as float32 rows, a block at a time, whatever its number type."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 22  # bytes in the file's own type that are held beside the result


def read_rows(stream: BinaryIO, available: int) -> NDArray[np.float32]:
    """Return the two-dimensional array of numbers in a ``.npy`` stream as float32.

    Beside the result only a few megabytes are held, so that float64 vectors cost no more memory
    than float32 ones. A number beyond float32 becomes infinity. Nothing is unpickled.

    Args:
        stream: At the start of the array.
        available: How many bytes the stream has; a header that promises more is refused before
            anything is allocated.

    Raises:
        ValueError: The header is damaged or promises more than there is, the array has another
            number of dimensions or holds something else than real numbers, or it is cut short.
    """
    version = np.lib.format.read_magic(stream)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"version {version} of the format, not 1.0 or 2.0")
    shape, fortran, dtype = readers[version](stream)
    if dtype.hasobject:
        raise ValueError("Object arrays, which are pickled, are not read")
    if dtype.kind not in "fiu" or len(shape) != 2:
        raise ValueError(f"an array of type {dtype} and shape {shape}, not words × dimension")
    if shape[0] * shape[1] * dtype.itemsize > available:
        raise ValueError(f"shape {shape} of type {dtype} is promised, but the data is cut short")
    matrix = np.empty(shape, np.float32)
    _fill(matrix.T if fortran else matrix, stream, dtype)
    return matrix


def _fill(rows: NDArray[np.float32], stream: BinaryIO, dtype: np.dtype) -> None:
    step = max(1, _BLOCK // max(1, rows.shape[1] * dtype.itemsize))
    for start in range(0, len(rows), step):
        block = np.empty(rows[start : start + step].shape, dtype)
        _read_exactly(stream, block.reshape(-1).view(np.uint8).data)
        with np.errstate(over="ignore"):  # becomes infinity, which the caller refuses
            rows[start : start + step] = block


def _read_exactly(stream: BinaryIO, view: memoryview) -> None:
    done = 0
    while done < len(view):
        got = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not got:
            raise ValueError("the data is cut short")
        done += got
