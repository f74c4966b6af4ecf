"""Finding the words of a list in the vectors: their rows, what is missing, unit vectors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics.measured import MIN_WORDS, NotMeasuredError, shortlist
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.words import written_in

_COLLINEAR = 1e-9  # 1 − cosine below this: one direction, up to float32 rounding


@dataclass(frozen=True)
class Found:
    """The words of a list that the vectors have.

    Attributes:
        words: The words as the vectors spell them, each once, in the order of the list.
        rows: Their row numbers.
        missing: The words of the list, as given, that have no vector.
    """

    words: tuple[str, ...]
    rows: tuple[int, ...]
    missing: tuple[str, ...]


def row_of(embeddings: Embeddings, word: str) -> int | None:
    """Return the row of ``word`` as the vectors write it (see ``written_in``), or None."""
    index = embeddings.index
    if (row := index.get(word)) is not None:  # nearly always
        return row
    written = written_in(index, word)
    return None if written is None else index[written]


def find(embeddings: Embeddings, words: Iterable[str]) -> Found:
    """Look up each word once; a word that is repeated counts once."""
    rows: dict[int, None] = {}
    missing: dict[str, None] = {}
    index = embeddings.index
    for word in words:
        row = index.get(word)
        if row is None and (row := row_of(embeddings, word)) is None:
            missing[word] = None
        else:
            rows[row] = None
    return Found(tuple(embeddings.words[row] for row in rows), tuple(rows), tuple(missing))


def unit_rows(embeddings: Embeddings, rows: Iterable[int]) -> NDArray[np.float64]:
    """Return the float64 unit vectors of ``rows``, shape ``(n, d)``.

    Float64, because the float32 rounding of a cosine (1e-7) reaches the third digit of a
    near-zero association.

    Raises:
        NotMeasuredError: One of the vectors is all zeros, so its cosine is undefined.
    """
    index = np.fromiter(rows, dtype=np.intp)
    vectors = embeddings.vectors[index].astype(np.float64)
    norms = np.linalg.norm(vectors, axis=1)
    if not norms.all():
        zero = tuple(embeddings.words[i] for i in index[norms == 0])
        raise NotMeasuredError(f"all-zero vectors: {shortlist(zero)}")
    unit: NDArray[np.float64] = vectors / norms[:, None]
    return unit


def require_directions(name: str, unit: NDArray[np.float64]) -> None:
    """Raise NotMeasuredError when unit vectors, shape ``(n, d)``, all point the same way.

    A collapsed space shows no association at all, which must not look like the absence of bias.
    """
    if (unit @ unit[0]).min() > 1 - _COLLINEAR:
        raise NotMeasuredError(f"the vectors of {name} all point the same way (collapsed)")


def require_enough(name: str, found: Found, least: int = MIN_WORDS) -> None:
    """Raise NotMeasuredError when fewer than ``least`` words of the set ``name`` have a vector."""
    if len(found.words) >= least:
        return
    given = len(found.words) + len(found.missing)
    lost = f" (missing: {shortlist(found.missing)})" if found.missing else ""
    raise NotMeasuredError(
        f"{name} has {len(found.words)} of {given} words in the vectors{lost}, needs {least}"
    )
