"""Bias scores of words: would they come out again, by another seed, rule, pair or word?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError, UserError, nearest
from debiaslab.lexicons import Attribute, Half, load, load_pairs
from debiaslab.metrics.cases import DEFINITIONAL_PAIRS, OCCUPATIONS
from debiaslab.metrics.gender_direction import Pair, gender_direction
from debiaslab.metrics.projection import STEREOTYPED
from debiaslab.metrics.vocabulary import (
    FLOAT32_NOISE,
    MIN_PAIRS,
    MIN_WORDS,
    find,
    row_of,
    shortlist,
    unit_rows,
)
from debiaslab.statistics.bootstrap import (
    NO_INTERVAL,
    RESAMPLES,
    Interval,
    percentile_interval,
    resample,
)
from debiaslab.statistics.reliability import cronbach_alpha, icc2, icc3, iccs, rank_correlation
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
        rule: The scoring rule.

    Returns:
        Scores, shape ``(n,)``.

    Raises:
        NotMeasuredError: A word is unknown or all zeros, or too few pairs are left.
        UserError: Unknown rule.
    """
    _known_rule(rule)
    rows = _rows(embeddings, words)
    unit = unit_rows(embeddings, rows)
    scores: Array
    if rule == "association":
        male, female = _halves(embeddings, pairs)
        scores = unit @ (male - female).mean(axis=0)
    elif rule == "projection":
        scores = unit @ gender_direction(embeddings, pairs)
    else:
        vectors = embeddings.vectors[rows].astype(np.float64)
        scores = vectors @ gender_direction(embeddings, pairs)
    return scores


def pair_scores(
    embeddings: Embeddings, words: Sequence[str], pairs: Sequence[Pair], rule: Rule = "projection"
) -> Array:
    """Return the bias of each word by each pair alone, shape ``(n, number of complete pairs)``.

    The rules are those of :func:`word_scores` with one pair: ``cos(w, m − f)``,
    ``cos(w, m) − cos(w, f)``, and ``w · (m − f) / ‖m − f‖``, with ``m`` and ``f`` of length 1.
    These are the tables of Du, Fang & Nguyen (2021, EMNLP); raises as :func:`word_scores`.
    """
    _known_rule(rule)
    rows = _rows(embeddings, words)
    male, female = _halves(embeddings, pairs)
    axes = male - female
    if rule != "association":
        lengths = np.linalg.norm(axes, axis=1, keepdims=True)
        if lengths.min() <= FLOAT32_NOISE:
            raise NotMeasuredError("the two words of a pair have the same vector")
        axes = axes / lengths
    unit = unit_rows(embeddings, rows)
    sources = embeddings.vectors[rows].astype(np.float64) if rule == "ripa" else unit
    scores: Array = sources @ axes.T
    return scores


def _known_rule(rule: str) -> None:
    if rule not in RULES:
        raise UserError(
            f"there is no scoring rule {rule!r}",
            allowed=", ".join(RULES),
            nearest=nearest(rule, RULES),
        )


def _rows(embeddings: Embeddings, words: Sequence[str]) -> list[int]:
    found = find(embeddings, words)
    if found.missing:
        raise NotMeasuredError(f"words without a vector: {shortlist(found.missing)}")
    if not found.rows:
        raise NotMeasuredError("there are no words to score")
    return list(found.rows)


def _halves(embeddings: Embeddings, pairs: Sequence[Pair]) -> tuple[Array, Array]:
    """Return the unit vectors of both halves of the complete pairs."""
    rows = [tuple(row_of(embeddings, word) for word in pair) for pair in pairs]
    complete = [(m, f) for m, f in rows if m is not None and f is not None]
    if not complete:
        raise NotMeasuredError(f"none of {len(pairs)} pairs has both words in the vectors")
    male, female = (unit_rows(embeddings, half) for half in zip(*complete, strict=True))
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
        pairs: Gender pairs.
        rule: How a word is scored, see ``word_scores``.
        bootstrap: Resamples of the words for the interval; 0 for none.
        seed: Seed of the resamples.

    Returns:
        A result whose ``reason`` is set with fewer than 2 seeds or 4 words.
    """
    known = [w for w in dict.fromkeys(words) if all(row_of(e, w) is not None for e in vectors)]
    missing = tuple(w for w in dict.fromkeys(words) if w not in set(known))
    n, k = len(known), len(vectors)
    try:
        if k < 2 or n < MIN_WORDS:
            raise NotMeasuredError(
                f"{n} words in each of {k} vectors: needs {MIN_WORDS} words and 2 seeds"
            )
        table = np.stack([word_scores(each, known, pairs, rule) for each in vectors], axis=1)
        return _reliability(table, True, missing, bootstrap, seed)
    except NotMeasuredError as problem:
        return Reliability(n=n, measurements=k, missing=missing, reason=str(problem))


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
    known = [word for word in dict.fromkeys(words) if row_of(embeddings, word) is not None]
    missing = tuple(word for word in dict.fromkeys(words) if row_of(embeddings, word) is None)
    n, k = len(known), len(rules)
    try:
        if k < 2 or n < MIN_WORDS:
            raise NotMeasuredError(f"{n} words by {k} rules: needs {MIN_WORDS} words and 2 rules")
        table = np.stack([word_scores(embeddings, known, pairs, r) for r in rules], axis=1)
        spreads = table.std(axis=0, ddof=1)
        if not (spreads > FLOAT32_NOISE).all():
            raise NotMeasuredError("a rule gives all words the same score")
        return _reliability(table / spreads, False, missing, bootstrap, seed)
    except NotMeasuredError as problem:
        return Reliability(
            kind="ICC(3,1)", n=n, measurements=k, missing=missing, reason=str(problem)
        )


def _reliability(
    table: Array, agreement: bool, missing: tuple[str, ...], bootstrap: int, seed: int
) -> Reliability:
    icc = icc2(table) if agreement else icc3(table)
    interval = NO_INTERVAL
    if bootstrap:
        drawn = resample(len(table), bootstrap, np.random.default_rng(seed))
        interval = percentile_interval(iccs(table[drawn], agreement))
    return Reliability(
        icc=icc,
        interval=interval,
        kind="ICC(2,1)" if agreement else "ICC(3,1)",
        rank_correlation=rank_correlation(table),
        n=table.shape[0],
        measurements=table.shape[1],
        missing=missing,
    )


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
    embeddings: Embeddings,
    words: Sequence[str],
    pairs: Sequence[Pair],
    rule: Rule = "association",
) -> Consistency:
    """Measure the internal consistency of a word list and of gender pairs in one set of vectors.

    Both are Cronbach's α of the table of :func:`pair_scores`, one way up and the other (Du, Fang
    & Nguyen 2021, EMNLP).

    Args:
        embeddings: The vectors.
        words: Words that are held to share one bias; repeated words count once.
        pairs: Gender pairs ``(male, female)``; a pair with an unknown word is left out whole.
        rule: How a word is scored by one pair.

    Returns:
        A result whose ``reason`` is set with fewer than 4 words or 2 pairs left.
    """
    known = [word for word in dict.fromkeys(words) if row_of(embeddings, word) is not None]
    missing = tuple(word for word in dict.fromkeys(words) if row_of(embeddings, word) is None)
    complete = [
        pair
        for pair in dict.fromkeys(pairs)
        if all(row_of(embeddings, word) is not None for word in pair)
    ]
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
"""The lists that are held against gender words and have enough words to ask."""


def list_consistency(
    embeddings: Embeddings, half: Half = "all", attributes: Sequence[Attribute] = ()
) -> dict[str, Consistency]:
    """Return the internal consistency of each word list, by its name.

    Lists are held against the definitional pairs; the stereotypes of an attribute of two classes
    that has definitional pairs of its own, ``"<attribute> <class>"``, against these.

    Args:
        embeddings: The vectors.
        half: Which half of the words and pairs.
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
