"""How much each number of an attribute, or of a WEAT, hangs on one of the words that define it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from debiaslab.lexicons import AssociationTest, Attribute, AttributeWords, Half
from debiaslab.metrics.effort import Effort
from debiaslab.metrics.scored.attributes import AttributeMeasure, Part, attribute_measures
from debiaslab.metrics.vocabulary import row_of
from debiaslab.statistics.leave_one_out import (
    LeaveOneOut,
    Number,
    leave_one_attribute_out,
    left_out_in_turn,
)
from debiaslab.statistics.pair_sensitivity import PairSensitivity
from debiaslab.vectors.embeddings import Embeddings

_Item = tuple[str, tuple[str, ...]]  # the class ("" for a set), and the word or words
_EFFORT = Effort(seed=0, bootstrap=0, permutations=0, null=False)


def attribute_sensitivity(
    embeddings: Embeddings, attribute: Attribute, half: Half = "all"
) -> tuple[PairSensitivity, ...]:
    """Return every number of the scorecard that reads an attribute, without each item in turn.

    What is left out is what the number reads: a definitional pair where there is a direction
    (direct bias, bias by projection, RIPA, indirect bias: two classes), a set of the targets from
    the MAC of the stereotypes, and one word of a class from every other (SAME, RND, MAC, ECT, RNSB;
    with two classes SC-WEAT, and of the WEAT its statistic ``s``).

    Args:
        embeddings: The vectors.
        attribute: Two classes or more.
        half: Which half of its words.
    """
    words = attribute.half(half)
    found = [
        PairSensitivity(
            each.metric, each.name, half, _result(embeddings, attribute, words, each, half)
        )
        for each in attribute_measures(attribute, half, words)
    ]
    own = () if attribute.test is None else (weat_sensitivity(embeddings, attribute.test, half),)
    return (*own, *found)


def weat_sensitivity(
    embeddings: Embeddings, test: AssociationTest, half: Half = "all"
) -> PairSensitivity:
    """Return the statistic ``s`` of a WEAT without each attribute word in turn."""
    result = leave_one_attribute_out(embeddings, *test.half(half))
    return PairSensitivity("weat", test.name, half, result, number="statistic")


def _result(
    embeddings: Embeddings,
    attribute: Attribute,
    words: AttributeWords,
    measured: AttributeMeasure,
    half: Half,
) -> LeaveOneOut:
    seed = _EFFORT.seed_of(measured.metric, measured.name, half)
    same = (measured.metric, measured.name)

    def measure(kept: Sequence[_Item]) -> Number:
        left = _with(words, measured.reads, kept)
        for each in attribute_measures(attribute, half, left):
            if (each.metric, each.name) == same:
                result = each.measure(embeddings, bootstrap=0, seed=seed)
                return result.value, result.reason
        return None, "nothing is left without it"

    # A pair that lacks a word plays no part; of a set of targets every word does.
    enough = all if measured.reads == "definitional_sets" else any
    return left_out_in_turn(
        list(_items(words, measured.reads)),
        lambda item: "/".join(item[1]),
        lambda item: enough(row_of(embeddings, word) is not None for word in item[1]),
        measure,
    )


def _items(words: AttributeWords, part: Part) -> Iterator[_Item]:
    if part == "classes":
        for label, listed in words.classes.items():
            yield from ((label, (word,)) for word in listed)
    else:
        yield from (("", each) for each in dict.fromkeys(getattr(words, part)))


def _with(words: AttributeWords, part: Part, kept: Sequence[_Item]) -> AttributeWords:
    """Return the words of an attribute with only these items in one of its parts."""
    if part == "definitional_sets":
        return replace(words, definitional_sets=tuple(each for _, each in kept))
    if part == "targets":
        return replace(words, targets=tuple(each for _, each in kept))
    classes = {label: tuple(word for of, (word,) in kept if of == label) for label in words.classes}
    return replace(words, classes=classes)
