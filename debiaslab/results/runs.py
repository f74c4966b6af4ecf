"""Finished runs as they were kept: alone, as strategies of a comparison, as doses of a control."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import mean
from typing import TYPE_CHECKING, Any, TypedDict, get_args

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.lexicons import Half
from debiaslab.metrics.scorecard import Ruler, Scorecard
from debiaslab.tracking.names import (
    BETWEEN_SEEDS,
    EVALUATION_KIND,
    PARENT_TAG,
    PLANTED_CARD,
    PLANTED_WORDS,
    PROVENANCE,
    SCORECARD,
    SIDES,
    TRIAL_TAG,
    VECTORS,
    YARDSTICK,
)
from debiaslab.tracking.records import RunInfo

if TYPE_CHECKING:
    from debiaslab.tracking import RunWriter, Store
    from debiaslab.vectors.embeddings import Embeddings

BASELINE = "baseline"
DOSE, BASE, APART = "planted.dose", "planted.base", "planted.apart"  # settings of a run
_OUTCOME = ("bias_tune", "bias_report", "retention_tune", "retention_report", "score")
_BY_RULER = tuple(
    f"bias_{half}_{ruler}" for half in ("tune", "report") for ruler in get_args(Ruler)
)
ANOTHER_SEED = "seed_control/"
"""Begins numbers of a baseline that were measured against that of the next seed."""
RUN_KEYS = ("run_id", "strategy", "weight", "trial", "seed")
_MEASURED = (*_OUTCOME, "seconds", "words_per_second_total")


@dataclass(frozen=True)
class HeldOut:
    """The words of a study by what was done with them.

    Attributes:
        cover: Which non-gender words the strategy acts on: ``tune``, ``vocabulary``, ``all``.
        covered: How many those are; None when only the baseline has finished.
        report_words_covered: Whether report words are among them: then they are *covered but never
            tuned on*, otherwise *unseen*. None as above.
        pairs: Gender pairs that the strategy was given and the vocabulary has, as ``he/she``.
        pairs_missing: Those that it has not.
        tuned_on: Association tests whose tune words the objective reads.
        reported_on: Those that can be measured on report words.
    """

    cover: str
    covered: int | None
    report_words_covered: bool | None
    pairs: tuple[str, ...]
    pairs_missing: tuple[str, ...]
    tuned_on: tuple[str, ...]
    reported_on: tuple[str, ...]

    @property
    def report_words(self) -> str:
        """What report words are to this study, in words."""
        if self.report_words_covered is None:
            return "held out"
        return "covered but never tuned on" if self.report_words_covered else "unseen"

    def words(self, name: str, half: Half) -> tuple[str, ...]:
        """Return one half of a word list, such as ``occupations``, ``report``."""
        return lexicons.load(name).half(half)


def held_out(params: Mapping[str, str], yardstick: Iterable[str]) -> HeldOut:
    """Return what the settings of a run with a strategy say.

    Args:
        params: Of the run; those of a baseline have no coverage.
        yardstick: ``"test/half"`` of each association that has a yardstick.
    """
    tests = [key.rpartition("/") for key in yardstick]
    neutral = params.get("coverage.neutral")
    return HeldOut(
        cover=params.get("cover", ""),
        covered=None if neutral is None else int(neutral),
        report_words_covered=ast.literal_eval(params.get("coverage.report_words_covered", "None")),
        pairs=ast.literal_eval(params.get("coverage.pairs", "()")),
        pairs_missing=ast.literal_eval(params.get("coverage.pairs_missing", "()")),
        tuned_on=tuple(test for test, _, half in tests if half == "tune"),
        reported_on=tuple(test for test, _, half in tests if half == "report"),
    )


@dataclass(frozen=True)
class RunResults:
    """One finished run of a study. What is in files is read when it is first asked for.

    Attributes:
        info: The run as it is recorded: settings, last values of metrics, tags, times.
    """

    info: RunInfo
    _store: Store = field(repr=False, compare=False)

    @property
    def run_id(self) -> str:
        """MLflow run."""
        return self.info.run_id

    @property
    def strategy(self) -> str:
        """The strategy; ``"baseline"`` for λ = 0."""
        return BASELINE if self.info.kind == BASELINE else self.info.params["strategy"]

    @property
    def weight(self) -> float:
        """λ."""
        return float(self.info.params["weight"])

    @property
    def seed(self) -> int:
        """Seed of the training."""
        return int(self.info.params["seed"])

    @property
    def trial(self) -> int | None:
        """Number of the trial; None for the baseline and in a comparison."""
        number = self.info.tags.get(TRIAL_TAG, "")
        return int(number) if number else None

    @property
    def label(self) -> str:
        """Strategy and λ, as tables show them; what changes text or vectors seldom has a λ."""
        if (dose := self.info.params.get(DOSE)) is not None:
            return f"dose {float(dose):+g}"
        without = self.info.params.get("stage") in ("pre", "post") and self.weight == 1
        if self.strategy == BASELINE or without:
            return self.strategy
        return f"{self.strategy} λ={self.weight:.3g}"

    @property
    def knobs(self) -> dict[str, str]:
        """Settings of the strategy besides λ, as text."""
        params = self.info.params.items()
        return {key.removeprefix("knob."): v for key, v in params if key.startswith("knob.")}

    @property
    def outcome(self) -> dict[str, float | None] | None:
        """Bias, retention and score in units of the objective; None where it was not measured."""
        metrics = self.info.metrics
        return {key: metrics.get(key) for key in _OUTCOME} if "score" in metrics else None

    @cached_property
    def scorecard(self) -> Scorecard:
        """Everything that was measured of its vectors."""
        return Scorecard.from_json(self.text(SCORECARD))

    @cached_property
    def yardstick(self) -> Mapping[str, float]:
        """``"test/half"`` to the 95 % quantile of ``|s|`` for random words in the baseline."""
        return dict(json.loads(self.text(YARDSTICK))["nulls"])

    @cached_property
    def held_out(self) -> HeldOut:
        """Which words its strategy acted on, tuned on, and only reported on."""
        return held_out(self.info.params, self.yardstick)

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """Code, versions, machine and command line (see ``provenance.provenance``)."""
        return dict(json.loads(self.text(PROVENANCE)))

    @cached_property
    def baseline(self) -> RunResults | None:
        """The finished baseline of its study and seed; None when it is one, or that is gone.

        An evaluation has none: its seed is that of its resamples, not of a training.
        """
        parent = self.info.tags.get(PARENT_TAG)
        if self.info.kind in (BASELINE, EVALUATION_KIND) or parent is None:
            return None
        same = {"weight": repr(0.0), "seed": self.info.params["seed"]}
        known = (
            RunResults(run, self._store) for run in self._store.runs(parent, BASELINE, params=same)
        )
        done = (run for run in known if run.info.status == "FINISHED" and run.keeps(VECTORS))
        return next(done, None)

    def embeddings(self) -> Embeddings:
        """Read its vectors; they are not kept, as those of a whole study may not fit in memory."""
        from debiaslab.vectors.embeddings import Embeddings

        return Embeddings.load(self._store.artifact(self.run_id, VECTORS))

    def series(self, metric: str) -> list[tuple[int, float]]:
        """Return ``(step, value)`` of a metric: ``loss``, ``penalty``, ``lr``… by words trained.

        What was measured after each epoch is called ``epoch/<metric>/<name>/<half>``, by epoch.
        Empty when it was not logged.
        """
        return self._store.series(self.run_id, metric)

    def row(self) -> dict[str, Any]:
        """Return the run as one row of :meth:`StudyResults.frame`."""
        metrics = self.info.metrics
        return {
            **{name: getattr(self, name) for name in RUN_KEYS},
            **{name: metrics.get(name) for name in _MEASURED},
            **{f"knob.{name}": value for name, value in self.knobs.items()},
        }

    def keeps(self, artifact: str) -> bool:
        """Whether it has such a file."""
        return artifact in self._store.artifacts(self.run_id)

    def text(self, artifact: str) -> str:
        """Read one of its files."""
        return self._store.artifact(self.run_id, artifact).read_text(encoding="utf-8")


# A comparison ---------------------------------------------------------------------------------


class KeptStrategy(TypedDict):
    """What a comparison keeps of a strategy; see :class:`StrategyResult`."""

    strategy: str
    weight: float | None
    stage: str
    control: bool
    runs: Sequence[str | None]
    tuning_runs: int
    tuning_seconds: float


@dataclass(frozen=True)
class StrategyResult:
    """One strategy of a comparison, over the seeds; the baseline is one as well.

    Attributes:
        strategy: Its name; ``"baseline"`` for λ = 0.
        weight: λ; None for strategies that have none and for the baseline.
        stage: ``none``, ``pre``, ``in``, ``post`` or several joined with ``+``.
        control: Whether it is there to be compared with and not to be used.
        cards: Scorecard of each seed, in the order of the seeds; None where the run failed.
        outcomes: Numbers of the objective of each seed (``bias_report``, …), or None.
        runs: MLflow run of each seed, or None.
        seconds: Training time of the seeds together.
        tuning_runs: Trainings spent on choosing λ.
        tuning_seconds: Their training time.
    """

    strategy: str
    weight: float | None
    stage: str
    control: bool
    cards: tuple[Scorecard | None, ...]
    outcomes: tuple[Mapping[str, float | None] | None, ...]
    runs: tuple[str | None, ...]
    seconds: float = 0.0
    tuning_runs: int = 0
    tuning_seconds: float = 0.0

    @property
    def label(self) -> str:
        """The name with λ, as tables show it; where parts have a λ each, the name says them."""
        own = self.weight == 1 and "@" in self.strategy
        return f"{self.strategy} λ={self.weight:.3g}" if self.weight and not own else self.strategy


def read_side(store: Store, kept: KeptStrategy) -> StrategyResult:
    """Return one strategy of a comparison with what its runs measured."""
    runs = [None if r is None or _deleted(store, r) else r for r in kept["runs"]]
    found = [None if run_id is None else store.run(run_id) for run_id in runs]
    return StrategyResult(
        strategy=kept["strategy"],
        weight=kept["weight"],
        stage=kept["stage"],
        control=kept["control"],
        cards=tuple(None if run_id is None else _stored_card(store, run_id) for run_id in runs),
        outcomes=tuple(
            None
            if run is None
            else {key: run.metrics.get(key) for key in (*_OUTCOME, *_BY_RULER)}
            | {key: v for key, v in run.metrics.items() if key.startswith(ANOTHER_SEED)}
            for run in found
        ),
        runs=tuple(runs),
        seconds=sum(run.metrics.get("seconds", 0.0) for run in found if run is not None),
        tuning_runs=kept["tuning_runs"],
        tuning_seconds=kept["tuning_seconds"],
    )


def log_sides(log: RunWriter, sides: Sequence[KeptStrategy]) -> None:
    """Keep with the run of a comparison which strategies it holds and which runs are theirs."""
    log.json(list(sides), SIDES)


def read_sides(store: Store, parent: str) -> tuple[StrategyResult, ...]:
    """Return the strategies of a comparison, the baseline first.

    Args:
        store: Where it is.
        parent: MLflow run of the comparison.

    Raises:
        UserError: It has not ended, or was made before comparisons kept their strategies.
    """
    if SIDES not in store.artifacts(parent):
        name = next((each.study for each in store.studies() if each.run_id == parent), parent)
        raise UserError(
            f"the comparison {name!r} has not kept its strategies: it was "
            "interrupted, or made by an older version",
            next_step="the command that made it, which trains only what is missing",
        )
    kept: list[KeptStrategy] = json.loads(store.artifact(parent, SIDES).read_text("utf-8"))
    return _read_along_itself([read_side(store, each) for each in kept])


def _read_along_itself(sides: Sequence[StrategyResult]) -> tuple[StrategyResult, ...]:
    """Return the sides with the baseline's anchored readings, its own, where others have any."""
    baseline, *others = sides
    if any(card is not None and card.anchored for each in others for card in each.cards):
        cards = [c and replace(c, anchored=c.records) for c in baseline.cards]
        baseline = replace(baseline, cards=tuple(cards))
    return (baseline, *others)


def _deleted(store: Store, run_id: str) -> bool:
    """Whether a run is gone, with a warning: its cell is as empty as that of one that failed."""
    gone = store.lifecycle(run_id) != "active"
    if gone:
        warnings.warn(
            f"the run {run_id[:8]} of the comparison was deleted: its cell stays empty; the "
            "command that made the comparison trains it again",
            stacklevel=4,
        )
    return gone


def _stored_card(store: Store, run_id: str) -> Scorecard:
    """Return the scorecard, with what was measured against another seed's baseline, if anything."""
    own = Scorecard.from_json(store.artifact(run_id, SCORECARD).read_text(encoding="utf-8"))
    if BETWEEN_SEEDS not in store.artifacts(run_id):
        return own
    added = store.artifact(run_id, BETWEEN_SEEDS).read_text(encoding="utf-8")
    return replace(own, records=(*own.records, *Scorecard.from_json(added).records))


# A planted-bias control ------------------------------------------------------------------------


@dataclass(frozen=True)
class Dosed:
    """The runs of one dose.

    Attributes:
        dose: From −1 (female) to 1 (male).
        size: How far that is from dose 0, as a change of the share of male words.
        cards: Scorecard of each seed; None where the run failed.
        runs: MLflow run of each seed, or None.
    """

    dose: float
    size: float
    cards: tuple[Scorecard | None, ...]
    runs: tuple[str | None, ...]


@dataclass(frozen=True)
class PlantedStudy:
    """All runs of a control.

    Attributes:
        corpus: Name of the text.
        base: What dose 0 is: text, balanced or corpus.
        words: The words a bias was planted in, of each seed.
        control: Words like them that no dose was given, of each seed.
        male_share: Share of the male ones among the text's gender words.
        shared: Share of the gender words near control words that are near chosen words as well,
            mean over seeds.
        pool: How many words the random ones were drawn from.
        doses: By rising dose.
        apart: Whether every other chosen word has the opposite dose.
    """

    corpus: str
    base: str
    words: tuple[tuple[str, ...], ...]
    control: tuple[tuple[str, ...], ...]
    male_share: float
    shared: float
    pool: int
    doses: tuple[Dosed, ...]
    apart: bool = False

    @property
    def seeds(self) -> int:
        """Trainings of each dose."""
        return len(self.doses[0].cards)


def dose_shift(base: str, dose: float, male_share: float) -> float:
    """Return how much a dose changes the share of male words near the chosen ones.

    Args:
        base: What dose 0 is; for ``corpus`` the shift is the dose itself.
        dose: From −1 (female) to 1 (male).
        male_share: Of the gender words of the text.
    """
    if base == "corpus":
        return dose
    at_zero = share_at_zero(base, male_share)
    return dose * (1 - at_zero) if dose > 0 else dose * at_zero


def share_at_zero(base: str, male_share: float) -> float:
    """Return the share of male words near the chosen ones at dose 0 (not for ``corpus``)."""
    return 0.5 if base == "balanced" else male_share


def planted_study(runs: Sequence[RunResults]) -> PlantedStudy:
    """Return the control that finished runs make: each dose with each seed.

    Args:
        runs: Of one control, at least one.
    """
    cells = {(float(run.info.params[DOSE]), run.seed): run for run in runs}
    seeds = sorted({seed for _, seed in cells})
    words = [_words(run for (_, own), run in cells.items() if own == seed) for seed in seeds]
    params = runs[0].info.params
    base, share = params[BASE], float(words[0]["male_share"])
    return PlantedStudy(
        corpus=params["corpus"],
        base=base,
        apart=params.get(APART) == "True",
        words=tuple(tuple(each["chosen"]) for each in words),
        control=tuple(tuple(each["control"]) for each in words),
        male_share=share,
        shared=mean(each["shared"] for each in words),
        pool=len(words[0]["pool"]),
        doses=tuple(
            Dosed(
                dose,
                abs(dose_shift(base, dose, share)),
                tuple(_card(cells.get((dose, seed))) for seed in seeds),
                tuple(run.run_id if (run := cells.get((dose, seed))) else None for seed in seeds),
            )
            for dose in sorted({dose for dose, _ in cells})
        ),
    )


def _words(runs: Iterable[RunResults]) -> dict[str, Any]:
    return dict(json.loads(next(iter(runs)).text(PLANTED_WORDS)))


def _card(run: RunResults | None) -> Scorecard | None:
    return None if run is None else Scorecard.from_json(run.text(PLANTED_CARD))
