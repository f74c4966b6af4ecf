"""Relative negative sentiment bias (Sweeney & Najafian 2019, ACL, section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError, UserError
from debiaslab.lexicons import load
from debiaslab.metrics.cases import Case, gender_groups
from debiaslab.metrics.null import RandomWords, null_from
from debiaslab.metrics.registry import GROUPS_OF_WORDS, list_metric
from debiaslab.metrics.vocabulary import (
    MIN_WORDS,
    Found,
    FoundSets,
    Result,
    WordSets,
    find,
    require_directions,
    require_enough,
    rows_of,
    union,
    unit_rows,
)
from debiaslab.statistics.bootstrap import NO_INTERVAL, percentile_interval
from debiaslab.vectors.embeddings import Embeddings

Vector = NDArray[np.float64]

REPEATS = 50
HOLDOUT = 0.2
SPLITS = 20
"""Splits of a record of gender."""

RNSB_DRAWS = 1_000

PLEASANT: tuple[str, ...] = load("pleasant_5").words
UNPLEASANT: tuple[str, ...] = load("unpleasant_5a").words
"""WEAT's pleasant and unpleasant words, which stand in for the opinion lexicons of thousands of
words, whose terms do not let them ship."""


@dataclass(frozen=True)
class Rnsb(Result):
    """Mean over splits of the divergence from uniform, in nats: 0 when all are equally negative.

    ``interval`` holds the 2.5 % and 97.5 % quantiles over the splits: how far the classifier's
    training words matter. None without a holdout.

    Attributes:
        accuracy: Mean accuracy on held-out sentiment words; near 0.5 the classifier has learned
            nothing and the value says nothing. None without a holdout.
        probabilities: Each identity word and its mean probability of being negative.
        splits: Classifiers trained.
        sizes: Positive and negative words that have a vector.
    """

    accuracy: float | None = None
    probabilities: tuple[tuple[str, float], ...] = ()
    splits: int = 0
    sizes: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Classifiers:
    """Trained classifiers of negative words: a row of ``weights``, shape ``(splits, d)``, each."""

    weights: Vector
    intercepts: Vector
    accuracy: float | None


def rnsb(
    embeddings: Embeddings,
    words: Sequence[str] | WordSets,
    positive: Sequence[str] = PLEASANT,
    negative: Sequence[str] = UNPLEASANT,
    *,
    unit: bool = False,
    repeats: int = REPEATS,
    holdout: float = HOLDOUT,
    C: float = 1.0,
    seed: int = 0,
) -> Rnsb:
    """Measure how unequally a sentiment classifier calls identity words negative.

    A logistic regression learns negative against positive words; its probabilities of *negative*
    for the identity words, made to add up to 1, are the distribution ``P``;
    ``RNSB = KL(P ‖ uniform) = Σ p log(n p)``.

    Args:
        words: Identity words of any number of groups, one list or several (which count as one);
            at least 4.
        positive: Words of the positive class, at least 4; WEAT's pleasant words by default. The
            paper trains on a lexicon of thousands: pass one, or any other attribute set.
        negative: Words of the negative class, at least 4, none of them positive.
        unit: Scale every vector to length 1 first. Without, as in the paper, long vectors get
            extremer probabilities, and values of two spaces compare only where lengths do.
        repeats: Random splits, each with a classifier of its own.
        holdout: Share of each class kept out of a split's training; 0 for one classifier of all
            words and no interval.
        C: Inverse strength of the regularisation (scikit-learn's meaning and default).

    Returns:
        A result whose ``reason`` is set with too few words, a word in both classes, or all-zero or
        collapsed vectors.

    Raises:
        UserError: ``repeats`` is below 1 or ``holdout`` not in [0, 0.5].
    """
    if repeats < 1 or not 0 <= holdout <= 0.5:
        raise UserError(
            f"RNSB was asked for {repeats} splits with a holdout of {holdout}",
            allowed="1 split or more, a holdout from 0 to 0.5",
        )
    found = find(embeddings, union(words))
    classes = _classes(embeddings, positive, negative)
    empty = Rnsb(
        n=len(found.words),
        sizes=(len(classes.found[0].words), len(classes.found[1].words)),
        missing=tuple(dict.fromkeys(found.missing + classes.missing)),
    )
    try:
        require_enough("the word list", found)
        classes.require(MIN_WORDS)
        rows = unit_rows(embeddings, found.rows)
        require_directions("the word list", rows)
        good, bad = (unit_rows(embeddings, by_word(each)) for each in classes.found)
        require_directions("the sentiment words", np.concatenate([good, bad]))
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    if not unit:
        rows = rows_of(embeddings, found.rows, unit=False)
        good, bad = (rows_of(embeddings, by_word(each), unit=False) for each in classes.found)
    trained = train(good, bad, repeats=repeats, holdout=holdout, C=C, seed=seed)
    probabilities = negative_probabilities(rows, trained)
    divergences = divergence_from_uniform(probabilities)
    means = probabilities.mean(axis=0).tolist()
    return replace(
        empty,
        value=float(divergences.mean()),
        interval=percentile_interval(divergences) if len(divergences) > 1 else NO_INTERVAL,
        accuracy=trained.accuracy,
        probabilities=tuple(zip(found.words, means, strict=True)),
        splits=len(divergences),
    )


def _extra(result: Rnsb, case: Case) -> Mapping[str, Any]:
    return {
        "interval": "2.5 % and 97.5 % over splits" if result.splits > 1 else None,
        "accuracy": result.accuracy,
        "splits": result.splits,
        "sizes": list(result.sizes),
    }


@list_metric(
    "rnsb",
    citation="Sweeney & Najafian 2019, ACL, section 3",
    family="association",
    better="lower",
    needs=GROUPS_OF_WORDS,
    gender=lambda half: [Case("gender", half, gender_groups(half), knobs={"repeats": SPLITS})],
    attribute=lambda attribute, half: [
        Case(attribute.name, half, attribute.half(half).classes, attribute=attribute.name)
    ],
    draw=lambda drawn, case, record, **more: rnsb_null(drawn, record.n, **more, **case.knobs),
    extra=_extra,
    planted=None,
    title="RNSB",
)
def _compared_groups(
    embeddings: Embeddings, words: WordSets, *, bootstrap: int, seed: int, **knobs: Any
) -> Rnsb:
    """How unequally a sentiment classifier calls the words of groups negative.

    Its interval is over the splits of the classifier's words: nothing is resampled. The sentiment
    words of every half are all there are: half of them would not train a classifier.
    """
    return rnsb(embeddings, words, seed=seed, **knobs)


def rnsb_null(
    words: RandomWords,
    n: int,
    positive: Sequence[str] = PLEASANT,
    negative: Sequence[str] = UNPLEASANT,
    *,
    draws: int = RNSB_DRAWS,
    seed: int = 0,
    **knobs: Any,
) -> Vector:
    """Return the relative negative sentiment bias of random words, by classifiers trained once.

    ``seed`` is that of the splits and of the draws; fewer draws than elsewhere, for every word has
    as many probabilities as there are splits. ``knobs``: ``unit``, and those of :func:`train`.
    """
    unit = knobs.pop("unit", False)
    classes = _classes(words.embeddings, positive, negative)
    classes.require(MIN_WORDS)
    good, bad = (rows_of(words.embeddings, by_word(each), unit=unit) for each in classes.found)
    trained = train(good, bad, seed=seed, **knobs)
    scores = words.scores(lambda rows: negative_probabilities(rows, trained).T, unit=unit)
    scores = words.excluding(scores, find(words.embeddings, (*positive, *negative)).rows)

    def divergence(probabilities: Vector) -> Vector:  # the mean over splits, (b, n, splits) → (b,)
        return np.asarray(divergence_from_uniform(probabilities.transpose(0, 2, 1)).mean(axis=1))

    return null_from(divergence, scores, (n,), draws=draws, seed=seed)


def _classes(embeddings: Embeddings, positive: Sequence[str], negative: Sequence[str]) -> FoundSets:
    found = (find(embeddings, positive), find(embeddings, negative))
    return FoundSets(("positive", "negative"), found)


def train(
    positive: Vector,
    negative: Vector,
    *,
    repeats: int = REPEATS,
    holdout: float = HOLDOUT,
    C: float = 1.0,
    seed: int = 0,
) -> Classifiers:
    """Return the classifiers of ``repeats`` random splits; one of all rows without a holdout.

    Args:
        positive: Rows of the positive words, shape ``(n, d)``.
        negative: Rows of the negative words.
        repeats: See :func:`rnsb`, as for the rest.
        holdout: At least one word of each class is held out when it is not 0.
        C: Inverse strength of the regularisation.
    """
    X = np.concatenate([positive, negative])
    y = np.r_[-np.ones(len(positive)), np.ones(len(negative))]
    # The weights lie in the span of the examples: in coordinates of that span, whose lengths and
    # angles are the same, the problem has as many unknowns as there are words.
    left, sizes, axes = np.linalg.svd(X, full_matrices=False)
    coordinates = left * sizes
    rng = np.random.default_rng(seed)
    weights, intercepts, hits = [], [], []
    for _ in range(repeats if holdout else 1):
        kept_out = _held_out(y, holdout, rng)
        w, b = fit_logistic(coordinates[~kept_out], y[~kept_out], C=C)
        weights.append(w @ axes)
        intercepts.append(b)
        if holdout:
            guess = coordinates[kept_out] @ w + b > 0
            hits.append(float((guess == (y[kept_out] > 0)).mean()))
    accuracy = float(np.mean(hits)) if holdout else None
    return Classifiers(np.array(weights), np.array(intercepts), accuracy)


def negative_probabilities(rows: Vector, trained: Classifiers) -> Vector:
    """Return the probability of *negative* of each row by each classifier, ``(splits, n)``."""
    return _sigmoid(trained.weights @ rows.T + trained.intercepts[:, None])


def divergence_from_uniform(probabilities: Vector) -> Vector:
    """Return ``KL(P ‖ uniform)`` in nats of probabilities, ``(…, n)``, made to add up to 1."""
    shares = probabilities / probabilities.sum(axis=-1, keepdims=True)
    logs = np.log(np.where(shares > 0, shares * shares.shape[-1], 1.0))  # 0 · log 0 is 0
    divergences: Vector = np.maximum((shares * logs).sum(axis=-1), 0.0)
    return divergences


def _held_out(y: Vector, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose ``share`` of each class, at least one word of each when it is not 0."""
    chosen = np.zeros(len(y), dtype=np.bool_)
    if share:
        for side in (-1, 1):
            members = np.flatnonzero(y == side)
            count = max(1, round(share * len(members)))
            chosen[rng.permutation(members)[:count]] = True
    return chosen


def by_word(found: Found) -> list[int]:
    """Return the rows in alphabetical order of their words.

    Which words a seeded split holds out then depends neither on the order of the list nor on that
    of the vocabulary.
    """
    return [row for _, row in sorted(zip(found.words, found.rows, strict=True))]


# The classifier -------------------------------------------------------------------------------

_STEPS = 100
_ENOUGH = 1e-10  # squared Newton decrement
_RIDGE = 1e-12  # keeps the free intercept solvable when every weight of the data is 0


def fit_logistic(X: Vector, y: Vector, *, C: float = 1.0) -> tuple[Vector, float]:
    """Return weights, shape ``(d,)``, and intercept of the classifier of ``y`` in {−1, 1}.

    The minimum of ``‖w‖² / 2 + C · Σ log(1 + exp(−y (w · x + b)))``, the intercept ``b`` free: what
    scikit-learn's ``LogisticRegression(C=C)`` finds. The loss is convex, so Newton's method with
    step halving has one answer and needs no seed. Cost ``O(n d²)`` for ``n`` examples.
    """
    n, d = X.shape
    design = np.concatenate([X, np.ones((n, 1))], axis=1)
    penalty = np.r_[np.ones(d), 0.0]
    beta = np.zeros(d + 1)
    value = _loss(design, y, beta, penalty, C)
    for _ in range(_STEPS):
        p = _sigmoid(-y * (design @ beta))
        gradient = penalty * beta - C * design.T @ (y * p)
        hessian = np.diag(penalty + _RIDGE) + C * (design.T * (p * (1 - p))) @ design
        step = np.linalg.solve(hessian, gradient)
        decrement = float(gradient @ step)
        if decrement < _ENOUGH:
            break
        rate = 1.0
        while True:
            tried = beta - rate * step
            new = _loss(design, y, tried, penalty, C)
            if new <= value - 1e-4 * rate * decrement or rate < 1e-6:
                break
            rate /= 2
        beta, value = tried, new
    return beta[:-1], float(beta[-1])


def _loss(design: Vector, y: Vector, beta: Vector, penalty: Vector, C: float) -> float:
    margins = -y * (design @ beta)
    return float((penalty * beta) @ beta / 2 + C * np.logaddexp(0.0, margins).sum())


def _sigmoid(z: Vector) -> Vector:
    return np.asarray(0.5 * (1.0 + np.tanh(z / 2)))
