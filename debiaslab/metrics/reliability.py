"""Would the bias scores of words come out again, by another seed, rule, pair or word?

Reliability over seeds and rules, internal consistency of lists and pairs (Du, Fang & Nguyen 2021,
EMNLP), and leave-one-out sensitivity: the scorecard without one pair, word or set at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError, require_known
from debiaslab.lexicons import AssociationTest, Attribute, Half, load, load_pairs
from debiaslab.metrics.cases import DEFINITIONAL_PAIRS, OCCUPATIONS, Case, Item, Resampling
from debiaslab.metrics.projection import STEREOTYPED, direct_bias
from debiaslab.metrics.registry import (
    ListMetric,
    RecordMetric,
    attribute_cases,
    list_metrics,
    metrics,
)
from debiaslab.metrics.vocabulary import (
    FLOAT32_NOISE,
    HE_SHE,
    MIN_PAIRS,
    MIN_WORDS,
    Pair,
    Result,
    find,
    find_pairs,
    gender_direction,
    row_of,
    rows_of,
    shortlist,
    unit_rows,
)
from debiaslab.metrics.weat import case_of, weat
from debiaslab.statistics.bootstrap import (
    NO_INTERVAL,
    RESAMPLES,
    Interval,
    percentile_interval,
    resample,
)
from debiaslab.statistics.reliability import (
    LeaveOneOut,
    Number,
    cronbach_alpha,
    icc2,
    icc3,
    iccs,
    left_out_in_turn,
    rank_correlation,
    summed_up,
)
from debiaslab.vectors.embeddings import Embeddings

Rule = Literal["projection", "association", "ripa"]
RULES: tuple[Rule, ...] = get_args(Rule)
Array = NDArray[np.float64]


def word_scores(
    embeddings: Embeddings, words: Sequence[str], pairs: Sequence[Pair], rule: Rule = "projection"
) -> Array:
    """Return one signed bias score for each word, positive toward the first half of the pairs.

    ``"projection"``: ``cos(w, g)`` with the gender direction ``g`` of all pairs, whose size is
    the word's direct bias (Bolukbasi et al. 2016). ``"association"``: mean over pairs of
    ``cos(w, m) − cos(w, f)``, WEAT's ``s(w, A, B)`` (Caliskan et al. 2017). ``"ripa"``: ``w · g``,
    length of ``w`` included (Ethayarajh et al. 2019).

    Args:
        embeddings: The vectors; every word must have one.
        words: ``n`` words, in the order of the result.
        pairs: Pairs ``(male, female)``; a pair with an unknown word is left out whole.

    Returns:
        Scores, shape ``(n,)``.

    Raises:
        NotMeasuredError: A word is unknown or all zeros, or too few pairs are left.
        UserError: Unknown rule.
    """
    sources = _sources(embeddings, words, rule)
    if rule == "association":
        male, female = _sides(embeddings, pairs)
        axis: Array = (male - female).mean(axis=0)
    else:
        axis = gender_direction(embeddings, pairs)
    return sources @ axis


def pair_scores(
    embeddings: Embeddings, words: Sequence[str], pairs: Sequence[Pair], rule: Rule = "projection"
) -> Array:
    """Return the bias of each word by each pair alone, shape ``(n, number of complete pairs)``.

    The rules are those of :func:`word_scores` with one pair: ``cos(w, m − f)``,
    ``cos(w, m) − cos(w, f)``, and ``w · (m − f) / ‖m − f‖``, with ``m`` and ``f`` of length 1.
    These are the tables of Du, Fang & Nguyen (2021, EMNLP); raises as :func:`word_scores`.
    """
    sources = _sources(embeddings, words, rule)
    male, female = _sides(embeddings, pairs)
    axes = male - female
    if rule != "association":
        lengths = np.linalg.norm(axes, axis=1, keepdims=True)
        if lengths.min() <= FLOAT32_NOISE:
            raise NotMeasuredError("the two words of a pair have the same vector")
        axes = axes / lengths
    scores: Array = sources @ axes.T
    return scores


def _sources(embeddings: Embeddings, words: Sequence[str], rule: str) -> Array:
    """Return what a rule reads of each word: its vector for RIPA, else its unit vector."""
    require_known(rule, RULES, f"there is no scoring rule {rule!r}")
    found = find(embeddings, words)
    if found.missing:
        raise NotMeasuredError(f"words without a vector: {shortlist(found.missing)}")
    if not found.rows:
        raise NotMeasuredError("there are no words to score")
    unit = unit_rows(embeddings, found.rows)  # also for RIPA: no word may be all zeros
    return rows_of(embeddings, found.rows, unit=False) if rule == "ripa" else unit


def _sides(embeddings: Embeddings, pairs: Sequence[Pair]) -> tuple[Array, Array]:
    """Return the unit vectors of both sides of the complete pairs."""
    rows = find_pairs(embeddings, pairs).rows
    if not rows:
        raise NotMeasuredError(f"none of {len(pairs)} pairs has both words in the vectors")
    male, female = (unit_rows(embeddings, side) for side in zip(*rows, strict=True))
    return male, female


@dataclass(frozen=True)
class Reliability:
    """Agreement of several measurements of the same words.

    Attributes:
        icc: Intraclass correlation; 1 when the measurements agree, about 0 when they are noise
            (it can fall below 0). None when not measured.
        interval: 95 % bootstrap interval over the words.
        kind: ``"ICC(2,1)"`` or ``"ICC(3,1)"`` (Shrout & Fleiss 1979).
        rank_correlation: Mean Spearman's ρ over all pairs of measurements; None where a
            measurement gives all words the same score.
        n: Words.
        measurements: Seeds, or rules.
        missing: Words left out because some vectors do not have them.
        reason: Why there is no ``icc``.
    """

    icc: float | None = None
    interval: Interval = NO_INTERVAL
    kind: str = "ICC(2,1)"
    rank_correlation: float | None = None
    n: int = 0
    measurements: int = 0
    missing: tuple[str, ...] = ()
    reason: str | None = None


def retest_reliability(
    vectors: Sequence[Embeddings],
    words: Sequence[str],
    pairs: Sequence[Pair],
    rule: Rule = "projection",
    *,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Reliability:
    """Measure how far the biases of words agree between trainings that differ in the seed.

    ICC(2,1) over words × seeds, as Du, Fang & Nguyen (2021, EMNLP) do: seeds are a sample of all
    seeds, and the score itself, not only the order of the words, is to come out again.

    Args:
        vectors: Vectors of the same corpus and settings, one for each seed.
        words: Words to score; those that some vectors lack are left out.
        rule: How a word is scored, see ``word_scores``.

    Returns:
        A result whose ``reason`` is set with fewer than 2 seeds or 4 words.
    """
    known, missing = _in_all(vectors, words)
    n, k = len(known), len(vectors)
    empty = Reliability(n=n, measurements=k, missing=missing)
    if k < 2 or n < MIN_WORDS:
        reason = f"{n} words in each of {k} vectors: needs {MIN_WORDS} words and 2 seeds"
        return replace(empty, reason=reason)
    try:
        table = np.stack([word_scores(each, known, pairs, rule) for each in vectors], axis=1)
        return _agreement(empty, table, bootstrap, seed)
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))


def inter_rule(
    embeddings: Embeddings,
    words: Sequence[str],
    pairs: Sequence[Pair],
    rules: Sequence[Rule] = RULES,
    *,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Reliability:
    """Measure how far several scoring rules agree on the same words: inter-rater consistency.

    ICC(3,1) over words × rules (Du, Fang & Nguyen 2021), each rule's scores brought to standard
    deviation 1 first, for the rules have different units. Other arguments as in
    :func:`retest_reliability`; ``reason`` is set with fewer than 4 words or 2 rules.
    """
    known, missing = _in_all([embeddings], words)
    n, k = len(known), len(rules)
    empty = Reliability(kind="ICC(3,1)", n=n, measurements=k, missing=missing)
    if k < 2 or n < MIN_WORDS:
        return replace(empty, reason=f"{n} words by {k} rules: needs {MIN_WORDS} words and 2 rules")
    try:
        table = np.stack([word_scores(embeddings, known, pairs, r) for r in rules], axis=1)
        spreads = table.std(axis=0, ddof=1)
        if not (spreads > FLOAT32_NOISE).all():
            raise NotMeasuredError("a rule gives all words the same score")
        return _agreement(empty, table / spreads, bootstrap, seed)
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))


def _in_all(
    vectors: Sequence[Embeddings], words: Sequence[str]
) -> tuple[list[str], tuple[str, ...]]:
    """Return the words that all vectors have, and the others; each once."""
    once = dict.fromkeys(words)
    known = [word for word in once if all(row_of(each, word) is not None for each in vectors)]
    return known, tuple(word for word in once if word not in set(known))


def _agreement(empty: Reliability, table: Array, bootstrap: int, seed: int) -> Reliability:
    absolute = empty.kind == "ICC(2,1)"
    interval = NO_INTERVAL
    if bootstrap:
        drawn = resample(len(table), bootstrap, np.random.default_rng(seed))
        interval = percentile_interval(iccs(table[drawn], absolute))
    icc, ranks = icc2(table) if absolute else icc3(table), rank_correlation(table)
    return replace(empty, icc=icc, interval=interval, rank_correlation=ranks)


@dataclass(frozen=True)
class Consistency:
    """Result of :func:`internal_consistency`.

    Attributes:
        words: Cronbach's α of the words as items, the pairs as cases: does the list measure one
            bias? None when not measured.
        pairs: Cronbach's α of the pairs as items, the words as cases: do the pairs show the same
            direction?
        words_without: α of the words without each one of them; a word that raises it by its
            absence does not belong. Empty with 2 words.
        pairs_without: The same of the pairs, as ``male/female``.
        n: Words that have a vector.
        n_pairs: Pairs with both words known.
        missing: Words that have no vector.
        reason: Why there is no value.
    """

    words: float | None = None
    pairs: float | None = None
    words_without: tuple[tuple[str, float], ...] = ()
    pairs_without: tuple[tuple[str, float], ...] = ()
    n: int = 0
    n_pairs: int = 0
    missing: tuple[str, ...] = ()
    reason: str | None = None


def internal_consistency(
    embeddings: Embeddings, words: Sequence[str], pairs: Sequence[Pair], rule: Rule = "association"
) -> Consistency:
    """Measure the internal consistency of a word list and of gender pairs in one set of vectors.

    Both are Cronbach's α of the table of :func:`pair_scores`, one way up and the other (Du, Fang
    & Nguyen 2021, EMNLP).

    Args:
        words: Words that are held to share one bias; repeated words count once.
        pairs: Gender pairs ``(male, female)``; a pair with an unknown word is left out whole.
        rule: How a word is scored by one pair.

    Returns:
        A result whose ``reason`` is set with fewer than 4 words or 2 pairs left.
    """
    known, missing = _in_all([embeddings], words)
    complete = [pair for pair in dict.fromkeys(pairs) if _has_all(embeddings, pair)]
    empty = Consistency(n=len(known), n_pairs=len(complete), missing=missing)
    try:
        if len(known) < MIN_WORDS or len(complete) < MIN_PAIRS:
            raise NotMeasuredError(
                f"{len(known)} words and {len(complete)} pairs in the vectors: "
                f"needs {MIN_WORDS} and {MIN_PAIRS}"
            )
        table = pair_scores(embeddings, known, complete, rule)
        return replace(
            empty,
            words=cronbach_alpha(table.T),
            pairs=cronbach_alpha(table),
            words_without=_without(table.T, known),
            pairs_without=_without(table, ["/".join(pair) for pair in complete]),
        )
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))


def _without(table: Array, names: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """Return α without each item (column) in turn."""
    if len(names) < 3:
        return ()
    return tuple(
        (name, cronbach_alpha(np.delete(table, column, axis=1)))
        for column, name in enumerate(names)
    )


# Of every list of the scorecard -----------------------------------------------------------------

LISTS = (
    OCCUPATIONS,
    *STEREOTYPED,
    *("career_extended", "family_extended", "math_extended", "science_extended", "arts_extended"),
)
"""The lists that are compared with gender words and have enough words to ask."""


def list_consistency(
    embeddings: Embeddings, half: Half = "all", attributes: Sequence[Attribute] = ()
) -> dict[str, Consistency]:
    """Return the internal consistency of each word list, by its name.

    Lists are compared with the definitional pairs; the stereotypes of an attribute of two classes
    that has definitional pairs of its own, ``"<attribute> <class>"``, against these.

    Args:
        attributes: A user's.
    """
    pairs = load_pairs(DEFINITIONAL_PAIRS).half(half)
    found = {name: internal_consistency(embeddings, load(name).half(half), pairs) for name in LISTS}
    for attribute in attributes:
        words = attribute.half(half)
        if attribute.binary and attribute.definitional_sets:
            own = [(first, second) for first, second in words.definitional_sets]
            for label, listed in words.stereotypes.items():
                name = f"{attribute.name} {label}"
                found[name] = internal_consistency(embeddings, listed, own)
    return found


# Leave-one-out sensitivity ----------------------------------------------------------------------
#
# What a number reads is in its case: a definitional pair where there is a direction, a word of a
# group, a set of targets. What *he* and *she* alone define comes with each other pair instead.

PairMetric = Callable[..., Any]
"""``metric(embeddings, words, pairs) → result``, with ``value`` and ``reason``."""

_DIRECT_BIAS = partial(direct_bias, bootstrap=0)
Change = Literal["left out", "in the place of he/she"]
_EFFORT = Resampling(seed=0, bootstrap=0, permutations=0, null=False)


def leave_one_pair_out(
    embeddings: Embeddings,
    words: Sequence[str] | Mapping[str, float],
    pairs: Sequence[Pair],
    metric: PairMetric = _DIRECT_BIAS,
) -> LeaveOneOut:
    """Return what a metric gives with each definitional pair left out in turn.

    Args:
        words: What the metric takes: a list, or for ``factual_association`` shares by word.
        pairs: Definitional pairs ``(male, female)``; repeated pairs count once. A pair with an
            unknown word makes no difference: it is in ``missing``.
        metric: Called with the vectors, the words and the pairs that are left: ``ripa``,
            ``factual_association``, …; direct bias by default. Give it as a ``partial`` without
            resamples, which would be thrown away.
    """

    def measured(kept: Sequence[Pair]) -> Number:
        result = metric(embeddings, words, kept)
        return result.value, result.reason

    once, known = list(dict.fromkeys(pairs)), partial(_has_all, embeddings)
    return left_out_in_turn(once, "/".join, known, measured)


def leave_one_attribute_out(
    embeddings: Embeddings, X: Sequence[str], Y: Sequence[str], A: Sequence[str], B: Sequence[str]
) -> LeaveOneOut:
    """Return the WEAT statistic ``s`` with each attribute word (of A, then B) left out in turn.

    A set of four words is not measured with three: those values are None.
    """
    case = Case("", "all", {"X": X, "Y": Y}, {"A": A, "B": B})
    return _without_each(embeddings, case, partial(weat.measure, embeddings))


@dataclass(frozen=True)
class PairSensitivity:
    """One number of the scorecard with each definitional pair (or word) changed in turn.

    Attributes:
        metric, name, words: As in the records.
        result: The values; its ``value`` is that of the record.
        change: What is done with each pair.
        number: What ``result`` is of: the record's ``value``, or its ``statistic`` (of WEAT).
    """

    metric: str
    name: str
    words: Half
    result: LeaveOneOut
    change: Change = "left out"
    number: Literal["value", "statistic"] = "value"


def pair_sensitivity(
    embeddings: Embeddings, half: Half = "all", baseline: Embeddings | None = None
) -> tuple[PairSensitivity, ...]:
    """Return every number of the scorecard that reads gender pairs, with each pair changed in turn.

    The labels of the lipstick tests have no halves: ``half`` is that of the pairs.

    Args:
        baseline: The vectors before debiasing, for the lipstick tests; ``embeddings`` themselves
            when None.
    """
    found = [
        _sensitivity(metric, embeddings, case)
        for metric in list_metrics()
        for case in metric.gender(half)
        if case.by_pairs
    ]
    before = embeddings if baseline is None else baseline
    return (*found, *_with_other_pairs(embeddings, before, half))


def attribute_sensitivity(
    embeddings: Embeddings, attribute: Attribute, half: Half = "all"
) -> tuple[PairSensitivity, ...]:
    """Return every number of the scorecard that reads an attribute, without each item in turn."""
    found = [
        _sensitivity(metric, embeddings, case) for metric, case in attribute_cases(attribute, half)
    ]
    own = () if attribute.test is None else (weat_sensitivity(embeddings, attribute.test, half),)
    return (*own, *found)


def weat_sensitivity(
    embeddings: Embeddings, test: AssociationTest, half: Half = "all"
) -> PairSensitivity:
    """Return the statistic ``s`` of a WEAT without each attribute word in turn."""
    return replace(_sensitivity(weat, embeddings, case_of(test, half)), number="statistic")


def _sensitivity(metric: ListMetric, embeddings: Embeddings, case: Case) -> PairSensitivity:
    seed = _EFFORT.seed_of(metric.name, case.name, case.half)
    result = _without_each(embeddings, case, partial(metric.measure, embeddings, seed=seed))
    return PairSensitivity(metric.name, case.name, case.half, result)


def _without_each(
    embeddings: Embeddings, case: Case, measure: Callable[[Case], Result]
) -> LeaveOneOut:
    """Return a number without each item that its case reads."""

    def measured(kept: Sequence[Item]) -> Number:
        left = case.only(kept)
        if left is None:
            return None, "nothing is left without it"
        result = measure(left)
        return result.value, result.reason

    # A pair that lacks a word plays no part; of a set of words every word does.
    enough = all if case.by_pairs else any
    return left_out_in_turn(
        case.items,
        lambda item: "/".join(item[1]),
        lambda item: enough(row_of(embeddings, word) is not None for word in item[1]),
        measured,
    )


def _with_other_pairs(
    embeddings: Embeddings, baseline: Embeddings, half: Half
) -> Iterator[PairSensitivity]:
    """Yield what is defined by *he* and *she*, with each other definitional pair in their place.

    ``baseline``, the vectors before debiasing, labels the words of the lipstick tests.
    """
    others = [pair for pair in load_pairs(DEFINITIONAL_PAIRS).half(half) if pair != HE_SHE]
    known = [pair for pair in others if _has_all(embeddings, pair) and _has_all(baseline, pair)]
    missing = tuple("/".join(pair) for pair in others if pair not in known)
    for metric in metrics().values():
        if not isinstance(metric, RecordMetric) or metric.of_pair is None:
            continue
        of_pair = partial(metric.of_pair, embeddings, baseline, half)
        by_pair = {"/".join(pair): of_pair(pair) for pair in known}
        for name, whole in of_pair(HE_SHE).items():
            changed = [(pair, numbers[name]) for pair, numbers in by_pair.items()]
            result = summed_up(whole, changed, missing, "no other pair gives a value")
            yield PairSensitivity(metric.name, name, half, result, change="in the place of he/she")


def _has_all(embeddings: Embeddings, words: Sequence[str]) -> bool:
    return all(row_of(embeddings, word) is not None for word in words)
