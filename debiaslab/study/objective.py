"""The number a sweep minimises, bias on tune words plus lost utility, and who chooses by it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np

from debiaslab import lexicons
from debiaslab.errors import UserError, require_known, unknown
from debiaslab.metrics import NotMeasuredError, Scorecard
from debiaslab.metrics.null import NullCache
from debiaslab.metrics.scorecard import Ruler
from debiaslab.metrics.vocabulary import find
from debiaslab.metrics.weat import null95
from debiaslab.results import TrialSummary
from debiaslab.settings.options import settings
from debiaslab.settings.study import ObjectivePart
from debiaslab.statistics.paired import front_of
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.words import written_in

LEAST_WORDS = 4  # a smaller set is not measured
HALVES: tuple[lexicons.Half, ...] = ("tune", "report")
RULERS: tuple[Ruler, ...] = get_args(Ruler)
SIMILARITY_SETS = ("WordSim-353", "SimLex-999")
FORMULA = """\
score = bias_weight · B + retention_weight · max(0, 1 − R), smaller is better, where
  B = mean over tests t of |s_t| / q_t, on tune words
      s_t: WEAT statistic of test t (difference of mean associations of its two target sets), read
           along the gender words of the same vectors (ruler: own), or along those of the baseline
           (anchored); with both, the larger B of the two counts
      q_t: yardstick, the 95 % quantile of |s| over random target sets of the same sizes,
           in the baseline (λ = 0) vectors of the same seed
  R = U / U_baseline, retention; U = mean Spearman correlation with WordSim-353 and SimLex-999
      on their tune pairs; U_baseline from the baseline of the same seed
B = 1 means: as large as the largest 5 % of what random words show in the baseline.
The effect size d is not used: it divides by the spread of the associations, so it stays large,
with random sign, when all of them have vanished."""


@dataclass(frozen=True)
class BaselineReference:
    """What the baseline of one seed measures, against which its runs are read."""

    nulls: Mapping[str, float]  # "test/half" → 95 % quantile of |s| for random target words
    utility: Mapping[str, float]  # half → mean Spearman of the similarity sets


@dataclass(frozen=True)
class Outcome:
    """A run in the units of the objective."""

    bias_tune: float
    bias_report: float | None  # None: no test is measurable on report words
    retention_tune: float | None  # None: the baseline's utility cannot be measured
    retention_report: float | None
    score: float


@settings
class Objective(ObjectivePart):
    """A weighted sum of bias and lost retention; see ``FORMULA``."""

    def __post_init__(self) -> None:
        if self.bias_weight == self.retention_weight == 0:
            raise UserError(
                "--bias-weight and --retention-weight were both 0, so every λ would score alike",
                allowed="at least one above 0",
            )
        known = [test.name for test in lexicons.association_tests()]
        if not self.tests:
            raise UserError("the objective has no association test", allowed=", ".join(known))
        for test in self.tests:
            require_known(test, known, f"there is no association test {test!r}")

    def outcome(self, scorecard: Scorecard, yardstick: BaselineReference) -> Outcome:
        """Turn a scorecard into the objective's units.

        Raises:
            UserError: The vectors have collapsed, or retention is asked for and the baseline's
                utility is not measurable.
        """
        read = self.by_ruler(scorecard, yardstick)
        bias = self._of_ruler(read, "tune")
        if bias is None:
            raise UserError(
                _not_aligned(scorecard)
                if read["bias_tune_own"] is not None
                else "the vectors have collapsed: association tests that the baseline measured "
                "cannot be measured in them",
                next_step="a smaller λ or --lr",
            )
        retention = _retention(scorecard, yardstick, "tune")
        if retention is None and self.retention_weight > 0:
            raise UserError(
                "the baseline's word similarity is zero, negative or not measurable on this "
                "corpus, so retention has no meaning",
                next_step="a larger corpus, more --epochs, or --retention-weight 0 in a new study",
            )
        lost = max(0.0, 1 - retention) if retention is not None else 0.0
        return Outcome(
            bias_tune=bias,
            bias_report=self._of_ruler(read, "report"),
            retention_tune=retention,
            retention_report=_retention(scorecard, yardstick, "report"),
            score=self.bias_weight * bias + self.retention_weight * lost,
        )

    def by_ruler(
        self, scorecard: Scorecard, yardstick: BaselineReference
    ) -> dict[str, float | None]:
        """Return B on tune and report words by either ruler, by the name of the MLflow metric."""
        return {
            f"bias_{half}_{ruler}": self.bias(scorecard.reading(ruler), yardstick, half)
            for ruler in RULERS
            for half in HALVES
        }

    def _of_ruler(self, read: Mapping[str, float | None], half: lexicons.Half) -> float | None:
        """Return the B that counts; None where what it is read along was not measured."""
        rulers = RULERS if self.ruler == "both" else (self.ruler,)
        found = [read[f"bias_{half}_{ruler}"] for ruler in rulers]
        known = [each for each in found if each is not None]
        return max(known) if len(known) == len(found) else None

    def identity(self) -> dict[str, Any]:
        """Return what makes another study; the own ruler is not named, as before there was one."""
        named = asdict(self)
        return {k: v for k, v in named.items() if (k, v) != ("ruler", "own")}

    def check_vocabulary(self, words: frozenset[str]) -> None:
        """Raise a `UserError` if no test has 4 tune words of each set in the vocabulary."""
        for name in self.tests:
            sets = lexicons.association_test(name).half("tune")
            found = [sum(written_in(words, word) is not None for word in each) for each in sets]
            if min(found) >= LEAST_WORDS:
                return
        raise _unmeasurable(self.tests)

    def bias(
        self, scorecard: Scorecard, yardstick: BaselineReference, half: lexicons.Half
    ) -> float | None:
        """Return B on one half of the words; None when a test of the yardstick is not measured."""
        ratios = []
        for test in self.tests:
            null = yardstick.nulls.get(f"{test}/{half}")
            if null is None:
                continue
            statistic = _statistic(scorecard, test, half)
            if statistic is None:
                return None
            ratios.append(abs(statistic) / null)
        return sum(ratios) / len(ratios) if ratios else None


def measure_reference(
    objective: Objective, baseline: Embeddings, scorecard: Scorecard, seed: int
) -> BaselineReference:
    """Measure the random-word null of each test and the utility in baseline vectors.

    The null is ``null95`` of the baseline's own record, of a scorecard with the same seed.

    Raises:
        UserError: No test is measurable on tune words, or there are too few words for a null.
    """
    asked = [(name, half) for name in objective.tests for half in HALVES]
    nulls = _nulls(
        baseline, [each for each in asked if _statistic(scorecard, *each) is not None], seed
    )
    if not any(key.endswith("/tune") for key in nulls):
        raise _unmeasurable(objective.tests)
    utility = {half: _utility(scorecard, half) for half in HALVES}
    return BaselineReference(
        nulls, {half: value for half, value in utility.items() if value is not None}
    )


def _unmeasurable(tests: tuple[str, ...]) -> UserError:
    return UserError(
        f"none of the objective's tests has {LEAST_WORDS} tune words in each set of this "
        "vocabulary",
        allowed="a corpus that covers at least one of " + ", ".join(tests),
        next_step="python -m debiaslab corpus FILE, or a smaller --min-count",
    )


def _not_aligned(scorecard: Scorecard) -> str:
    """Say why a scorecard has no anchored bias."""
    found = next((record.reason for record in scorecard.anchored if record.reason), None)
    return (
        "the vectors cannot be read along the baseline's gender words: "
        f"{found or 'association tests are not measured'}"
    )


def _statistic(scorecard: Scorecard, test: str, half: lexicons.Half) -> float | None:
    record = scorecard.record("weat", test, half)
    return None if record is None else record.extra.get("statistic")


def _nulls(
    baseline: Embeddings, asked: Sequence[tuple[str, lexicons.Half]], seed: int
) -> dict[str, float]:
    tested = []
    for name, half in asked:
        test = lexicons.association_test(name)
        n_x, n_y = (len(find(baseline, words).rows) for words in test.half(half)[:2])
        tested.append((test, half, (n_x, n_y)))
    nulls = {}
    for (name, half), null in null95(NullCache.of(baseline).words, tested, seed).items():
        if isinstance(null, str):
            raise NotMeasuredError(null)
        nulls[f"{name}/{half}"] = null
    return nulls


def _utility(scorecard: Scorecard, half: lexicons.Half) -> float | None:
    values = [scorecard.value("similarity", name, half) for name in SIMILARITY_SETS]
    measured = [value for value in values if value is not None]
    return sum(measured) / len(measured) if measured else None


def _retention(
    scorecard: Scorecard, yardstick: BaselineReference, half: lexicons.Half
) -> float | None:
    base = yardstick.utility.get(half)
    utility = _utility(scorecard, half)
    if base is None or base <= 0:
        return None
    # vectors so collapsed that nothing can be ranked have kept no utility
    return (utility if utility is not None else 0.0) / base


@dataclass(frozen=True)
class SelectionRule:
    """What chooses a trial among those of one strategy; it looks at tune words only.

    - ``composite``: the lowest mean score.
    - ``bias@R``: the least mean bias among the trials that keep a retention of R, 0 < R ≤ 1.
    - ``knee``: the point of the bias–retention front farthest from the line between its ends, both
      axes scaled to the range of the front (Satopää et al. 2011, Kneedle, for few points).

    Raises:
        UserError: There is no rule of that name.
    """

    name: str = "composite"

    def __post_init__(self) -> None:
        known = ("composite", "knee", "bias@0.98")
        kind, _, least = self.name.partition("@")
        try:
            retention = float(least)
        except ValueError:
            retention = math.nan
        if self.name not in known and not (kind == "bias" and 0 < retention <= 1):
            raise unknown(f"--select was {self.name!r}", self.name, known)

    def choose(self, trials: Sequence[TrialSummary]) -> TrialSummary:
        """Return the chosen trial, never the baseline; of equals the smaller λ.

        Raises:
            UserError: No trial satisfies the rule.
        """
        found = [trial for trial in trials if trial.trial is not None]
        if not found:
            raise UserError("no trial has finished", next_step="more --trials, or another λ range")
        kind, _, least = self.name.partition("@")
        return _knee(found) if kind == "knee" else _least(found, float(least) if least else None)


def pareto_front(trials: Sequence[TrialSummary]) -> list[TrialSummary]:
    """Return the trials that no other beats in both, by rising bias; of equals the smaller λ."""
    by_weight = sorted(trials, key=lambda each: each.weight)
    return [by_weight[i] for i in front_of([_point(each) for each in by_weight])]


def _least(trials: Sequence[TrialSummary], retention: float | None) -> TrialSummary:
    """Return the trial with the lowest score, or the least bias of those that keep a retention."""
    if retention is None:
        return min(trials, key=lambda trial: (trial.score.mean, trial.weight))
    kept = [each for each in trials if each.retention and each.retention.mean >= retention]
    if not kept:
        raise UserError(
            f"no trial keeps {retention:g} of the baseline's similarity",
            next_step="more --trials, or another --select: composite, knee, bias@0.95",
        )
    return min(kept, key=lambda trial: (trial.bias_tune.mean, trial.weight))


def _knee(trials: Sequence[TrialSummary]) -> TrialSummary:
    """Return the knee; with fewer than three points on the front, the lowest score on it."""
    front = pareto_front(trials)
    if len(front) < 3:
        return _least(front, None)
    points = np.array([_point(trial) for trial in front])
    sizes = np.ptp(points, axis=0)
    scaled = (points - points.min(axis=0)) / np.where(sizes > 0, sizes, 1.0)
    # the front rises from (0, 0) to (1, 1): distance from that diagonal is retention − bias
    return front[int(np.argmax(scaled[:, 1] - scaled[:, 0]))]


def _point(trial: TrialSummary) -> tuple[float, float]:
    retention = trial.retention.mean if trial.retention is not None else 1.0
    return trial.bias_tune.mean, min(retention, 1.0)
