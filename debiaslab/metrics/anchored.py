"""The anchored reading: vectors measured along the attribute words of their baseline.

Every bias metric reads words along the attribute words, such as *he* and *she*, of the same
vectors. A strategy can move those instead of the words whose bias is measured, and the number
falls with the words where they were. The anchored reading takes the attribute words of the
baseline: the measured space is rotated onto the baseline's by orthogonal Procrustes (Schönemann
1966; for word vectors Hamilton, Leskovec & Jurafsky 2016), which keeps every cosine within it,
and its attribute words are replaced by those of the baseline. What a metric then shows is how far
the words have moved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.lexicons import Attribute
from debiaslab.vectors.embeddings import Embeddings

WORDS = 5_000  # of the most frequent that spaces are aligned on
_PER_DIMENSION = 5  # words a dimension; with fewer, a rotation fits spaces that share nothing
_LEAST_FIT = 0.4  # mean cosine; another seed of a small text reaches more, unrelated vectors do not


@dataclass(frozen=True, eq=False)
class Alignment:
    """The rotation of a space onto its baseline's.

    Attributes:
        rotation: Orthogonal, ``(d, d)``: a row vector w goes to ``w @ rotation``.
        words: How many words it was fitted on.
        fit: Mean cosine of these words with themselves in the baseline, after the rotation.
    """

    rotation: NDArray[np.float64]
    words: int
    fit: float


def align(
    embeddings: Embeddings, baseline: Embeddings, *, without: Collection[str] = ()
) -> Alignment:
    """Fit the rotation of ``embeddings`` onto ``baseline`` on their most frequent common words.

    It is the orthogonal R with the least Σ |ŵ R − b̂|², over unit vectors ŵ and b̂ of each word.

    Args:
        embeddings: The space that is rotated.
        baseline: The space it is rotated onto; its rows are by falling frequency.
        without: Words it is not fitted on, such as those of the attribute.

    Raises:
        UserError: The dimensions differ, the spaces share too few words, or they do not fit.
    """
    if embeddings.dim != baseline.dim:
        raise UserError(
            f"vectors of length {embeddings.dim} cannot be rotated onto a baseline of length "
            f"{baseline.dim}",
            allowed="vectors of one length",
        )
    common = [word for word in baseline.words if word in embeddings and word not in without]
    common = common[:WORDS]
    check_words(common, baseline.dim)
    from scipy.linalg import orthogonal_procrustes  # what else is measured does without scipy

    own, theirs = _unit(embeddings, common), _unit(baseline, common)
    rotation, _ = orthogonal_procrustes(own, theirs)
    fit = float(np.mean(np.sum((own @ rotation) * theirs, axis=1)))
    if fit < _LEAST_FIT:
        raise UserError(
            "the vectors do not fit the baseline: after the best rotation the "
            f"{len(common):,} most frequent words have a mean cosine of {fit:.2f} with themselves",
            allowed=f"at least {_LEAST_FIT}",
            next_step=_SAME_TEXT,
        )
    return Alignment(rotation, len(common), fit)


_SAME_TEXT = "the baseline that was trained on the same text"


def check_words(words: Collection[str], dim: int, next_step: str = _SAME_TEXT) -> None:
    """Refuse to align spaces that share too few words.

    Raises:
        UserError: There are fewer than five words a dimension.
    """
    needed = _PER_DIMENSION * dim
    if len(words) < needed:
        raise UserError(
            f"the vectors and their baseline share {len(words):,} words besides the attribute's",
            allowed=f"at least {needed:,} for vectors of length {dim}",
            next_step=next_step,
        )


def attribute_words(attributes: Iterable[Attribute] = ()) -> frozenset[str]:
    """Return the words that anchored readings take from the baseline: of gender, and of others."""
    classes = (words for each in attributes for words in each.classes.values())
    return lexicons.gender_words() | {word for each in classes for word in each.words}


def anchored(
    embeddings: Embeddings,
    baseline: Embeddings,
    attribute: Collection[str] | None = None,
    *,
    alignment: Alignment | None = None,
) -> Embeddings:
    """Return the vectors as a metric reads them along the baseline's attribute words.

    Args:
        embeddings: Vectors that are measured.
        baseline: Vectors of the same text, or much like it, without a strategy.
        attribute: The attribute words; every gender word when None.
        alignment: What ``align`` returned for both; it is fitted when None.

    Returns:
        The words of ``embeddings`` in their order, rotated onto the baseline; attribute words have
        the baseline's vectors, and those that ``embeddings`` lacks are added at the end.

    Raises:
        UserError: The spaces cannot be aligned (see ``align``).
    """
    held = attribute_words() if attribute is None else frozenset(attribute)
    rotation = (alignment or align(embeddings, baseline, without=held)).rotation
    anchors = [word for word in baseline.words if word in held]
    added = [word for word in anchors if word not in embeddings]
    rows = np.empty((len(embeddings.words) + len(added), embeddings.dim), np.float32)
    rows[: len(embeddings.words)] = embeddings.vectors @ rotation
    words = [*embeddings.words, *added]
    index = {word: i for i, word in enumerate(words)}
    rows[[index[word] for word in anchors]] = baseline.vectors[[baseline.index[a] for a in anchors]]
    return Embeddings(words, rows)


def _unit(embeddings: Embeddings, words: list[str]) -> NDArray[np.float64]:
    rows = embeddings.vectors[[embeddings.index[word] for word in words]].astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
