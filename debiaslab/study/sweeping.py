"""The sweep: a baseline for each seed, then λ after λ, each over all seeds."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError
from tqdm import tqdm

from debiaslab import regularizers
from debiaslab.errors import UserError
from debiaslab.metrics import load_similarity
from debiaslab.outputs import check_output
from debiaslab.sgns import TrainingDivergedError
from debiaslab.study.objective import FORMULA, LEAST_WORDS, SIMILARITY_SETS
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
from debiaslab.study.search import DATABASE, Proposal, Search
from debiaslab.study.summary import Summary, mark_best, summarise, words_note
from debiaslab.tracking import Store

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

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
        there = {finished_as(run) for run in self.store.runs(self.parent)}
        lost = 0
        for number, trial in enumerate(self.search.finished):
            for seed, baseline in baselines.items():
                weight = trial.params.get("weight")
                failed = trial.state != TrialState.COMPLETE
                if failed or weight is None or (repr(weight), str(seed)) in there:
                    self.bar.update()
                    continue
                lost += 1
                self._run(weight=weight, seed=seed, trial=number, baseline=baseline)
        return lost

    def try_next(self, baselines: dict[int, FinishedRun]) -> None:
        """Draw a λ and train it with every seed; a failure of its own counts as tried."""
        proposal = self.search.propose()
        try:
            scores = [self._trial(proposal, baselines[seed]).score for seed in baselines]
        except (TrainingDivergedError, UnusableRunError) as error:
            self.search.fail(proposal, str(error))
        except BaseException:  # Ctrl-C, a full disk: not the λ's fault, it will come again
            with suppress(*_SEARCH_ERRORS):  # the disk that is full may be the search's too
                self.search.interrupt(proposal)
            raise
        else:
            self.search.complete(proposal, mean(scores))
            mark_best(self.store, self.parent)

    def _trial(self, proposal: Proposal, baseline: FinishedRun) -> FinishedRun:
        return self._run(
            weight=proposal.weight,
            seed=baseline.seed,
            trial=proposal.number,
            baseline=baseline,
        )

    def _run(
        self, *, weight: float, seed: int, trial: int | None, baseline: FinishedRun | None
    ) -> FinishedRun:
        known = find_finished(self.store, self.store.runs(self.parent), weight=weight, seed=seed)
        run = known or run_once(
            self.store,
            self.parent,
            self.corpus,
            self.plan,
            weight=weight,
            seed=seed,
            trial=trial,
            baseline=baseline,
            checkpoint=checkpoint_beside(self.root),
            progress=not self.bar.disable,
        )
        self.bar.update()
        return run


def sweep(
    corpus: Corpus,
    plan: Plan | None = None,
    *,
    root: str | Path = "mlruns",
    submissions: str | Path = "submissions",
    progress: bool = True,
) -> Summary:
    """Search λ of one strategy until ``plan.trials`` have been tried, logging every run to MLflow.

    The study is continued when it exists: runs that finished are not trained again.

    Args:
        corpus: Encoded corpus.
        plan: Strategy, trials, seeds, settings and objective.
        root: Folder of the local store (``MLFLOW_TRACKING_URI`` chooses another for the runs).
        submissions: Folder for the CodaLab files of the best run.
        progress: Whether to draw progress bars.

    Raises:
        UserError: The study belongs to other settings, the corpus lacks the words the strategy or
            the objective needs, or every λ failed.
    """
    plan = plan or Plan()
    coverage = _check_words(corpus, plan)
    name = plan.study_name(corpus)
    check_output(Path(submissions) / f"{name}.zip")
    store = Store.open(root)
    space = regularizers.search_space(plan.strategy)["weight"]
    with _explained_search(Path(root) / DATABASE):
        search = Search(Path(root), name, plan.identity(corpus), space)
        parent = _parent(store, name, corpus, plan)
        store.reconcile(parent)
        runs = (1 + max(plan.trials, len(search.finished))) * len(plan.seeds)
        with (
            store.resume(parent) as log,
            tqdm(total=runs, desc=name, unit="run", disable=not progress) as bar,
        ):
            log.dataset(dataset_info(corpus))
            log_provenance(log)
            steps = _Sweep(store, Path(root), corpus, plan, parent, search, bar)
            baselines = steps.baselines()
            lost = steps.restore(baselines)
            while len(search.finished) < plan.trials:
                steps.try_next(baselines)
        if lost:
            warnings.warn(
                f"{lost} runs of the study were not in the tracking store: they were trained again",
                stacklevel=2,
            )
        words = words_note(coverage, baselines[plan.seeds[0]].yardstick)
        return summarise(store, parent, name, words, search, Path(submissions))


def _check_words(corpus: Corpus, plan: Plan) -> regularizers.Coverage:
    """Return what the strategy covers; fail when the vocabulary lacks what the study needs."""
    strategy = plan.create(weight=1.0)
    bound = regularizers.bind_strategy(strategy, corpus.words, corpus.counts, cover=plan.cover)
    plan.objective.check_vocabulary(frozenset(corpus.words))
    if plan.objective.retention_weight > 0:
        _check_similarity(corpus)
    return bound.coverage


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
        "corpus": corpus.name,
        "corpus_fingerprint": corpus.fingerprint,
    }
    return store.study(
        name,
        create=True,
        params=params,
        tags={"debiaslab.strategy": plan.strategy, "debiaslab.corpus": corpus.name},
        description=f"Sweep of λ for `{plan.strategy}` on {corpus.name}.\n\n```\n{FORMULA}\n```",
    )
