"""Collapse checks: vectors without content show no bias either, and must not look good."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics.registry import record_metric
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import Result, shortlist
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.metrics.evaluation import Measurement

SAMPLE = 2000
"""Words drawn for the checks that look at directions; enough for any usual dimension."""

_ALIKE = 0.9  # mean cosine of random words; anisotropic but healthy vectors stay below about 0.7
_FLAT = (
    0.05  # effective rank as a share of what the dimension allows; healthy vectors: 0.7 and more
)

_SAME = 0.98  # |cosine| of two words that one cannot tell apart; above what trained vectors show
_BLOCK = 250  # rows against those from their block on: half of all products
_CLUMPED = 0.2  # share of such pairs; 5 clusters or fewer have more, even in a plane it is 0.13


@dataclass(frozen=True)
class Collapse:
    """Result of :func:`collapse`.

    Attributes:
        mean_cosine: Mean cosine over all pairs of the sampled words; near 1 when collapsed.
        effective_rank: Number of directions in use, between 1 and the dimension (Roy & Vetterli
            2007: the exponential of the entropy of the singular values of the unit vectors).
        norm_spread: Standard deviation of the vector lengths over their mean, over all words.
        zero_vectors: Number of all-zero vectors, over all words.
        n: Words sampled for the first two; zero vectors are not among them.
        warning: What looks wrong, in words; None when nothing does.
        same_direction: Share of the pairs of sampled words whose cosine is beyond ±0.98; large
            when the vectors have fallen into a few clusters, which mean cosine and rank can miss.
        collapsed: Whether hardly anything is left to measure: a check of directions failed, or
            fewer than 2 vectors are not all zeros. Some zero vectors are a warning only.
    """

    mean_cosine: float | None
    effective_rank: float | None
    norm_spread: float | None
    zero_vectors: int
    n: int
    warning: str | None
    same_direction: float | None = None
    collapsed: bool = False


def collapse(embeddings: Embeddings, *, seed: int = 0) -> Collapse:
    """Look for collapsed vectors in a seeded sample of at most 2,000 words.

    The direction checks are None with fewer than 2 non-zero vectors.
    """
    squares = np.einsum("ij,ij->i", embeddings.vectors, embeddings.vectors, dtype=np.float64)
    norms = np.sqrt(squares)
    alive = np.flatnonzero(norms)
    zero = len(embeddings) - len(alive)
    if len(alive) < 2:
        warning = _zero_warning(embeddings, norms) if zero else "there is one word only"
        return Collapse(None, None, None, zero, len(alive), warning, collapsed=True)
    rows = np.sort(np.random.default_rng(seed).permutation(alive)[:SAMPLE])
    unit = embeddings.vectors[rows].astype(np.float64) / norms[rows, None]
    mean_cosine, rank = mean_pairwise_cosine(unit), _effective_rank(unit)
    same = _same_direction(unit)
    warnings = []
    if mean_cosine > _ALIKE:
        warnings.append(f"random words have a mean cosine of {mean_cosine:.2f}")
    if rank < max(1.5, _FLAT * min(unit.shape)):
        warnings.append(f"the vectors use {rank:.1f} of {embeddings.dim} directions")
    if same > _CLUMPED:
        warnings.append(
            f"{same:.0%} of pairs of random words lie on one line (cosine beyond ±0.98)"
        )
    spread, few = float(norms.std() / norms.mean()), [_zero_warning(embeddings, norms)] * bool(zero)
    said = "; ".join(few + warnings) or None
    return Collapse(mean_cosine, rank, spread, zero, len(rows), said, same, bool(warnings))


def _zero_warning(embeddings: Embeddings, norms: NDArray[np.float64]) -> str:
    zero = np.flatnonzero(norms == 0)
    said = f"{len(zero):,} of {len(embeddings):,} vectors are all zeros"
    if len(zero) == len(embeddings):
        return said
    return f"{said}: {shortlist(tuple(embeddings.words[row] for row in zero))}"


def mean_pairwise_cosine(unit: NDArray[Any]) -> float:
    """Return the mean cosine over all pairs of two or more unit rows, shape ``(n, d)``.

    ``(|sum of rows|² − n) / (n (n − 1))``: nothing n × n is made.
    """
    n = len(unit)
    total = unit.sum(axis=0, dtype=np.float64)
    return float((total @ total - n) / (n * (n - 1)))


def _same_direction(unit: NDArray[np.float64]) -> float:
    """Share of all pairs of different rows that point the same way or opposite ways."""
    n, single = len(unit), unit.astype(np.float32)
    alike = -n  # a row and itself
    for start in range(0, n, _BLOCK):
        rows = single[start : start + _BLOCK]
        same = np.abs(rows @ single[start:].T) > _SAME
        alike += int(same.sum() + same[:, len(rows) :].sum())  # later rows' pairs twice
    return alike / (n * (n - 1))


def _effective_rank(unit: NDArray[np.float64]) -> float:
    singular = np.sqrt(np.clip(np.linalg.eigvalsh(unit.T @ unit), 0.0, None))
    shares = singular[singular > 0] / singular.sum()
    return math.exp(-float(shares @ np.log(shares)))


@record_metric(
    "collapse",
    citation="effective rank: Roy & Vetterli 2007, EUSIPCO",
    family="collapse",
    better={"mean_cosine": "near 0", "effective_rank": "higher", "zero_vectors": "lower"},
    needs="vectors",
)
def records(measurement: Measurement) -> Iterator[Record]:
    """Checks that tell collapsed vectors from unbiased ones."""
    embeddings, effort = measurement.embeddings, measurement.effort
    result = collapse(embeddings, seed=effort.seed_of("collapse"))
    few = "fewer than 2 vectors are not all zeros"
    checks: dict[str, tuple[float | None, int]] = {
        "mean_cosine": (result.mean_cosine, result.n),
        "effective_rank": (result.effective_rank, result.n),
        "norm_spread": (result.norm_spread, len(embeddings)),
        "zero_vectors": (float(result.zero_vectors), len(embeddings)),
    }
    said = ("warning", "same_direction", "collapsed")
    extra = {name: getattr(result, name) for name in said}
    for name, (value, n) in checks.items():
        found = Result(value, n=n, reason=few if value is None else None)
        yield Record.of(found, "collapse", name, "all", extra)
