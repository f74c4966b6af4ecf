"""In-processing strategies: a penalty on the rows of some words, bound to a vocabulary."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, cast

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.linalg import vector_norm

from debiaslab.errors import UserError
from debiaslab.regularizers.registry import Stage, Strategy
from debiaslab.regularizers.words import (
    Cover,
    Coverage,
    PairChoice,
    check_cover,
    check_pairs,
    covered_words,
    gender_pairs,
)
from debiaslab.vectors.words import written_pairs

# Modules of this room in which penalties were when checkpoints were first written.
_FIRST_MODULES = {
    "Adversarial": "adversarial",
    "ContextTying": "context_tying",
    "ContextualSymmetry": "contextual",
    "DistributionMatching": "distribution",
    "FixedProjection": "fixed_direction",
    "GenderNeutral": "gn",
    "PairwiseParity": "pairwise",
    "RandomProjection": "random_projection",
    "RepulsionNeutralisation": "ran_training",
    "RunningProjection": "running_direction",
    "SquaredPairwiseParity": "pairwise_squared",
    "SubspaceProjection": "projection_subspace",
    "Tying": "tying",
}
_SHORTEST = 1e-12  # shorter rows are divided by this, as torch does it


def unit_rows(rows: Tensor) -> Tensor:
    """Return rows ``(n, d)`` scaled to length 1; a zero row stays zero.

    The same numbers as ``torch.nn.functional.normalize(rows, dim=1)``, and the same gradients. But
    autograd makes five matrices on its way to them, which with a large cover are most of what a
    penalty takes; this makes one.
    """
    return cast(Tensor, _UnitRows.apply(rows))


class _UnitRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        unit = rows / vector_norm(rows, dim=1, keepdim=True).clamp_min(_SHORTEST)
        ctx.save_for_backward(rows, unit)
        return unit

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Return the gradient by w of w / |w|, which is at a right angle to w."""
        rows, unit = ctx.saved_tensors
        lengths = vector_norm(rows, dim=1, keepdim=True)
        along = torch.einsum("ij,ij->i", unit, gradient)[:, None]
        along = along.masked_fill(lengths < _SHORTEST, 0)  # their divisor is constant
        across = torch.addcmul(gradient, unit, along, value=-1)
        return across.div_(lengths.clamp_min(_SHORTEST))


@dataclass(frozen=True)
class PenaltyWords:
    """Rows of the matrices a penalty is given, by role."""

    neutral: Tensor  # (n,) non-gender words the penalty acts on
    male: Tensor  # (p,) male member of each definitional pair
    female: Tensor  # (p,) its female member
    step: object = field(default_factory=object)  # the same for all draws of one penalty step
    in_front: bool = False  # whether the neutral words are the first n rows, in this order

    def to(self, device: torch.device) -> PenaltyWords:
        """Return the same on a device: these themselves when they are there."""
        if self.neutral.device == device:
            return self
        neutral, male, female = (r.to(device) for r in (self.neutral, self.male, self.female))
        return PenaltyWords(neutral, male, female, self.step, self.in_front)

    def split(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the rows of the neutral words, of the male and of the female members.

        The same as indexing by each, but the neutral ones, which are nearly all, are not copied,
        nor is their gradient added up from three matrices.
        """
        if not self.in_front:
            return rows[self.neutral], rows[self.male], rows[self.female]
        n = len(self.neutral)
        neutral, members = rows.split([n, len(rows) - n])
        return neutral, members[self.male - n], members[self.female - n]


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
        members = {word for pair in found for word in pair}
        covered = covered_words(vocabulary, cover) if penalty.acts_on_neutral else []
        neutral = [word for word in covered if word not in members]
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
        return f"{_module_of(self._penalty)}.{self._penalty!r} on {digest}"

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
        return _Drawn(self._penalty, neutral, self._male, self._female, object())

    def draws_in_turn(self, seed: int, step: int, sample: int, draws: int) -> list[_Drawn]:
        """Draw the words of one penalty step several times; each neutral word has its turn.

        They are visited in a random order, in equal parts, and then in another one. Each draw is a
        random sample, and R is as unbiased as from independent ones, but no word has to wait by
        chance (random reshuffling: Mishchenko, Khaled and Richtárik 2020, NeurIPS). Nothing is
        remembered: a step draws the same words whenever it is asked.

        Args:
            seed: Of the orders.
            step: Number of the penalty step in its training, from 0.
            sample: Neutral words of a draw: at most so many where one step can visit all words,
                a few more elsewhere, so that no part of a cycle is small. All pairs are there.
            draws: How often words are drawn.
        """
        size = len(self._neutral)
        parts = min(-(-size // sample), max(draws, size // sample))
        token = object()
        if parts <= 1:  # the same words again
            words = self._neutral, self._male, self._female
            return [_Drawn(self._penalty, *words, token)] * draws
        found = []
        for number in range(step * draws, (step + 1) * draws):
            cycle, part = divmod(number, parts)
            neutral = self._neutral[_order(size, seed, cycle).tensor_split(parts)[part]]
            found.append(_Drawn(self._penalty, neutral, self._male, self._female, token))
        return found


@lru_cache(maxsize=1)
def _order(size: int, seed: int, cycle: int) -> Tensor:
    """Return the random order in which words have their turns in one cycle."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + cycle)
    return torch.randperm(size, generator=generator)


def _module_of(penalty: Penalty) -> str:
    """Return the module that a checkpoint names a penalty by, which stays when the class moves."""
    kind = type(penalty)
    package, _, module = kind.__module__.rpartition(".")
    own = package == __name__.rpartition(".")[0]
    return f"{package}.{_FIRST_MODULES.get(kind.__name__, module)}" if own else kind.__module__


class _Drawn:
    """One step's words, renumbered to the rows that the penalty is handed."""

    def __init__(
        self, penalty: Penalty, neutral: Tensor, male: Tensor, female: Tensor, step: object
    ) -> None:
        self._penalty = penalty
        n, p = len(neutral), len(male)
        members, local = torch.unique(torch.cat([male, female]), return_inverse=True)
        self.rows = torch.cat([neutral, members])
        self._words = PenaltyWords(torch.arange(n), local[:p] + n, local[p:] + n, step, True)

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
