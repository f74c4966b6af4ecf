"""In-processing strategies: a penalty on the rows of some words, bound to a vocabulary."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

import torch
from numpy.typing import NDArray
from torch import Tensor

from debiaslab import lexicons
from debiaslab.errors import UserError, nearest
from debiaslab.regularizers.pair_choice import PairChoice, check_pairs, gender_pairs
from debiaslab.regularizers.registry import Stage, Strategy
from debiaslab.vectors.embeddings import written_pairs

Cover = Literal["tune", "vocabulary", "all"]


@dataclass(frozen=True)
class PenaltyWords:
    """Rows of the matrices a penalty is given, by role."""

    neutral: Tensor  # (n,) non-gender words the penalty acts on
    male: Tensor  # (p,) male member of each definitional pair
    female: Tensor  # (p,) its female member

    def to(self, device: torch.device) -> PenaltyWords:
        """Return the same on a device: these themselves when they are there."""
        if self.neutral.device == device:
            return self
        return PenaltyWords(*(rows.to(device) for rows in (self.neutral, self.male, self.female)))


@dataclass(frozen=True)
class Penalty(Strategy):
    """A term R(W, C) that joins the loss with weight λ."""

    # "tune": report pairs stay unseen; "all": they are covered, and still never tuned on
    pairs: PairChoice = field(default="tune", kw_only=True)

    stage: ClassVar[Stage] = "in"
    needs_neutral: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_pairs(self.pairs)

    @property
    def acts_on_neutral(self) -> bool:
        """Whether it needs neutral words, or works on the gender pairs alone."""
        return self.needs_neutral

    def fresh(self) -> Penalty:
        """Return a penalty for one training; those that keep a state return a new one."""
        return self

    def state(self) -> dict[str, NDArray] | None:
        """Return what it remembers from draw to draw, for a checkpoint of the training.

        Whoever keeps a state gives it here and takes it back in ``restore``. None, as long as only
        ``fresh`` is overridden: it cannot say, and trainings with it are not saved.
        """
        return {} if type(self).fresh is Penalty.fresh else None

    def restore(self, state: dict[str, NDArray]) -> None:
        """Go on from what ``state`` returned."""
        raise NotImplementedError(f"{type(self).__name__} keeps no state")

    @abstractmethod
    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the scalar R(W, C).

        Args:
            W: Target embeddings, ``(r, d)``.
            C: Context embeddings of the same words, ``(r, d)``.
            words: Which rows of W and C play which role.
        """


@dataclass(frozen=True)
class Coverage:
    """What a penalty acted on; goes into every run and table."""

    cover: Cover
    neutral: int  # non-gender words covered
    report_words_covered: bool
    pairs: tuple[str, ...]  # "he/she", … found in the vocabulary
    pairs_missing: tuple[str, ...]

    @classmethod
    def of(
        cls,
        vocabulary: Sequence[str],
        cover: Cover,
        neutral: Sequence[str],
        pairs: Sequence[tuple[str, str]],
    ) -> Coverage:
        """Return what a strategy covers of a vocabulary."""
        found, missing = written_pairs(frozenset(vocabulary), pairs)
        report = lexicons.report_words()
        return cls(
            cover=cover,
            neutral=len(neutral),
            report_words_covered=any(word.lower() in report for word in neutral),
            pairs=tuple(map("/".join, found)),
            pairs_missing=tuple(map("/".join, missing)),
        )


class BoundPenalty:
    """A penalty with its words looked up in a vocabulary: what the trainer is given.

    Args:
        penalty: The strategy.
        vocabulary: Words by id.
        cover: Which non-gender words it acts on.
        pairs: (male, female) pairs that define gender.

    Raises:
        UserError: No pair, or no word to cover, is in the vocabulary.
    """

    def __init__(
        self,
        penalty: Penalty,
        vocabulary: Sequence[str],
        cover: Cover,
        pairs: Sequence[tuple[str, str]],
    ) -> None:
        self.weight = penalty.weight
        self._penalty = penalty.fresh()
        index = {word: i for i, word in enumerate(vocabulary)}
        found, _ = written_pairs(index, pairs)
        if not found:
            raise UserError(
                f"none of the {len(pairs)} gender pairs is in the vocabulary",
                allowed="a corpus with at least one, such as " + "/".join(pairs[0]),
                next_step="a smaller --min-count, or a larger corpus",
            )
        neutral = covered_words(vocabulary, cover) if penalty.acts_on_neutral else []
        if penalty.acts_on_neutral and not neutral:
            raise UserError(
                f"cover {cover!r} holds no word of the vocabulary", next_step="--cover all"
            )
        self._neutral = torch.tensor([index[word] for word in neutral], dtype=torch.long)
        self._male = torch.tensor([index[male] for male, _ in found], dtype=torch.long)
        self._female = torch.tensor([index[female] for _, female in found], dtype=torch.long)
        self.coverage = Coverage.of(vocabulary, cover, neutral, pairs)

    @property
    def identity(self) -> str:
        """The strategy with its knobs, and a digest of the words it acts on."""
        words = [ids.numpy().tobytes() for ids in (self._neutral, self._male, self._female)]
        digest = hashlib.sha256(b"|".join(words)).hexdigest()
        return f"{type(self._penalty).__module__}.{self._penalty!r} on {digest}"

    def state(self) -> dict[str, NDArray] | None:
        """Return what the strategy remembers from draw to draw; None: it cannot say."""
        return self._penalty.state()

    def restore(self, state: dict[str, NDArray]) -> None:
        """Go on from what ``state`` returned."""
        self._penalty.restore(state)

    def draw(self, generator: torch.Generator, sample: int) -> _Drawn:
        """Draw at most ``sample`` neutral words; the pairs are always all there."""
        neutral = self._neutral
        if len(neutral) > sample:
            neutral = neutral[torch.randperm(len(neutral), generator=generator)[:sample]]
        return _Drawn(self._penalty, neutral, self._male, self._female)


class _Drawn:
    """One step's words, renumbered to the rows that the penalty is handed."""

    def __init__(self, penalty: Penalty, neutral: Tensor, male: Tensor, female: Tensor) -> None:
        self._penalty = penalty
        self.rows, local = torch.unique(torch.cat([neutral, male, female]), return_inverse=True)
        n, p = len(neutral), len(male)
        self._words = PenaltyWords(local[:n], local[n : n + p], local[n + p :])

    def __call__(self, W: Tensor, C: Tensor) -> Tensor:
        self._words = self._words.to(W.device)  # one object a draw, by which penalties know it
        return self._penalty(W, C, self._words)


def bind(
    strategy: Strategy, vocabulary: Sequence[str], cover: Cover = "all"
) -> BoundPenalty | None:
    """Look a strategy's words up in a vocabulary; None for a strategy without a penalty.

    A penalty sees the tune half of the gender pairs, unless its knob ``pairs`` says ``all``.
    ``cover`` chooses its neutral words: ``tune`` (tune words of the lexicons), ``vocabulary``
    (every non-gender word but the report words) or ``all`` (every non-gender word).
    """
    check_cover(cover)
    if not isinstance(strategy, Penalty):
        return None
    return BoundPenalty(strategy, vocabulary, cover, gender_pairs(strategy.pairs))


def check_cover(cover: str) -> None:
    """Refuse a cover that is none.

    Raises:
        UserError: It is not one of tune, vocabulary, all.
    """
    known = get_args(Cover)
    if cover not in known:
        raise UserError(
            f"--cover was {cover!r}", allowed=", ".join(known), nearest=nearest(str(cover), known)
        )


def covered_words(vocabulary: Sequence[str], cover: Cover) -> list[str]:
    """Return the non-gender words of a vocabulary that ``cover`` names.

    Case does not count: in a corpus that is not lower-cased *She* is a gender word and *Executive*
    a report word, as the metrics read them.
    """
    neutral = [
        word
        for word in vocabulary
        if word != "<UNK>" and word.lower() not in lexicons.gender_words()
    ]
    if cover == "all":
        return neutral
    if cover == "vocabulary":
        return [word for word in neutral if word.lower() not in lexicons.report_words()]
    return [word for word in neutral if word.lower() in lexicons.tune_words()]
