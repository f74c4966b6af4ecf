"""Metrics of the planted-bias control that use pairs or neighbours."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from debiaslab.metrics import Record
from debiaslab.metrics.bias_by_projection import bias_by_projection
from debiaslab.metrics.correlation import pearson_rows
from debiaslab.metrics.direct_bias import direct_bias, gender_direction
from debiaslab.metrics.factual import factual_association
from debiaslab.metrics.indirect_bias import indirect_bias_within
from debiaslab.metrics.neighbor_bias import neighbor_bias
from debiaslab.metrics.null import null_from
from debiaslab.metrics.null_metrics import direct_bias_null, factual_null, indirect_bias_null
from debiaslab.metrics.ripa import relation_vector, ripa, ripa_scores
from debiaslab.metrics.vocabulary import unit_rows
from debiaslab.study.planted_subject import DRAWS, Array, Subject
from debiaslab.vectors.embeddings import written_pairs

_FEWER_DRAWS = 500  # of indirect bias, which needs the vectors of every word drawn


def projection(subject: Subject) -> Record:
    """Mean cosine with the gender direction."""
    result = bias_by_projection(subject.embeddings, subject.words, subject.pairs, bootstrap=0)

    def null() -> Array:
        direction = gender_direction(subject.embeddings, subject.pairs)
        return subject.mean_null(subject.pool.cosines(direction))

    return subject.record("projection", result.value, result, null)


def _ripa(subject: Subject, metric: str, *, unit: bool) -> Record:
    result = ripa(subject.embeddings, subject.words, subject.pairs, unit=unit, bootstrap=0)

    def null() -> Array:
        index, vectors = subject.embeddings.index, subject.embeddings.vectors
        known, _ = written_pairs(index, subject.pairs)
        sides = [[index[word] for word in side] for side in zip(*known, strict=True)]
        male, female = (
            unit_rows(subject.embeddings, rows) if unit else vectors[rows].astype(np.float64)
            for rows in sides
        )
        score = partial(ripa_scores, direction=relation_vector(male - female))
        return subject.mean_null(subject.pool.scores(score, unit=unit))

    return subject.record(metric, result.signed, result, null)


def ripa_raw(subject: Subject) -> Record:
    """RIPA with its sign, of vectors as they are."""
    return _ripa(subject, "ripa", unit=False)


def ripa_normalised(subject: Subject) -> Record:
    """RIPA with its sign, of unit vectors."""
    return _ripa(subject, "ripa_normalised", unit=True)


def direct(subject: Subject) -> Record:
    """Direct bias, which has no sign."""
    return subject.held_against(subject.pairs, "direct_bias", direct_bias, direct_bias_null)


def indirect(subject: Subject) -> Record:
    """Indirect bias: how much of what makes the words alike is gender."""
    return subject.held_against(
        subject.pairs, "indirect_bias", indirect_bias_within, indirect_bias_null, draws=_FEWER_DRAWS
    )


def factual(subject: Subject) -> Record:
    """Hold the words' bias against the planted "shares of women", 0 % and 100 % in turn."""
    first, second = subject.targets
    women = {**dict.fromkeys(first, 0.0), **dict.fromkeys(second, 100.0)}
    result = factual_association(
        subject.embeddings, women, subject.pairs, permutations=0, bootstrap=0
    )
    shares = [share for word, share in women.items() if word not in result.missing]
    return subject.record(
        "factual_association",
        result.pearson,
        result,
        lambda: factual_null(subject.pool, shares, subject.pairs, draws=DRAWS, seed=subject.seed),
    )


def neighbors(subject: Subject) -> Record:
    """Mean share of male-leaning words among the neighbours, as in the third lipstick test."""
    shares = [subject.male_shares[word] for word in subject.words if word in subject.male_shares]
    return subject.record(
        "neighbors",
        float(np.mean(shares)) if shares else None,
        subject.neighbors,
        lambda: subject.mean_null(_pool_shares(subject)),
    )


def neighbors_r(subject: Subject) -> Record:
    """Pearson's r of that share with the side a word was pulled to: the third lipstick test.

    Its labels are the sides that were planted, in place of the bias before debiasing.
    """
    sides = {
        word: side
        for side, words in zip((1.0, -1.0), subject.targets, strict=True)
        for word in words
        if word in subject.male_shares
    }
    shares = tuple(subject.male_shares[word] for word in sides)
    measured = replace(
        subject.neighbors, words=tuple(sides), bias=tuple(sides.values()), shares=shares
    )
    result = neighbor_bias(measured, permutations=0, bootstrap=0)
    return subject.record(
        "neighbors_r",
        result.value,
        result,
        lambda: null_from(
            lambda drawn: pearson_rows(drawn, np.array(measured.bias)),
            _pool_shares(subject),
            (result.n,),
            draws=DRAWS,
            seed=subject.seed,
        ),
    )


def _pool_shares(subject: Subject) -> Array:
    names = (subject.embeddings.words[row] for row in subject.pool.rows)
    return np.array([subject.male_shares[name] for name in names if name in subject.male_shares])
