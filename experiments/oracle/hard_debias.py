"""Hard debiasing (Bolukbasi et al. 2016, section 6) from debiaslab's direction, to hold theirs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from debiaslab.embeddings import Embeddings
from debiaslab.metrics import direct_bias, gender_direction
from experiments.oracle.compare import Compared
from experiments.oracle.queries import Queries

Matrix = NDArray[np.float64]


def hard_debiased(
    embeddings: Embeddings,
    direction: Matrix,
    specific: Sequence[str],
    pairs: Sequence[tuple[str, str]],
) -> Matrix:
    """Return the unit vectors, neutralised but for the specific words, then equalised, ``(V, d)``.

    Each pair is made anew from its two original vectors; of two pairs with a common word the later
    counts.
    """
    unit = embeddings.unit.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    neutral = np.ones(len(unit), dtype=np.bool_)
    neutral[[embeddings.index[word] for word in specific if word in embeddings]] = False
    made = unit.copy()
    made[neutral] -= np.outer(unit[neutral] @ direction, direction)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    for a, b in _in_each_case(embeddings, pairs):
        middle = (unit[a] + unit[b]) / 2
        kept = middle - (middle @ direction) * direction
        side = np.sqrt(1 - kept @ kept) * np.sign((unit[a] - unit[b]) @ direction) * direction
        made[a], made[b] = kept + side, kept - side
    return made


def hard_debias_rows(
    program: str,
    embeddings: Embeddings,
    queries: Queries,
    path: Path,
    mended: Path | None = None,
    reason: str = "",
) -> Iterator[Compared]:
    """Compare the direction, every vector, and what is left of the direct bias."""
    pairs, words = queries.definitional, queries.neutral_of(embeddings)
    direction = gender_direction(embeddings, pairs)
    ours = hard_debiased(embeddings, direction, queries.specific, queries.equalize)
    theirs, axis = _saved(path, embeddings)
    yield Compared(
        program, "gender direction", f"cosine with ours, {len(pairs)} pairs", 1.0,
        abs(float(direction @ axis)) / float(np.linalg.norm(axis)),
    )  # fmt: skip
    yield Compared(
        program, "hard debiasing", f"largest difference in {len(ours):,} vectors", 0.0,
        float(np.abs(ours - theirs).max()), reason=reason,
        mended=float(np.abs(ours - _saved(mended, embeddings)[0]).max()) if mended else None,
    )  # fmt: skip
    before = direct_bias(embeddings, words, pairs, bootstrap=0).value or np.nan
    rows = [embeddings.index[word] for word in words]
    left = (float(np.abs(made[rows] @ direction).mean()) for made in (ours, theirs))
    yield Compared(
        program, "hard debiasing", f"direct bias left of {before:.4f}, {len(words)} occupations",
        *left,
    )  # fmt: skip


def _saved(path: Path, embeddings: Embeddings) -> tuple[Matrix, Matrix]:
    """Return a worker's vectors in the order of ``embeddings``, and its direction."""
    saved = np.load(path)
    place = {word: i for i, word in enumerate(saved["words"].tolist())}
    return saved["vectors"][[place[word] for word in embeddings.words]], saved["direction"]


def _in_each_case(
    embeddings: Embeddings, pairs: Sequence[tuple[str, str]]
) -> Iterator[tuple[int, int]]:
    for pair in pairs:
        for case in (str.lower, str.title, str.upper):
            first, second = map(case, pair)
            if first in embeddings and second in embeddings:
                yield embeddings.index[first], embeddings.index[second]
