"""Post-processing strategies: they change vectors that are finished."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from debiaslab.errors import UserError
from debiaslab.regularizers.pair_choice import PairChoice, check_pairs, gender_pairs
from debiaslab.regularizers.penalty import Cover, Coverage, covered_words
from debiaslab.regularizers.registry import Stage, Strategy
from debiaslab.vectors.embeddings import Embeddings, written_pairs

Pair = tuple[str, str]


@dataclass(frozen=True)
class DebiasWords:
    """The words of the vectors that a post-processing strategy is given, by role."""

    pairs: tuple[Pair, ...]  # (male, female) that define gender
    neutral: tuple[str, ...]  # non-gender words it may change, by the vectors' order
    pairs_missing: tuple[Pair, ...] = ()

    def coverage(self, vocabulary: Sequence[str], cover: Cover) -> Coverage:
        """Return what of a vocabulary these words are."""
        return Coverage.of(vocabulary, cover, self.neutral, (*self.pairs, *self.pairs_missing))


class Eraser(ABC):
    """What fitting leaves: a small frozen artefact that changes vectors."""

    @abstractmethod
    def __call__(self, embeddings: Embeddings) -> Embeddings:
        """Return new vectors of the same words in the same order."""


@dataclass(frozen=True)
class PostProcess(Strategy):
    """Something done to vectors after training; works on any vectors."""

    # "tune": report pairs stay unseen; "all": they are covered, and still never tuned on
    pairs: PairChoice = field(default="tune", kw_only=True)

    stage: ClassVar[Stage] = "post"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_pairs(self.pairs)

    def check_words(self, words: DebiasWords, vocabulary: frozenset[str]) -> None:
        """Refuse a vocabulary without the words it needs besides the pairs: before training.

        Args:
            words: What it will be given.
            vocabulary: All words that will have vectors.

        Raises:
            UserError: They are missing.
        """

    @abstractmethod
    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Learn from vectors what is to be removed from them.

        Args:
            embeddings: The vectors.
            words: Which words define gender, and which may be changed.
            seed: Seed of everything that is drawn.

        Raises:
            UserError: The vectors lack the words the strategy needs.
        """


def debias_words(
    vocabulary: Sequence[str], cover: Cover = "all", choice: PairChoice = "tune"
) -> DebiasWords:
    """Return the words that post-processing is given for a vocabulary, as it writes them.

    Raises:
        UserError: Fewer than two gender pairs, or no word to change, are in the vocabulary.
    """
    pairs = gender_pairs(choice)
    found, missing = written_pairs(frozenset(vocabulary), pairs)
    if len(found) < 2:
        raise UserError(
            f"{len(found)} of the {len(pairs)} gender pairs are in the vectors",
            allowed="vectors with at least two, such as " + ", ".join(map("/".join, pairs[:2])),
        )
    neutral = tuple(covered_words(vocabulary, cover))
    if not neutral:
        raise UserError(f"cover {cover!r} holds no word of the vectors", next_step="--cover all")
    return DebiasWords(tuple(found), neutral, tuple(missing))
