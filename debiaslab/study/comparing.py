"""Training strategies side by side: the same corpus, the same seeds, the same scorecard."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debiaslab import lexicons, regularizers
from debiaslab.errors import UserError
from debiaslab.results import (
    KeptStrategy,
    StrategyResult,
    TrialSummary,
    log_sides,
    read_side,
    summarize,
)
from debiaslab.sgns import TrainSettings
from debiaslab.study.cell import Cell, Knobs
from debiaslab.study.comparison import (
    ComparisonPlan,
    ControlStatus,
    Entry,
    control_status,
    with_controls,
)
from debiaslab.study.driver import (
    Conduct,
    Conducted,
    StudyHeader,
    conduct_study,
    existing_store,
    open_study_run,
)
from debiaslab.study.executors import Executor
from debiaslab.study.kept import log_study_file
from debiaslab.study.objective import Objective
from debiaslab.study.plan import Plan
from debiaslab.study.run import Site
from debiaslab.study.sweeping import conduct_sweep
from debiaslab.study.worker import CellList, ListedCells
from debiaslab.tracking import RunInfo, Store
from debiaslab.tracking.names import (
    COMPARISON_TAG,
    CORPUS_TAG,
    SETTLED,
    TUNING_TAG,
    check_study_name,
    default_study_name,
)

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.settings.study import Kind

FLOOR = "gender-blind"  # the strategy of a floor


@dataclass(frozen=True)
class Comparison:
    """What a comparison found; ``sides[0]`` is the baseline."""

    name: str
    parent: str  # MLflow run
    sides: tuple[StrategyResult, ...]
    failures: tuple[str, ...]
    controls: tuple[ControlStatus, ...] = ()


@dataclass(frozen=True)
class Settled:
    """A strategy whose λ is settled, and what choosing it cost.

    Attributes:
        strategy: Its name.
        knobs: Its settings besides λ.
        weight: λ.
        control: Whether it was added as a control.
        tuned_by: The search that chose λ: name, trials, rule; empty where λ was given.
        runs: Trainings of that search.
        seconds: Their training time.
    """

    strategy: str
    knobs: Knobs
    weight: float
    control: bool = False
    tuned_by: tuple[str, ...] = ()
    runs: int = 0
    seconds: float = 0.0

    @property
    def entry(self) -> Entry:
        """The strategy as it was named."""
        return Entry(self.strategy, None, self.knobs)

    @property
    def label(self) -> str:
        """Such as ``projection@0.31``."""
        return f"{self.entry.label}@{self.weight:.4g}"


def compare(
    corpus: Corpus,
    plan: ComparisonPlan,
    *,
    root: str | Path = "mlruns",
    submissions: str | Path = "submissions",
    progress: bool = True,
    executor: Executor | None = None,
) -> Comparison:
    """Train every strategy with every seed, tuning λ first where it is searched, and the controls.

    λ is chosen by the plan's rule in a sweep of its own on the tuning seeds. What finished before
    is not trained again: the same call continues an interrupted comparison. A training that
    diverges, or that the objective cannot measure, leaves its cell empty.

    Args:
        corpus: Encoded corpus.
        plan: Strategies, seeds, settings, and how λ is chosen.
        root: Folder of the local store.
        submissions: Folder for the CodaLab files of the sweeps.
        progress: Whether to draw progress bars.
        executor: What runs several workers; None: this process alone does the work, in order.

    Raises:
        UserError: The corpus lacks the words a strategy or the objective needs; before any
            training.
    """
    conduct = Conduct(Path(root), Path(submissions), executor, progress)
    return conduct_comparison(corpus, plan, conduct)


def conduct_comparison(
    corpus: Corpus, plan: ComparisonPlan, conduct: Conduct, kind: Kind = "compare"
) -> Comparison:
    """Do what ``compare`` does, as ``conduct`` says."""
    from debiaslab.study.spec import study_of

    name = check_comparison(corpus, plan, root=conduct.root)
    site, _ = open_study_run(corpus, name, _header(corpus, plan), conduct)
    named = replace(plan, name=name)
    own = study_of(named, corpus.sources, corpus.settings, floor=kind == "floor")
    with site.store.resume(site.parent) as log:  # by it what is killed while it tunes is resumed
        log_study_file(log, site.store, own, conduct.file)
        settled, refused = _settle(site, plan, conduct)
        log.json([asdict(each) for each in settled], SETTLED)
        if "strategies" not in site.store.run(site.parent).params:
            log.params({"strategies": ", ".join(each.label for each in settled)})
    listed = cells_of(plan, settled)
    source = listed.source(conduct.root, corpus)

    def finish(done: Conducted) -> Comparison:
        if conduct.executor is not None:
            source.begin(done.worker)  # what others have done
        failures = tuple(_failures(plan, settled, source))
        for failure in failures:
            label, _, reason = failure.partition(": ")
            warnings.warn(f"{label} is left empty: {reason}", stacklevel=4)
        sides = tuple(_sides(site.store, plan, settled, source))
        log_sides(site.store.writer(site.parent), sides)
        controls = tuple(control_status(plan, sides, refused))
        return Comparison(name, site.parent, sides, failures, controls)

    return conduct_study(site, (listed, source, listed.total), own, conduct, finish)


def check_comparison(corpus: Corpus, plan: ComparisonPlan, *, root: str | Path) -> str:
    """Refuse, without making or training anything, what a comparison would be refused for.

    Args:
        corpus: Encoded corpus.
        plan: The comparison.
        root: Folder of the local store.

    Returns:
        The name of the study.

    Raises:
        UserError: The corpus lacks words, or the study of that name was made with other settings.
    """
    plan.objective.check_vocabulary(frozenset(corpus.words))
    for entry in plan.entries:
        strategy = regularizers.create(entry.strategy, **dict(entry.knobs))
        _bind(corpus, plan, strategy)
    name = comparison_name(corpus, plan)
    _check_same(root, name, _shared(corpus, plan))
    return name


def comparison_name(corpus: Corpus, plan: ComparisonPlan) -> str:
    """Return the given name, or one that differs whenever anything that is compared does."""
    if plan.name is not None:
        return plan.name
    identity: dict[str, Any] = {
        "corpus": corpus.fingerprint,
        "entries": [asdict(entry) for entry in plan.entries],
        "seeds": plan.seeds,
        "cover": plan.cover,
        "settings": {k: v for k, v in asdict(plan.settings).items() if k != "seed"},
        "objective": asdict(plan.objective),
        "tuning": [plan.trials, plan.tuning_seeds, plan.rule.name],
        "lexicons": lexicons.versions(),
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return default_study_name("compare", corpus.name, digest)


def cells_of(plan: ComparisonPlan, settled: Sequence[Settled]) -> CellList:
    """Return every training of a comparison, strategy by strategy, and its baselines."""
    baseline = plan.entries[0]
    return CellList(
        tuple(_cell(plan, each, seed) for each in settled for seed in plan.seeds),
        tuple(plan.cell(baseline, 0.0, seed) for seed in plan.seeds),
    )


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
    return [
        Settled(
            **{
                **each,
                "knobs": tuple((name, value) for name, value in each["knobs"]),
                "tuned_by": tuple(each["tuned_by"]),
            }
        )
        for each in kept
    ]


def rows_of(
    plan: ComparisonPlan, settled: Sequence[Settled]
) -> list[tuple[str | None, list[Cell]]]:
    """Return the cells of a comparison, the baseline first and then strategy by strategy."""
    rows: list[tuple[str | None, list[Cell]]] = [
        (None, [plan.cell(plan.entries[0], 0.0, seed) for seed in plan.seeds])
    ]
    rows += [(each.entry.label, [_cell(plan, each, s) for s in plan.seeds]) for each in settled]
    return rows


def foreseen(
    corpus: Corpus, plan: ComparisonPlan, store: Store | None
) -> list[tuple[str | None, list[Cell]]]:
    """Return the cells of a comparison before it is run; where λ is to be tuned, it is 1.

    Args:
        corpus: Encoded corpus.
        plan: The comparison.
        store: The tracking store; None when there is none yet.
    """
    study = None if store is None else store.find_study(comparison_name(corpus, plan))
    known = [] if store is None or study is None else read_settled(store, study.run_id)
    if {each.entry.label for each in known} < {each.label for each in plan.entries}:
        known = [Settled(e.strategy, e.knobs, e.weight or 1.0) for e in plan.entries]
        known += _controls(corpus, plan, known)[0]
    return rows_of(plan, known)


def _cell(plan: ComparisonPlan, settled: Settled, seed: int) -> Cell:
    return plan.cell(settled.entry, settled.weight, seed)


def _shared(corpus: Corpus, plan: ComparisonPlan) -> dict[str, object]:
    """Return what must be equal for a comparison to be continued."""
    return {
        "cover": plan.cover,
        "corpus_fingerprint": corpus.fingerprint,
        **{k: v for k, v in asdict(plan.settings).items() if k != "seed"},
    }


def _header(corpus: Corpus, plan: ComparisonPlan) -> StudyHeader:
    params = {
        "seeds": list(plan.seeds),
        "select": plan.rule.name,
        "corpus": corpus.name,
        **_shared(corpus, plan),
    }
    tags = {CORPUS_TAG: corpus.name, COMPARISON_TAG: "true"}
    return StudyHeader(params, tags, f"Strategies side by side on {corpus.name}.")


def _settle(
    site: Site, plan: ComparisonPlan, conduct: Conduct
) -> tuple[list[Settled], dict[str, str]]:
    """Return the strategies with their λs, and the controls that this corpus has no words for."""
    before = read_settled(site.store, site.parent)
    settled = [_tune(site, plan, entry, conduct, before) for entry in plan.entries]
    added, refused = _controls(site.corpus, plan, settled)
    return [*settled, *added], refused


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
    chosen: TrialSummary = plan.rule.choose(summarize(summary.rows))
    runs = site.store.runs(summary.parent)
    return Settled(
        entry.strategy,
        entry.knobs,
        chosen.weight,
        tuned_by=tuned_by,
        runs=len(runs),
        seconds=_seconds(runs),
    )


def _seconds(runs: Sequence[RunInfo]) -> float:
    return sum(run.metrics.get("seconds", 0.0) for run in runs)


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
            _bind(corpus, plan, _cell(plan, control, plan.seeds[0]).made)
        except UserError as error:
            refused[entry.strategy] = str(error)
        else:
            added.append(control)
    return added, refused


def _check_same(root: str | Path, name: str, shared: Mapping[str, object]) -> None:
    """Refuse to continue a comparison whose baselines were trained in another way.

    Raises:
        UserError: The comparison of that name has another corpus, cover or setting of training.
    """
    store = existing_store(root)
    found = None if store is None else store.find_study(name)
    if found is None:
        check_study_name(name)  # before any training
        return
    other = [
        f"{key}: {found.params[key]} → {value}"
        for key, value in shared.items()
        if key in found.params and found.params[key] != str(value)
    ]
    if other:
        raise UserError(
            f"the comparison {name!r} was made with other settings ({', '.join(other)})",
            allowed="the settings it was made with, and any strategies and seeds",
            next_step="another --study name",
        )


def _failures(
    plan: ComparisonPlan, settled: Sequence[Settled], source: ListedCells
) -> Iterator[str]:
    """Say of each cell without a run why it has none."""
    for each in settled:
        for seed in plan.seeds:
            digest = _cell(plan, each, seed).digest
            if digest in source.failed:
                yield f"{each.label}, seed {seed}: {source.failed[digest]}"


def _sides(
    store: Store, plan: ComparisonPlan, settled: Sequence[Settled], source: ListedCells
) -> Iterator[StrategyResult]:
    yield read_side(
        store,
        KeptStrategy(
            strategy="baseline",
            weight=None,
            stage="none",
            control=False,
            runs=[source.references[seed].run_id for seed in plan.seeds],
            tuning_runs=0,
            tuning_seconds=0.0,
        ),
    )
    for each in settled:
        strategy = regularizers.create(each.strategy)
        kept = KeptStrategy(
            strategy=each.entry.label,
            weight=each.weight if strategy.search_space else None,
            stage=strategy.stage,
            control=each.control or regularizers.is_control(strategy),
            runs=[source.runs.get(_cell(plan, each, seed).digest) for seed in plan.seeds],
            tuning_runs=each.runs,
            tuning_seconds=each.seconds,
        )
        yield read_side(store, kept)


def floor_plan(
    seeds: tuple[int, ...] = (1, 2, 3),
    settings: TrainSettings | None = None,
    name: str | None = None,
) -> ComparisonPlan:
    """Return the comparison that a floor is: the baseline and the gender-blind text.

    Args:
        seeds: Of the trainings.
        settings: Of the trainings; None for the defaults.
        name: Of the study; None: made from corpus and settings.
    """
    return ComparisonPlan(
        (Entry(FLOOR),),
        seeds=seeds,
        settings=settings or TrainSettings(),
        objective=Objective(retention_weight=0.0),  # nothing is scored: no word similarity needed
        name=name,
        controls=False,
    )


def gender_blind_floor(
    corpus: Corpus,
    plan: ComparisonPlan | None = None,
    *,
    root: str | Path = "mlruns",
    progress: bool = True,
    executor: Executor | None = None,
) -> Comparison:
    """Train the baseline and the gender-blind text with the same seeds, and measure both.

    A comparison with one entry: ``sides[0]`` is the baseline, ``sides[1]`` the gender-blind
    vectors, their lipstick tests labelled by the baseline of the same seed. What finished before
    is not trained again.

    Args:
        corpus: Encoded corpus.
        plan: See ``floor_plan``.
        root: Folder of the local store.
        progress: Whether to draw progress bars.
        executor: What runs several workers; None: this process alone does the work, in order.

    Raises:
        UserError: The corpus lacks gender words, or words the objective needs; before any training.
    """
    conduct = Conduct(Path(root), executor=executor, progress=progress)
    return conduct_floor(corpus, plan or floor_plan(), conduct)


def conduct_floor(corpus: Corpus, plan: ComparisonPlan, conduct: Conduct) -> Comparison:
    """Do what ``gender_blind_floor`` does, as ``conduct`` says."""
    return conduct_comparison(corpus, floor_named(corpus, plan), conduct, kind="floor")


def floor_named(corpus: Corpus, plan: ComparisonPlan) -> ComparisonPlan:
    """Return the plan of a floor with the name of its study."""
    named = plan.name or comparison_name(corpus, plan).replace("compare-", "floor-", 1)
    return replace(plan, name=named)
