"""The sweep: a baseline for each seed, then λ after λ, each over all seeds."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError
from tqdm import tqdm

from debiaslab import regularizers
from debiaslab.embeddings import Embeddings
from debiaslab.errors import UserError
from debiaslab.metrics import load_similarity
from debiaslab.outputs import check_output
from debiaslab.sgns import TrainingDivergedError
from debiaslab.study.description import study_note
from debiaslab.study.findings import levelled
from debiaslab.study.kept import log_study_file
from debiaslab.study.objective import LEAST_WORDS, SIMILARITY_SETS, Outcome
from debiaslab.study.plan import Plan
from debiaslab.study.run import (
    FinishedRun,
    UnusableRunError,
    checkpoint_beside,
    dataset_info,
    find_finished,
    finished_as,
    log_provenance,
    run_once,
)
from debiaslab.study.search import DATABASE, WEIGHT, Proposal, Search, seeds_tried
from debiaslab.study.summary import Summary, mark_best, summarise, words_note
from debiaslab.tracking import VECTORS, RunInfo, Store

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.study.files import StudyFile

_SEARCH_ERRORS = (StorageInternalError, SQLAlchemyError)


@dataclass
class _Sweep:
    """What the steps of one sweep share."""

    store: Store
    root: Path
    corpus: Corpus
    plan: Plan
    parent: str
    search: Search
    bar: tqdm

    def baselines(self) -> dict[int, FinishedRun]:
        """Train λ = 0 with every seed."""
        return {
            seed: self._run(weight=0.0, seed=seed, trial=None, baseline=None)
            for seed in self.plan.seeds
        }

    def restore(self, baselines: dict[int, FinishedRun]) -> int:
        """Train again what was tried but is not in the tracking store; return how many runs.

        It may be another store than before (``MLFLOW_TRACKING_URI``), or runs were deleted in it.
        """
        there = {self._cell(run) for run in self.store.runs(self.parent)}
        lost = 0
        for number, trial in enumerate(self.search.finished):
            proposal = self.search.proposed(number, trial)
            tried = seeds_tried(trial, self.plan.seeds)
            for seed, baseline in baselines.items():
                if (
                    proposal is None
                    or seed not in tried
                    or (repr(proposal.weight), str(seed), _texts(proposal.knobs)) in there
                ):
                    self.bar.update()
                    continue
                lost += 1
                self._trial(proposal, baseline)
        return lost

    def try_next(self, baselines: dict[int, FinishedRun]) -> None:
        """Draw a λ and train it with every seed; a failure of its own counts as tried."""
        proposal = self.search.propose()
        outcomes: list[Outcome] = []
        try:
            for baseline in baselines.values():
                outcomes.append(self._trial(proposal, baseline).measured)
                self.search.report(proposal, len(outcomes) - 1, outcomes[-1].score)
                left = len(baselines) - len(outcomes)
                if left and self.search.hopeless([each.score for each in outcomes]):
                    self.bar.update(left)
                    self.search.prune(proposal)
                    return
        except (TrainingDivergedError, UnusableRunError) as error:
            self.search.fail(proposal, str(error))
        except BaseException:  # Ctrl-C, a full disk: not the λ's fault, it will come again
            with suppress(*_SEARCH_ERRORS):  # the disk that is full may be the search's too
                self.search.interrupt(proposal)
            raise
        else:
            means = {
                "score": mean(each.score for each in outcomes),
                "bias": mean(each.bias_tune for each in outcomes),
                # None only without a constraint and in a study whose objective ignores retention
                "retention": mean(each.retention_tune or 0.0 for each in outcomes),
            }
            self.search.constrain(proposal, means["retention"])
            objectives = self.plan.search.objectives
            self.search.complete(proposal, *(means[objective] for objective in objectives))
            mark_best(self.store, self.parent, self.plan.search.min_retention)

    def _trial(self, proposal: Proposal, baseline: FinishedRun) -> FinishedRun:
        return self._run(
            weight=proposal.weight,
            knobs=proposal.knobs,
            seed=baseline.seed,
            trial=proposal.number,
            baseline=baseline,
        )

    def _run(
        self,
        *,
        weight: float,
        seed: int,
        trial: int | None,
        baseline: FinishedRun | None,
        knobs: Mapping[str, Any] = MappingProxyType({}),
    ) -> FinishedRun:
        runs = self.store.runs(self.parent)
        same = [run for run in runs if trial is None or self._knobs(run) == _texts(knobs)]
        run = find_finished(self.store, same, weight=weight, seed=seed) or run_once(
            self.store,
            self.parent,
            self.corpus,
            self.plan.drawn(knobs),
            weight=weight,
            seed=seed,
            trial=trial,
            baseline=baseline,
            checkpoint=checkpoint_beside(self.root),
            init=self._start(baseline),
            progress=not self.bar.disable,
        )
        self.bar.update()
        return run

    def _start(self, baseline: FinishedRun | None) -> Embeddings | None:
        """Return the vectors that a trial's training starts from; None: it starts anew."""
        if baseline is None or not self.plan.search.warm_start:
            return None
        return Embeddings.load(self.store.artifact(baseline.run_id, VECTORS))

    def _cell(self, run: RunInfo) -> tuple[str, str, tuple[str, ...]] | None:
        """Return λ, seed and drawn knobs of a finished run, as they were logged."""
        finished = finished_as(run)
        return None if finished is None else (*finished, self._knobs(run))

    def _knobs(self, run: RunInfo) -> tuple[str, ...]:
        drawn = (knob for knob in self.plan.search_space if knob != WEIGHT)
        return tuple(run.params.get(f"knob.{knob}", "") for knob in drawn)


def _texts(knobs: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(map(str, knobs.values()))


def sweep(
    corpus: Corpus,
    plan: Plan | None = None,
    *,
    root: str | Path = "mlruns",
    submissions: str | Path = "submissions",
    progress: bool = True,
    file: StudyFile | None = None,
) -> Summary:
    """Search λ of one strategy until ``plan.trials`` have been tried, logging every run to MLflow.

    It ends before that when ``plan.hours`` have gone by.

    The study is continued when it exists: runs that finished are not trained again.

    Args:
        corpus: Encoded corpus.
        plan: Strategy, trials, seeds, settings and objective.
        root: Folder of the local store (``MLFLOW_TRACKING_URI`` chooses another for the runs).
        submissions: Folder for the CodaLab files of the best run.
        progress: Whether to draw progress bars.
        file: The study file that the plan is of, kept with the study; None: made from the plan.

    Raises:
        UserError: The study belongs to other settings, the corpus lacks the words the strategy or
            the objective needs, or every λ failed.
    """
    plan = plan or Plan()
    coverage = _check_words(corpus, plan)
    name = plan.study_name(corpus)
    check_output(Path(submissions) / f"{name}.zip")
    store = Store.open(root)
    deadline = math.inf if plan.hours is None else time.monotonic() + plan.hours * 3600
    with _explained_search(Path(root) / DATABASE):
        identity = plan.identity(corpus)
        search = Search(Path(root), name, identity, plan.search_space, plan.search)
        parent = _parent(store, name, corpus, plan)
        store.reconcile(parent)
        runs = (1 + max(plan.trials, len(search.finished))) * len(plan.seeds)
        with (
            store.resume(parent) as log,
            tqdm(total=runs, desc=name, unit="run", disable=not progress) as bar,
        ):
            log.dataset(dataset_info(corpus))
            log_provenance(log)
            log_study_file(log, name, corpus, plan, file)
            steps = _Sweep(store, Path(root), corpus, plan, parent, search, bar)
            baselines = steps.baselines()
            _check_retention(plan, baselines)
            lost = steps.restore(baselines)
            while (tried := len(search.finished)) < plan.trials:
                if tried and (time.monotonic() > deadline or (plan.stop and levelled(search))):
                    break
                steps.try_next(baselines)
        if lost:
            warnings.warn(
                f"{lost} runs of the study were not in the tracking store: they were trained again",
                stacklevel=2,
            )
        words = words_note(coverage, baselines[plan.seeds[0]].yardstick)
        return summarise(store, parent, name, words, search, Path(submissions), plan, corpus)


def _check_words(corpus: Corpus, plan: Plan) -> regularizers.Coverage:
    """Return what the strategy covers; fail when the vocabulary lacks what the study needs."""
    strategy = plan.create(weight=1.0)
    bound = regularizers.bind_strategy(
        strategy, corpus.words, corpus.counts, cover=plan.cover, dim=plan.settings.dim
    )
    plan.objective.check_vocabulary(frozenset(corpus.words))
    if plan.objective.retention_weight > 0 or plan.search.needs_retention:
        _check_similarity(corpus)
    return bound.coverage


def _check_retention(plan: Plan, baselines: Mapping[int, FinishedRun]) -> None:
    """Fail after the baselines when the search is after retention and there is none."""
    for baseline in baselines.values():
        if plan.search.needs_retention and baseline.measured.retention_tune is None:
            raise UserError(
                "the baseline's word similarity is zero, negative or not measurable on this "
                f"corpus (seed {baseline.seed}), so retention has no meaning",
                next_step="a larger corpus, more --epochs, or --objectives score without "
                "--min-retention in a new study",
            )


def _check_similarity(corpus: Corpus) -> None:
    """Fail before any training when retention, a ratio of word similarities, has no words."""
    known = {word.lower() for word in corpus.words}  # case does not count for the metrics
    found = {}
    for name in SIMILARITY_SETS:
        pairs = load_similarity(name).half("tune").pairs
        found[name] = sum(a.lower() in known and b.lower() in known for a, b, _ in pairs)
    if max(found.values()) < LEAST_WORDS:
        raise UserError(
            "word similarity cannot be measured on this corpus ("
            + ", ".join(f"{n} tune pairs of {name}" for name, n in found.items())
            + f" have both words in the vocabulary, needs {LEAST_WORDS}), so retention has no "
            "meaning",
            next_step="a larger corpus, a smaller --min-count, or --retention-weight 0",
        )


@contextmanager
def _explained_search(database: Path) -> Iterator[None]:
    """Turn the failures of Optuna's database into one sentence."""
    try:
        yield
    except _SEARCH_ERRORS as error:
        cause = error.__cause__ or error
        reason = str(getattr(cause, "orig", None) or cause).splitlines()[0]
        damaged = "not a database" in reason or "malformed" in reason
        raise UserError(
            f"the search's database {database} cannot be used: {reason}",
            next_step="move that file aside, then the same command again: runs that finished are "
            "not trained again"
            if damaged
            else "the same command again when the folder has space and may be written; what was "
            "recorded is kept",
        ) from error


def _parent(store: Store, name: str, corpus: Corpus, plan: Plan) -> str:
    params = {
        **{k: v for k, v in asdict(plan.settings).items() if k != "seed"},
        "strategy": plan.strategy,
        "cover": plan.cover,
        **{f"knob.{name}": value for name, value in plan.knobs},
        "seeds": list(plan.seeds),
        **asdict(plan.objective),
        **plan.search.identity(),
        "corpus": corpus.name,
        "corpus_fingerprint": corpus.fingerprint,
    }
    found = store.find_study(name)
    parent = store.study(
        name,
        create=True,
        params=params,
        tags={"debiaslab.strategy": plan.strategy, "debiaslab.corpus": corpus.name},
        description=f"Sweep of λ for `{plan.strategy}` on {corpus.name}.",
    )
    if found is None:  # its links need the run's id
        store.describe(parent, study_note(plan, corpus, store.experiment_id, parent))
    store.save_view(name, parent)
    return parent
