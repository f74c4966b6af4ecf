"""Training strategies side by side: the same corpus, the same seeds, the same scorecard."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from debiaslab import lexicons, regularizers
from debiaslab.errors import UserError
from debiaslab.metrics import Baseline, Scorecard, evaluate
from debiaslab.results import (
    KeptStrategy,
    StrategyResult,
    TrialSummary,
    log_sides,
    read_side,
    summarize,
)
from debiaslab.sgns import TrainingDivergedError, TrainSettings
from debiaslab.study.comparison import ComparisonPlan, Entry, Held, held, with_controls
from debiaslab.study.objective import Objective
from debiaslab.study.plan import Plan
from debiaslab.study.run import (
    FinishedRun,
    UnusableRunError,
    checkpoint_beside,
    dataset_info,
    find_finished,
    log_provenance,
    run_once,
)
from debiaslab.study.sweeping import sweep
from debiaslab.tracking import Store
from debiaslab.tracking.names import (
    BASELINE_KIND,
    BETWEEN_SEEDS,
    CELL_KIND,
    COMPARISON_TAG,
    CORPUS_TAG,
    VECTORS,
    check_study_name,
    default_study_name,
)
from debiaslab.tracking.records import RunInfo
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus


@dataclass(frozen=True)
class Comparison:
    """What a comparison found; ``sides[0]`` is the baseline."""

    name: str
    parent: str  # MLflow run
    sides: tuple[StrategyResult, ...]
    failures: tuple[str, ...]
    controls: tuple[Held, ...] = ()


@dataclass(frozen=True)
class _Tuned:
    """A strategy whose λ is settled, and what choosing it cost."""

    entry: Entry
    weight: float
    runs: int = 0
    seconds: float = 0.0
    control: bool = False


def compare(
    corpus: Corpus,
    plan: ComparisonPlan,
    *,
    root: str | Path = "mlruns",
    submissions: str | Path = "submissions",
    progress: bool = True,
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

    Raises:
        UserError: The corpus lacks the words a strategy or the objective needs; before any
            training.
    """
    _check_words(corpus, plan)
    store = Store.open(root)
    name = comparison_name(corpus, plan)
    shared = {
        "cover": plan.cover,
        "corpus_fingerprint": corpus.fingerprint,
        **{k: v for k, v in asdict(plan.settings).items() if k != "seed"},
    }
    _check_same(store, name, shared)
    tuned = [_tune(corpus, plan, entry, Path(root), Path(submissions)) for entry in plan.entries]
    added, refused = _controls(corpus, plan, tuned)
    tuned += added
    parent = store.study(
        name,
        create=True,
        params={
            "strategies": ", ".join(_label(each) for each in tuned),
            "seeds": list(plan.seeds),
            "select": plan.rule.name,
            "corpus": corpus.name,
            **shared,
        },
        tags={CORPUS_TAG: corpus.name, COMPARISON_TAG: "true"},
        description=f"Strategies side by side on {corpus.name}.",
    )
    store.reconcile(parent)
    total = (1 + len(tuned)) * len(plan.seeds)
    with (
        store.resume(parent) as log,
        tqdm(total=total, desc=name, unit="run", disable=not progress) as bar,
    ):
        log.dataset(dataset_info(corpus))
        log_provenance(log)
        runs = _Runs(store, Path(root), corpus, plan, parent, bar)
        baseline = runs.baselines()
        sides = (baseline, *(runs.side(each) for each in tuned))
        log_sides(log, sides)
    controls = tuple(held(plan, sides, refused))
    return Comparison(name, parent, sides, tuple(runs.failures), controls)


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


def _label(tuned: _Tuned) -> str:
    return f"{tuned.entry.label}@{tuned.weight:.4g}"


def _check_words(corpus: Corpus, plan: ComparisonPlan) -> None:
    plan.objective.check_vocabulary(frozenset(corpus.words))
    for entry in plan.entries:
        strategy = regularizers.create(entry.strategy, **dict(entry.knobs))
        _bind(corpus, plan, strategy)


def _bind(corpus: Corpus, plan: ComparisonPlan, strategy: regularizers.Strategy) -> None:
    """Refuse, before any training, what cannot be trained on this corpus."""
    regularizers.bind_strategy(
        strategy, corpus.words, corpus.counts, cover=plan.cover, dim=plan.settings.dim
    )


def _controls(
    corpus: Corpus, plan: ComparisonPlan, tuned: Sequence[_Tuned]
) -> tuple[list[_Tuned], dict[str, str]]:
    """Return the controls to add, and those that this corpus has no words for, with the reason."""
    added: list[_Tuned] = []
    refused: dict[str, str] = {}
    settled = [replace(each.entry, weight=each.weight) for each in tuned]
    for entry in with_controls(settled) if plan.controls else ():
        control = _Tuned(entry, entry.weight or 1.0, control=True)
        try:
            _bind(corpus, plan, plan.cell(entry, control.weight).create(control.weight))
        except UserError as error:
            refused[entry.strategy] = str(error)
        else:
            added.append(control)
    return added, refused


def _check_same(store: Store, name: str, shared: Mapping[str, object]) -> None:
    """Refuse to continue a comparison whose baselines were trained in another way.

    Raises:
        UserError: The comparison of that name has another corpus, cover or setting of training.
    """
    found = store.find_study(name)
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


def _tune(
    corpus: Corpus, plan: ComparisonPlan, entry: Entry, root: Path, submissions: Path
) -> _Tuned:
    if not entry.tuned:
        return _Tuned(entry, 1.0 if entry.weight is None else entry.weight)
    search = Plan(
        strategy=entry.strategy,
        trials=plan.trials,
        seeds=plan.tuning_seeds,
        cover=plan.cover,
        knobs=entry.knobs,
        settings=plan.settings,
        objective=plan.objective,
    )
    summary = sweep(corpus, search, root=root, submissions=submissions)
    chosen: TrialSummary = plan.rule.choose(summarize(summary.rows))
    runs = Store.open(root).runs(summary.parent)
    return _Tuned(entry, chosen.weight, len(runs), _seconds(runs))


def _seconds(runs: Sequence[RunInfo]) -> float:
    return sum(run.metrics.get("seconds", 0.0) for run in runs)


class _Runs:
    """The runs of one comparison, those that exist and those still to be made."""

    def __init__(
        self,
        store: Store,
        root: Path,
        corpus: Corpus,
        plan: ComparisonPlan,
        parent: str,
        bar: tqdm,
    ) -> None:
        self._store = store
        self._root = root
        self._corpus = corpus
        self._plan = plan
        self._parent = parent
        self._bar = bar
        self._baselines: dict[int, FinishedRun] = {}
        self._held: dict[int, Baseline] = {}  # by seed: nulls and lipstick tests are made once
        self.failures: list[str] = []

    def baselines(self) -> StrategyResult:
        """Train the baseline of each seed, and measure it against that of the next seed.

        That is what a strategy's overlap and lipstick numbers are read against: what another seed
        alone changes.
        """
        for seed in self._plan.seeds:
            self._baselines[seed] = self._baseline(seed)
            self._bar.update()
        ids = [self._baselines[seed].run_id for seed in self._plan.seeds]
        for i, run_id in enumerate(ids):
            self._keep_between_seeds(run_id, ids[(i + 1) % len(ids)])
        kept = KeptStrategy(
            strategy="baseline",
            weight=None,
            stage="none",
            control=False,
            runs=ids,
            tuning_runs=0,
            tuning_seconds=0.0,
        )
        return read_side(self._store, kept)

    def side(self, tuned: _Tuned) -> StrategyResult:
        """Train one strategy with each seed."""
        strategy = regularizers.create(tuned.entry.strategy)
        kept = KeptStrategy(
            strategy=tuned.entry.label,
            weight=tuned.weight if strategy.search_space else None,
            stage=strategy.stage,
            control=tuned.control or regularizers.is_control(strategy),
            runs=[self._run(tuned, seed) for seed in self._plan.seeds],
            tuning_runs=tuned.runs,
            tuning_seconds=tuned.seconds,
        )
        return read_side(self._store, kept)

    def _baseline(self, seed: int) -> FinishedRun:
        known = [run for run in self._store.runs(self._parent) if run.kind == BASELINE_KIND]
        found = find_finished(self._store, known, weight=0.0, seed=seed)
        cell = self._plan.cell(self._plan.entries[0], 0.0)
        return found or run_once(
            self._store,
            self._parent,
            self._corpus,
            cell,
            weight=0.0,
            seed=seed,
            trial=None,
            baseline=None,
            checkpoint=checkpoint_beside(self._root),
            progress=not self._bar.disable,
        )

    def _run(self, tuned: _Tuned, seed: int) -> str | None:
        """Return the run of one cell, trained if need be; None when it failed."""
        try:
            return self._known(tuned, seed) or self._train(tuned, seed).run_id
        except (TrainingDivergedError, UnusableRunError) as error:
            self.failures.append(f"{_label(tuned)}, seed {seed}: {error}")
            warnings.warn(f"{_label(tuned)}, seed {seed} is left empty: {error}", stacklevel=2)
            return None
        finally:
            self._bar.update()

    def _known(self, tuned: _Tuned, seed: int) -> str | None:
        strategy = self._plan.cell(tuned.entry, tuned.weight).create(tuned.weight)
        wanted = {
            "strategy": strategy.name,
            "weight": repr(tuned.weight),
            "seed": str(seed),
            **{f"knob.{name}": str(value) for name, value in strategy.knobs().items()},
        }
        for run in self._store.runs(self._parent, kind=CELL_KIND):
            same = all(run.params.get(key) == value for key, value in wanted.items())
            if run.status == "FINISHED" and same:
                return run.run_id
        return None

    def _train(self, tuned: _Tuned, seed: int) -> FinishedRun:
        baseline = self._baselines[seed]
        return run_once(
            self._store,
            self._parent,
            self._corpus,
            self._plan.cell(tuned.entry, tuned.weight),
            weight=tuned.weight,
            seed=seed,
            trial=None,
            baseline=baseline,
            against=self._measured(baseline),
            checkpoint=checkpoint_beside(self._root),
            progress=not self._bar.disable,
        )

    def _measured(self, baseline: FinishedRun) -> Baseline:
        if baseline.seed not in self._held:
            self._held[baseline.seed] = Baseline(self._vectors(baseline.run_id))
        return self._held[baseline.seed]

    def _keep_between_seeds(self, run_id: str, other: str) -> None:
        """Keep with a baseline's run what needs another set of vectors to compare with.

        With a single seed there is no other baseline, and no overlap between seeds.
        """
        if BETWEEN_SEEDS not in self._store.artifacts(run_id):
            writer = self._store.writer(run_id)
            writer.json(self._measure_between(run_id, other).to_dict(), BETWEEN_SEEDS)
            writer.flush()

    def _measure_between(self, run_id: str, other: str) -> Scorecard:
        vectors = self._vectors(run_id)
        lipstick = evaluate(vectors, groups=("lipstick",), lipstick_nulls=False).records
        kept = [record for record in lipstick if record.metric == "lipstick"]
        if other != run_id:
            against = evaluate(vectors, baseline=self._vectors(other), groups=("overlap",)).records
            kept += [record for record in against if record.metric == "neighbor_overlap"]
        return Scorecard(run_id, tuple(kept))

    def _vectors(self, run_id: str) -> Embeddings:
        return Embeddings.load(self._store.artifact(run_id, VECTORS))


STRATEGY = "gender-blind"


def gender_blind_floor(
    corpus: Corpus,
    *,
    seeds: tuple[int, ...] = (1, 2, 3),
    settings: TrainSettings | None = None,
    name: str | None = None,
    root: str | Path = "mlruns",
    submissions: str | Path = "submissions",
    progress: bool = True,
) -> Comparison:
    """Train the baseline and the gender-blind text with the same seeds, and measure both.

    A comparison with one entry: ``sides[0]`` is the baseline, ``sides[1]`` the gender-blind
    vectors, their lipstick tests labelled by the baseline of the same seed. What finished before
    is not trained again.

    Args:
        corpus: Encoded corpus.
        seeds: Of the trainings.
        settings: Of the trainings; None for the defaults.
        name: Of the study; None: made from corpus and settings.
        root: Folder of the local store.
        submissions: Folder for CodaLab files, which the floor makes none of.
        progress: Whether to draw progress bars.

    Raises:
        UserError: The corpus lacks gender words, or words the objective needs; before any training.
    """
    plan = ComparisonPlan(
        (Entry(STRATEGY),),
        seeds=seeds,
        settings=settings or TrainSettings(),
        objective=Objective(retention_weight=0.0),  # nothing is scored: no word similarity needed
        name=name,
        controls=False,
    )
    named = name or comparison_name(corpus, plan).replace("compare-", "floor-", 1)
    return compare(
        corpus,
        replace(plan, name=named),
        root=root,
        submissions=submissions,
        progress=progress,
    )
