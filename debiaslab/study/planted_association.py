"""Association metrics of the planted-bias control: WEAT, SC-WEAT, RND, SAME, ECT, MAC, RNSB."""

from __future__ import annotations

from functools import partial

import numpy as np

from debiaslab.metrics import Record
from debiaslab.metrics.association import ect, mac, rnd, same, sc_weat, single_category
from debiaslab.metrics.measured import FLOAT32_NOISE
from debiaslab.metrics.null import mean, null_from
from debiaslab.metrics.rnsb import rnsb, rnsb_null
from debiaslab.metrics.weat import WeatResult, weat, weat_null
from debiaslab.metrics.XXX import Distance, ScWeat, ect_null, mac_null, rnd_null, same_null
from debiaslab.study.planted_subject import DRAWS, Array, Subject

SPLITS = 20


def _weat_result(subject: Subject) -> WeatResult:
    male, female = subject.groups.values()
    return weat(
        *(subject.embeddings, *subject.targets, male, female),
        permutations=0,
        bootstrap=0,
    )


def weat_statistic(subject: Subject) -> Record:
    """WEAT's s of the words against others; with ``apart``, of their two halves."""
    result = _weat_result(subject)
    male, female = subject.groups.values()

    def null() -> Array:
        sizes = result.n[:2]
        return weat_null(subject.pool, male, female, sizes, draws=DRAWS, seed=subject.seed)

    return subject.record("weat_statistic", result.statistic, result, null)


def weat_d(subject: Subject) -> Record:
    """WEAT's d of the same sets."""
    result = _weat_result(subject)

    def null() -> Array:
        male, female = subject.unit
        scores = subject.pool.cosines(male.mean(axis=0) - female.mean(axis=0))
        return null_from(_effect_size, scores, result.n[:2], draws=DRAWS, seed=subject.seed)

    return subject.record("weat_d", result.effect_size, result, null)


def _effect_size(x: Array, y: Array) -> Array:
    """Return WEAT's d of random target sets from their associations, ``(b, n) → (b,)``."""
    spreads = np.concatenate([x, y], axis=1).std(axis=1, ddof=1)
    sizes = np.full(len(x), np.nan)
    np.divide(mean(x) - mean(y), spreads, out=sizes, where=spreads > FLOAT32_NOISE)
    return sizes


def _sc_weat_result(subject: Subject) -> ScWeat:
    male, female = subject.groups.values()
    return sc_weat(subject.embeddings, subject.words, male, female, permutations=0, bootstrap=0)


def association(subject: Subject) -> Record:
    """Mean of ``s(w)``, in cosine units."""
    result = _sc_weat_result(subject)
    found = [word.statistic for word in result.words]

    def null() -> Array:
        male, female = subject.unit
        return subject.mean_null(subject.pool.cosines(male.mean(axis=0) - female.mean(axis=0)))

    return subject.record("association", float(np.mean(found)) if found else None, result, null)


def sc_weat_signed(subject: Subject) -> Record:
    """Mean of SC-WEAT's d(w), with its sign."""
    result = _sc_weat_result(subject)
    return subject.record(
        "sc_weat",
        result.signed,
        result,
        lambda: subject.mean_null(single_category(subject.pool.unit, *subject.unit)[1]),
    )


def sc_weat_size(subject: Subject) -> Record:
    """SC-WEAT as the scorecard has it: the mean of |d(w)|."""
    result = _sc_weat_result(subject)
    return subject.record(
        "sc_weat_size",
        result.value,
        result,
        lambda: subject.mean_null(np.abs(single_category(subject.pool.unit, *subject.unit)[1])),
    )


def _rnd(subject: Subject, distance: Distance) -> Record:
    return subject.held_against(
        subject.reversed_groups,
        f"rnd_{distance}",
        partial(rnd, distance=distance),
        partial(rnd_null, distance=distance),
    )


def rnd_norm(subject: Subject) -> Record:
    """RND with the norm of the difference."""
    return _rnd(subject, "norm")


def rnd_cosine(subject: Subject) -> Record:
    """RND with 1 − cosine."""
    return _rnd(subject, "cosine")


def same_size(subject: Subject) -> Record:
    """SAME, which has no sign."""
    return subject.held_against(subject.groups, "same", same, same_null)


def coherence(subject: Subject) -> Record:
    """ECT, which is 1 without bias."""
    return subject.held_against(subject.groups, "ect", ect, ect_null)


def mean_distance(subject: Subject) -> Record:
    """MAC, the mean distance to both groups."""
    return subject.held_against(subject.groups, "mac", mac, mac_null)


def classifier(subject: Subject) -> Record:
    """RNSB of a classifier that learnt male against female words in place of sentiment.

    How unequally it treats the words with the dose and those without: with the words alone a
    dose that they share would cancel out.
    """
    words = subject.words if subject.apart else (*subject.words, *subject.against)
    female, male = subject.reversed_groups.values()
    result = rnsb(subject.embeddings, words, female, male, repeats=SPLITS, seed=subject.seed)
    return subject.record(
        "rnsb",
        result.value,
        result,
        lambda: rnsb_null(
            subject.pool, result.n, female, male, repeats=SPLITS, draws=DRAWS, seed=subject.seed
        ),
    )
