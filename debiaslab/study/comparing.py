"""Training strategies side by side: the same corpus, the same seeds, the same scorecard."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab import regularizers
from debiaslab.errors import UserError
from debiaslab.regularizers import (
    CounterfactualAugmentation,
    CounterfactualSubstitution,
    Penalty,
    PostProcess,
    SameGenderSwap,
    StratifiedNoise,
)
from debiaslab.regularizers.composition import parts_named
from debiaslab.regularizers.words import gender_pairs
from debiaslab.report import comparison_blocks
from debiaslab.report.verdict import compared_verdict
from debiaslab.results import KeptStrategy, StrategyResult, log_sides, read_sides, summarize
from debiaslab.sgns import TrainSettings
from debiaslab.study.cell import Cell, Knobs
from debiaslab.study.driver import (
    Conduct,
    ListedFinding,
    conduct_study,
    open_study_run,
    refuse_other_settings,
)
from debiaslab.study.kept import log_study_file
from debiaslab.study.objective import Objective
from debiaslab.study.plan import ComparisonPlan, Entry, Plan
from debiaslab.study.run import Site
from debiaslab.study.sweeping import conduct_sweep
from debiaslab.study.worker import CellList, ListedCells
from debiaslab.tables import html_document
from debiaslab.tracking import Store
from debiaslab.tracking.names import COMPARISON_TAG, SETTLED, TUNING_TAG

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.settings.study import Kind

FLOOR = "gender-blind"  # the strategy of a floor
LIMIT = 1e6
"""λ → ∞: what a penalty does when nothing but its step limit holds it."""

_RANDOM_PENALTY, _RANDOM_ERASER = "random-projection", "random-direction"
_SAME_GENDER = "same-gender-swap"
_SHUFFLED = "shuffled-strata"
_SWAPS = (CounterfactualSubstitution, CounterfactualAugmentation)
_PROJECTIONS = "projection"  # how the names of penalties begin that project on a direction
_UNSEEN_WORDS = {
    "tune": "report words, and all but the tune words, are untouched by penalties and erasers",
    "vocabulary": "report words are untouched by penalties and erasers",
    "all": "report words are covered and never tuned on; --cover vocabulary leaves them untouched",
}


@dataclass(frozen=True)
class ControlStatus:
    """One control: what holds it, or what is missing."""

    name: str  # of the control
    by: str | None  # what of the comparison is this control; None when it is missing
    lacking: str = ""  # why it is missing, and how to have it

    def __str__(self) -> str:
        return f"{self.name}: {self.by or f'missing ({self.lacking})'}"


@dataclass(frozen=True)
class Comparison(ListedFinding):
    """What a comparison found; ``sides[0]`` is the baseline."""

    sides: tuple[StrategyResult, ...]
    controls: tuple[ControlStatus, ...] = ()

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the finding, means and differences."""
        blocks = comparison_blocks(self.sides)[:2]
        return html_document([compared_verdict(self.sides).sentence, *blocks])

    @property
    def findings(self) -> tuple[str, ...]:
        """Which controls it holds, and which it lacks."""
        return tuple(f"control, {each}" for each in self.controls)


@dataclass(frozen=True)
class Settled:
    """A strategy whose λ is settled, and what choosing it cost."""

    strategy: str
    knobs: Knobs  # its settings besides λ
    weight: float  # λ
    control: bool = False  # whether it was added as a control
    # the search that chose λ: name, trials, rule; empty where λ was given
    tuned_by: tuple[str, ...] = ()
    runs: int = 0  # trainings of that search
    seconds: float = 0.0  # their training time

    @property
    def entry(self) -> Entry:
        """The strategy as it was named."""
        return Entry(self.strategy, None, self.knobs)

    def cells(self, plan: ComparisonPlan) -> list[Cell]:
        """Return its trainings, one a seed."""
        return [plan.cell(self.entry, self.weight, seed) for seed in plan.seeds]


def conduct_comparison(
    corpus: Corpus, plan: ComparisonPlan, conduct: Conduct, kind: Kind = "compare"
) -> Comparison:
    """Train every strategy with every seed, tuning λ first where it is searched, and the controls.

    λ is chosen by the plan's rule in a sweep of its own on the tuning seeds. What finished before
    is not trained again: the same call continues an interrupted comparison. A training that
    diverges, or that the objective cannot measure, leaves its cell empty.

    Raises:
        UserError: The corpus lacks the words a strategy or the objective needs; before any
            training.
    """
    from debiaslab.study.spec import study_of

    name = check_comparison(corpus, plan, root=conduct.root)
    site, _ = open_study_run(
        corpus,
        name,
        conduct,
        params={"seeds": list(plan.seeds), "select": plan.rule.name, **_shared(corpus, plan)},
        tags={COMPARISON_TAG: "true"},
        description="Strategies side by side on",
    )
    named = replace(plan, name=name)
    own = study_of(named, corpus.sources, corpus.settings, floor=kind == "floor")
    with site.store.resume(site.parent) as log:  # by it what is killed while it tunes is resumed
        log_study_file(log, site.store, own, conduct.file)
        before = read_settled(site.store, site.parent)
        settled = [_tune(site, plan, entry, conduct, before) for entry in plan.entries]
        added, refused = _controls(corpus, plan, settled)
        settled += added
        log.json([asdict(each) for each in settled], SETTLED)
        if "strategies" not in site.store.run(site.parent).params:
            labels = (each.cells(plan)[0].label for each in settled)
            log.params({"strategies": ", ".join(labels)})
    listed = CellList(rows_of(plan, settled))
    source = listed.source(conduct.root, corpus)

    def finish(_: int) -> Comparison:
        failures = source.failures()
        log_sides(site.store.writer(site.parent), list(_sides(plan, settled, source)))
        sides = read_sides(site.store, site.parent)
        controls = tuple(control_status(plan, sides, refused)) if kind == "compare" else ()
        return Comparison(name, site.parent, failures, sides, controls)

    return conduct_study(site, (listed, source, listed.total), own, conduct, finish)


def check_comparison(corpus: Corpus, plan: ComparisonPlan, *, root: str | Path) -> str:
    """Refuse, without making or training anything, what a comparison would be refused for.

    Returns:
        The name of the study.

    Raises:
        UserError: The corpus lacks words, or the study of that name was made with another corpus,
            cover or setting of training.
    """
    plan.objective.check_vocabulary(frozenset(corpus.words))
    for entry in plan.entries:
        _bind(corpus, plan, regularizers.create(entry.strategy, **dict(entry.knobs)))
    name = plan.study_name(corpus)
    shared = _shared(corpus, plan)
    refuse_other_settings(name, root, shared, kind="comparison", free="strategies and seeds")
    return name


def tuning_plan(plan: ComparisonPlan, entry: Entry) -> Plan:
    """Return the sweep in which λ of a strategy is chosen."""
    return Plan(
        strategy=entry.strategy,
        trials=plan.trials,
        seeds=plan.tuning_seeds,
        cover=plan.cover,
        knobs=entry.knobs,
        settings=plan.settings,
        objective=plan.objective,
    )


def read_settled(store: Store, parent: str) -> list[Settled]:
    """Return the strategies of a comparison as they were settled; none before that."""
    if SETTLED not in store.artifacts(parent):
        return []
    kept = json.loads(store.artifact(parent, SETTLED).read_text(encoding="utf-8"))
    for each in kept:
        each["knobs"] = tuple((name, value) for name, value in each["knobs"])
        each["tuned_by"] = tuple(each["tuned_by"])
    return [Settled(**each) for each in kept]


def rows_of(
    plan: ComparisonPlan, settled: Sequence[Settled]
) -> list[tuple[str | None, list[Cell]]]:
    """Return the cells of a comparison, the baseline first and then strategy by strategy."""
    baseline = Settled(plan.entries[0].strategy, plan.entries[0].knobs, 0.0)
    return [
        (None, baseline.cells(plan)),
        *((each.entry.label, each.cells(plan)) for each in settled),
    ]


def foreseen(
    corpus: Corpus, plan: ComparisonPlan, store: Store | None
) -> list[tuple[str | None, list[Cell]]]:
    """Return the cells of a comparison before it is run; where λ is to be tuned, it is 1.

    ``store`` is None when there is none yet.
    """
    study = None if store is None else store.find_study(plan.study_name(corpus))
    known = [] if store is None or study is None else read_settled(store, study.run_id)
    if {each.entry.label for each in known} < {each.label for each in plan.entries}:
        known = [Settled(e.strategy, e.knobs, e.weight or 1.0) for e in plan.entries]
        known += _controls(corpus, plan, known)[0]
    return rows_of(plan, known)


def _shared(corpus: Corpus, plan: ComparisonPlan) -> dict[str, object]:
    """Return what must be equal for a comparison to be continued."""
    own = {"cover": plan.cover, "corpus_fingerprint": corpus.fingerprint}
    return {**own, **plan.settings.shared()}


def _tune(
    site: Site, plan: ComparisonPlan, entry: Entry, conduct: Conduct, before: Sequence[Settled]
) -> Settled:
    if not entry.tuned:
        return Settled(entry.strategy, entry.knobs, 1.0 if entry.weight is None else entry.weight)
    search = tuning_plan(plan, entry)
    tuned_by = (search.study_name(site.corpus), str(plan.trials), plan.rule.name)
    if known := next((each for each in before if each.tuned_by == tuned_by), None):
        return known
    tags = {TUNING_TAG: site.name}
    summary = conduct_sweep(site.corpus, search, replace(conduct, file=None), tags)
    weight = plan.rule.choose(summarize(summary.rows)).weight
    runs = site.store.runs(summary.parent)
    seconds = sum(run.metrics.get("seconds", 0.0) for run in runs)
    return Settled(entry.strategy, entry.knobs, weight, False, tuned_by, len(runs), seconds)


def _bind(corpus: Corpus, plan: ComparisonPlan, strategy: regularizers.Strategy) -> None:
    """Refuse, before any training, what cannot be trained on this corpus."""
    regularizers.bind_strategy(
        strategy, corpus.words, corpus.counts, cover=plan.cover, dim=plan.settings.dim
    )


def _controls(
    corpus: Corpus, plan: ComparisonPlan, settled: Sequence[Settled]
) -> tuple[list[Settled], dict[str, str]]:
    """Return the controls to add, and those that this corpus has no words for, with the reason."""
    added: list[Settled] = []
    refused: dict[str, str] = {}
    entries = [replace(each.entry, weight=each.weight) for each in settled]
    for entry in with_controls(entries) if plan.controls else ():
        control = Settled(entry.strategy, entry.knobs, entry.weight or 1.0, control=True)
        try:
            _bind(corpus, plan, control.cells(plan)[0].made)
        except UserError as error:
            refused[entry.strategy] = str(error)
        else:
            added.append(control)
    return added, refused


def _sides(
    plan: ComparisonPlan, settled: Sequence[Settled], source: ListedCells
) -> Iterator[KeptStrategy]:
    """Yield what is kept of each strategy, the baseline first."""
    (_, baselines), *rows = rows_of(plan, settled)
    yield KeptStrategy(
        strategy="baseline",
        weight=None,
        stage="none",
        control=False,
        runs=list(map(source.run_of, baselines)),
        tuning_runs=0,
        tuning_seconds=0.0,
    )
    for each, (label, cells) in zip(settled, rows, strict=True):
        strategy = regularizers.create(each.strategy)
        yield KeptStrategy(
            strategy=str(label),
            weight=each.weight if strategy.search_space else None,
            stage=strategy.stage,
            control=each.control or regularizers.is_control(strategy),
            runs=list(map(source.run_of, cells)),
            tuning_runs=each.runs,
            tuning_seconds=each.seconds,
        )


def floor_plan(
    seeds: tuple[int, ...] = (1, 2, 3),
    settings: TrainSettings | None = None,
    name: str | None = None,
) -> ComparisonPlan:
    """Return the comparison that a floor is: the baseline and the gender-blind text."""
    return ComparisonPlan(
        (Entry(FLOOR),),
        seeds=seeds,
        settings=settings or TrainSettings(),
        objective=Objective(retention_weight=0.0),  # nothing is scored: no word similarity needed
        name=name,
        controls=False,
    )


def floor_named(corpus: Corpus, plan: ComparisonPlan) -> ComparisonPlan:
    """Return the plan of a floor with the name of its study."""
    named = plan.name or plan.study_name(corpus).replace("compare-", "floor-", 1)
    return replace(plan, name=named)


def conduct_floor(corpus: Corpus, plan: ComparisonPlan, conduct: Conduct) -> Comparison:
    """Train the baseline and the gender-blind text with the same seeds, and measure both.

    A comparison with one entry: ``sides[0]`` is the baseline, ``sides[1]`` the gender-blind
    vectors, their lipstick tests labelled by the baseline of the same seed. What finished before
    is not trained again.

    Raises:
        UserError: The corpus lacks gender words, or words the objective needs; before any training.
    """
    return conduct_comparison(corpus, floor_named(corpus, plan), conduct, kind="floor")


def with_controls(settled: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return the controls that entries with a settled λ ask for and do not hold themselves.

    A random direction of the same strength as the first projection, one for the first erasing
    strategy, the first penalty at λ → ∞, the swaps of the first text strategy within a gender, the
    first noise by strata with shuffled ones, and the text without gender.
    """
    single = [e for e in settled if len(parts_named(e.strategy)) == 1 and not _is_control(e)]

    def first(kind: type | tuple[type, ...], begins: str = "") -> Entry | None:
        found = (e for e in single if issubclass(regularizers.get(e.strategy), kind))
        return next((e for e in found if e.strategy.startswith(begins)), None)

    wanted: list[Entry] = []
    if projection := first(Penalty, _PROJECTIONS):
        wanted.append(Entry(_RANDOM_PENALTY, projection.weight))
    if eraser := first(PostProcess):  # as many random directions as it removes gender ones
        count = getattr(_made(eraser), "components", 1) or 1
        wanted.append(
            Entry(_RANDOM_ERASER, None, () if count == 1 else (("components", str(count)),))
        )
    if penalty := first(Penalty):
        wanted.append(replace(penalty, weight=LIMIT))
    if text := first(_SWAPS):  # the control swaps as much
        strategy, usual = _made(text), SameGenderSwap().knobs()
        own = strategy.knobs() | {"copies": isinstance(strategy, CounterfactualAugmentation)}
        knobs = tuple((k, str(own[k]).lower()) for k in own if own[k] != usual[k])
        wanted.append(Entry(_SAME_GENDER, None, knobs))
    if noise := first(StratifiedNoise):
        wanted.append(replace(noise, strategy=_SHUFFLED))
    wanted.append(Entry(FLOOR))
    there = {entry.strategy for entry in settled if _is_control(entry)}
    return tuple(entry for entry in wanted if entry.strategy not in there)


def control_status(
    plan: ComparisonPlan, sides: Sequence[StrategyResult], refused: Mapping[str, str]
) -> Iterator[ControlStatus]:
    """Say of each control that a comparison should hold what it is here, or what it lacks.

    Args:
        sides: Its strategies, the baseline first.
        refused: Strategies of controls that this corpus has no words for, with the reason.
    """
    seeds = ", ".join(map(str, plan.seeds))
    yield ControlStatus("λ = 0", f"the baseline of seed{'s' * (len(plan.seeds) > 1)} {seeds}")
    measured = [side for side in sides if any(card is not None for card in side.cards)]
    named = {side.strategy.partition("[")[0]: side for side in measured}
    limit = next((s for s in measured if s.weight is not None and s.weight >= LIMIT), None)
    for name, side, strategy, reason in (
        ("random direction in the loss", named.get(_RANDOM_PENALTY), _RANDOM_PENALTY, "projection"),
        ("random direction erased", named.get(_RANDOM_ERASER), _RANDOM_ERASER, "erasing strategy"),
        ("λ → ∞", limit, "", "penalty"),
        ("swaps within a gender", named.get(_SAME_GENDER), _SAME_GENDER, "text strategy"),
        ("gender-blind floor", named.get(FLOOR), FLOOR, ""),
    ):
        why = refused.get(strategy) or (f"no {reason} by itself" if reason else "not trained")
        why = why if plan.controls else "not named, and --no-controls"
        yield ControlStatus(name, None if side is None else side.label, why)
    if (shuffled := named.get(_SHUFFLED)) is not None:
        yield ControlStatus("strata shuffled", shuffled.label)
    yield ControlStatus("unseen words", f"{_UNSEEN_WORDS[plan.cover]}; gap.png shows both halves")
    given = [entry.label for entry in plan.entries if _is_given_all_pairs(entry)]
    name, but = "unseen gender pairs", f", but for {', '.join(given)}" if given else ""
    if len(given) == len(plan.entries):
        yield ControlStatus(name, None, "every strategy was given all pairs; try [pairs=tune]")
        return
    count = len(gender_pairs("all")) - len(gender_pairs("tune"))
    yield ControlStatus(name, f"the {count} report pairs{but}")


def _is_given_all_pairs(entry: Entry) -> bool:
    return any(getattr(part, "pairs", "") == "all" for part in regularizers.parts_of(_made(entry)))


def _is_control(entry: Entry) -> bool:
    return regularizers.is_control(_made(entry))


def _made(entry: Entry) -> regularizers.Strategy:
    return regularizers.create(entry.strategy, **dict(entry.knobs))
