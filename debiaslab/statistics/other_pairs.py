"""SemBias and the lipstick tests with another definitional pair in the place of *he* and *she*.

These are defined by one pair, so there is none to leave out. What can be asked is how much they
hang on that choice.
"""

from __future__ import annotations

from collections.abc import Iterator

from debiaslab.lexicons import Half, load, load_pairs
from debiaslab.lexicons.sembias import load_sembias
from debiaslab.metrics.cases import DEFINITIONAL_PAIRS, OCCUPATIONS, Effort
from debiaslab.metrics.gender_direction import HE_SHE, Pair
from debiaslab.metrics.lipstick_records import LABEL_TESTS, label_seeds
from debiaslab.metrics.neighbor_bias import biased_words, neighbor_bias, neighbor_shares
from debiaslab.metrics.sembias import sembias
from debiaslab.metrics.vocabulary import row_of
from debiaslab.statistics.leave_one_out import LeaveOneOut, Number, summed_up
from debiaslab.vectors.embeddings import Embeddings

_Numbers = dict[tuple[str, str], Number]  # metric and name, as in the scorecard
_EFFORT = Effort(seed=0, bootstrap=0, permutations=0, null=False)


def of_other_pairs(
    embeddings: Embeddings, baseline: Embeddings, half: Half
) -> Iterator[tuple[str, str, LeaveOneOut]]:
    """Yield metric, name and result: the value with *he* and *she*, and with each other pair.

    Args:
        embeddings: The vectors.
        baseline: The vectors before debiasing, which label the words of the lipstick tests.
        half: Which half of the words and of the definitional pairs.
    """
    others = [pair for pair in load_pairs(DEFINITIONAL_PAIRS).half(half) if pair != HE_SHE]
    known = [pair for pair in others if _has(embeddings, pair) and _has(baseline, pair)]
    missing = tuple("/".join(pair) for pair in others if pair not in known)
    by_pair = {pair: _numbers(embeddings, baseline, half, pair) for pair in (HE_SHE, *known)}
    for key, whole in by_pair[HE_SHE].items():
        changed = [("/".join(pair), by_pair[pair][key]) for pair in known]
        yield *key, summed_up(whole, changed, missing, "no other pair gives a value")


def _numbers(embeddings: Embeddings, baseline: Embeddings, half: Half, pair: Pair) -> _Numbers:
    return {
        **_sembias(embeddings, half, pair),
        **_lipstick(embeddings, baseline, half, pair),
    }


def _sembias(embeddings: Embeddings, half: Half, pair: Pair) -> _Numbers:
    numbers: _Numbers = {}
    for prefix, held_out in (("", False), ("held_out_", True)):
        rows = load_sembias().half(half, held_out=held_out)
        result = sembias(embeddings, rows, pair=pair, bootstrap=0)
        numbers["sembias", f"{prefix}definition"] = result.definition, result.reason
        numbers["sembias", f"{prefix}stereotype"] = result.stereotype, result.reason
        numbers["sembias", f"{prefix}none"] = result.none, result.reason
    return numbers


def _lipstick(embeddings: Embeddings, baseline: Embeddings, half: Half, pair: Pair) -> _Numbers:
    """The labels of the first two are of the whole vocabulary, which has no halves."""
    numbers: _Numbers = {}
    biased = biased_words(baseline, pair=pair).within(embeddings)
    for name, test in LABEL_TESTS.items():
        found = test(embeddings, biased, seeds=label_seeds(name, _EFFORT))
        numbers["lipstick", name] = found.value, found.reason
    professions = load(OCCUPATIONS)
    shares = neighbor_shares(embeddings, baseline, biased, professions.words, pair=pair)
    result = neighbor_bias(shares, professions.half(half), permutations=0, bootstrap=0)
    numbers["lipstick", "profession_neighbors"] = result.value, result.reason
    return numbers


def _has(embeddings: Embeddings, pair: Pair) -> bool:
    return all(row_of(embeddings, word) is not None for word in pair)
