"""Hard debiasing (Bolukbasi et al. 2016, section 6): debiaslab's vectors against theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics import direct_bias, gender_direction
from debiaslab.regularizers.subspace import NeutralizeAndEqualize, bias_subspace
from debiaslab.vectors.embeddings import Embeddings
from experiments.oracle.compare import Compared
from experiments.oracle.queries import Queries

Matrix = NDArray[np.float64]


def hard_debiased(embeddings: Embeddings, queries: Queries) -> Matrix:
    """Return what the strategy ``hard`` makes of unit vectors, ``(V, d)``.

    As theirs: all words but the specific ones are neutral, and the pairs that are equalised, in
    three cases each, are not those that define the direction.
    """
    B = bias_subspace(embeddings, queries.pairs_of(embeddings, queries.definitional))
    pairs = tuple(_in_each_case(embeddings, queries.equalize))
    kept = {*queries.specific, *(word for pair in pairs for word in pair)}
    neutral = tuple(word for word in embeddings.words if word not in kept)
    unit = Embeddings(embeddings.words, embeddings.unit)
    return NeutralizeAndEqualize(B, neutral, pairs)(unit).vectors.astype(np.float64)


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
    ours = hard_debiased(embeddings, queries)
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
    embeddings: Embeddings, pairs: list[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    for first, second in pairs:
        for case in (str.lower, str.title, str.upper):
            if case(first) in embeddings and case(second) in embeddings:
                yield case(first), case(second)
