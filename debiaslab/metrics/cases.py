"""What one record of the scorecard is of, and where its seed comes from."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from debiaslab.lexicons import Attribute, Half, load, load_pairs
from debiaslab.metrics.vocabulary import union

HALVES: tuple[Half, ...] = get_args(Half)


@dataclass(frozen=True)
class Resampling:
    """How much is spent on uncertainty, and the seed all of it comes from."""

    seed: int
    bootstrap: int  # resamples for intervals; 0: none
    permutations: int  # Monte Carlo partitions of a test; 0: no test
    null: bool  # whether random-word yardsticks are measured

    def seed_of(self, *what: str) -> int:
        """Return the seed of one record: no record depends on which others are measured."""
        return zlib.crc32("\t".join((str(self.seed), *what)).encode())


# Cases ------------------------------------------------------------------------------------------

OCCUPATIONS = "occupations"
DEFINITIONAL_PAIRS = "definitional_pairs"

Groups = Mapping[str, Sequence[str]]
Pairs = Sequence[tuple[str, str]]
Item = tuple[str, tuple[str, ...]]
"""What can be left out: the group it is of ("" for none), and its word or words."""


@dataclass(frozen=True)
class Case:
    """The inputs of one number of a metric.

    Attributes:
        name: Of the record.
        half: Which half of the words.
        words: The words that are measured; with a share each where they are correlated with one,
            by group where groups are compared with each other; the questions of SemBias.
        against: The groups or pairs of words they are measured against; empty where they are not.
        sets: Where the words are those of several sets, the sets: one is left out whole.
        knobs: Settings of the metric that are not its defaults.
        note: What the record says of its words.
        attribute: Whose words these are; None for the lists of gender that ship.
    """

    name: str
    half: Half
    words: Sequence[Any] | Mapping[str, Any]
    against: Groups | Pairs = ()
    sets: tuple[tuple[str, ...], ...] = ()
    knobs: Mapping[str, Any] = field(default_factory=dict)
    note: Mapping[str, Any] = field(default_factory=dict)
    attribute: str | None = None

    @property
    def items(self) -> list[Item]:
        """What can be left out: sets, pairs, or the words of the groups."""
        if self.sets:
            return [("", each) for each in dict.fromkeys(self.sets)]
        held = self.against or self.words
        if isinstance(held, Mapping):
            once = {label: dict.fromkeys(listed) for label, listed in held.items()}
            return [(label, (word,)) for label, listed in once.items() for word in listed]
        return [("", (first, second)) for first, second in dict.fromkeys(held)]

    @property
    def by_pairs(self) -> bool:
        """Whether the items are pairs, which count only when both of their words are known."""
        return not self.sets and not isinstance(self.against or self.words, Mapping)

    def only(self, kept: Sequence[Item]) -> Case | None:
        """Return the same of some of the items; None where no pair or set is left."""
        if self.sets:
            sets = tuple(words for _, words in kept)
            return replace(self, words=union(sets), sets=sets) if sets else None
        if self.by_pairs:
            pairs = [(first, second) for _, (first, second) in kept]
            return replace(self, against=pairs) if pairs else None
        groups = self.against or self.words
        assert isinstance(groups, Mapping)
        left = {label: [word for of, (word,) in kept if of == label] for label in groups}
        return replace(self, against=left) if self.against else replace(self, words=left)


def gender_groups(half: Half) -> dict[str, Sequence[str]]:
    """Return the male and the female words."""
    return {side: load(f"{side}_words").half(half) for side in ("male", "female")}


def gender_pairs(half: Half) -> Pairs:
    """Return the definitional pairs ``(male, female)``."""
    return load_pairs(DEFINITIONAL_PAIRS).half(half)


def against_groups(half: Half) -> list[Case]:
    """Return the occupations against male and female words."""
    return [Case(OCCUPATIONS, half, load(OCCUPATIONS).half(half), gender_groups(half))]


def against_pairs(half: Half) -> list[Case]:
    """Return the occupations against the definitional pairs."""
    return [Case(OCCUPATIONS, half, load(OCCUPATIONS).half(half), gender_pairs(half))]


def _of_attribute(attribute: Attribute, half: Half, against: Groups | Pairs) -> Case:
    """Return the stereotypes of all classes, the occupations where there are none."""
    words = union(attribute.half(half).stereotypes) or list(load(OCCUPATIONS).half(half))
    return Case(attribute.name, half, words, against, attribute=attribute.name)


def attribute_against_groups(attribute: Attribute, half: Half) -> list[Case]:
    """Return the stereotypes of an attribute (else the occupations) against its classes."""
    return [_of_attribute(attribute, half, attribute.half(half).classes)]


def attribute_against_two(attribute: Attribute, half: Half) -> list[Case]:
    """Return the same of an attribute of two classes."""
    return attribute_against_groups(attribute, half) if attribute.binary else []


def attribute_against_pairs(attribute: Attribute, half: Half) -> list[Case]:
    """Return the same against the definitional sets of an attribute of two classes, if any."""
    sets = attribute.half(half).definitional_sets if attribute.binary else ()
    pairs = [(first, second) for first, second in sets]
    return [_of_attribute(attribute, half, pairs)] if pairs else []
