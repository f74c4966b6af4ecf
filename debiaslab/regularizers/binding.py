"""A strategy bound to a vocabulary: what training and what comes after it are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.regularizers.composition import parts_of, penalty_of
from debiaslab.regularizers.noise import Strata, StratifiedNoise
from debiaslab.regularizers.penalty import BoundPenalty, Penalty, bind
from debiaslab.regularizers.postprocess import PostProcess, debias_words
from debiaslab.regularizers.registry import Strategy
from debiaslab.regularizers.text import Preprocess, Rewriting
from debiaslab.regularizers.words import Cover, Coverage, check_cover, gender_pairs
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.words import written_pairs


@dataclass(frozen=True)
class BoundStrategy:
    """What a strategy does before, during and after one training; None where it does nothing."""

    preprocessing: Rewriting | None
    penalty: BoundPenalty | None
    post: PostProcess | None
    coverage: Coverage
    seed: int
    untrained: frozenset[str] = frozenset()  # words that pre-processing leaves no token of
    strata: Strata | None = None

    @property
    def only_after(self) -> bool:
        """Whether training itself is the baseline's."""
        return self.preprocessing is None and self.penalty is None and self.strata is None

    def finish(self, embeddings: Embeddings) -> Embeddings:
        """Return the vectors after post-processing, without words that were never trained.

        Such a word still has the random vector it began with, which must not be measured.
        """
        if self.untrained:
            kept = [i for i, word in enumerate(embeddings.words) if word not in self.untrained]
            known = [embeddings.words[i] for i in kept]
            embeddings = Embeddings(known, embeddings.vectors[kept])
        if self.post is None:
            return embeddings
        words = debias_words(embeddings.words, self.coverage.cover, self.post.pairs)
        return self.post.fit(embeddings, words, self.seed)(embeddings)


class TrainInputs(TypedDict):
    """What ``train`` is given of a strategy, by keyword."""

    penalty: BoundPenalty | None
    preprocessing: Rewriting | None
    strata: Strata | None


def train_inputs(bound: BoundStrategy | None) -> TrainInputs:
    """Return what ``train`` is given of a bound strategy; None: the baseline."""
    if bound is None:
        return TrainInputs(penalty=None, preprocessing=None, strata=None)
    return TrainInputs(
        penalty=bound.penalty, preprocessing=bound.preprocessing, strata=bound.strata
    )


def bind_strategy(
    strategy: Strategy,
    vocabulary: Sequence[str],
    counts: NDArray[np.int64],
    *,
    cover: Cover = "all",
    seed: int = 0,
    dim: int | None = None,
) -> BoundStrategy:
    """Look up everything a strategy needs, before any training starts.

    Args:
        strategy: One strategy or a composition.
        vocabulary: Words by id.
        counts: Tokens of each, shape ``(V,)``.
        cover: Which non-gender words it acts on.
        seed: Seed of everything that pre- and post-processing draw.
        dim: Length of the vectors; None: not known, and knobs are not compared with it.

    Raises:
        UserError: The vocabulary lacks words the strategy needs, a knob asks for more than there
            is, or the cover is unknown.
    """
    check_cover(cover)
    parts = parts_of(strategy)
    if dim is not None:
        _check_sizes(parts, frozenset(vocabulary), dim)
    before = next((part for part in parts if isinstance(part, Preprocess)), None)
    after = next((part for part in parts if isinstance(part, PostProcess)), None)
    rewriting = None if before is None else before.bind(vocabulary, counts, seed)
    term = penalty_of(strategy)
    untrained = _untrained(rewriting, vocabulary, counts)
    left = [word for word in vocabulary if word not in untrained]
    if untrained and len(parts) > 1:
        _check_left(parts, frozenset(left))
    penalty = None if term is None else bind(term, vocabulary, cover)
    noise = next((part for part in parts if isinstance(part, StratifiedNoise)), None)
    strata = None if noise is None else noise.bind(vocabulary, seed)
    coverage = Coverage(cover, 0, False, *_pairs(strata or rewriting))
    if after is not None:
        words = debias_words(left, cover, after.pairs)
        after.check_words(words, frozenset(left))
        coverage = words.coverage(vocabulary, cover)
    if penalty is not None:
        coverage = penalty.coverage
    return BoundStrategy(rewriting, penalty, after, coverage, seed, untrained, strata)


def _check_sizes(parts: Sequence[Strategy], known: frozenset[str], dim: int) -> None:
    for part in parts:
        if isinstance(part, Penalty | PostProcess):
            found, _ = written_pairs(known, gender_pairs(part.pairs))
            if found:  # without any, looking the words up says so
                part.check_size(len(found), dim)


def _check_left(parts: Sequence[Strategy], left: frozenset[str]) -> None:
    """Refuse to look for gender in a text that pre-processing has left none in."""
    if not written_pairs(left, gender_pairs("all"))[0]:
        first, *others = (part.name for part in parts)
        raise UserError(
            f"{first!r} leaves no gender pair in the text that {' and '.join(others)} could act on",
            allowed="a strategy that keeps gender words before them, such as cds",
            next_step=first,
        )


def _untrained(
    rewriting: Rewriting | None, vocabulary: Sequence[str], counts: NDArray[np.int64]
) -> frozenset[str]:
    if rewriting is None:
        return frozenset()
    lost = np.flatnonzero((counts > 0) & (rewriting.counts(counts) == 0))
    return frozenset(vocabulary[int(i)] for i in lost)


def _pairs(reader: Rewriting | Strata | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return ((), ()) if reader is None else (reader.pairs, reader.pairs_missing)
