"""The sweep: a baseline for each seed, then λ after λ, each over all seeds."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean
from types import MappingProxyType
from typing import TYPE_CHECKING

from debiaslab import regularizers
from debiaslab.errors import UserError
from debiaslab.metrics import load_similarity
from debiaslab.sgns import TrainingDivergedError
from debiaslab.study.claims import Claim
from debiaslab.study.description import study_note
from debiaslab.study.driver import (
    Conduct,
    Conducted,
    StudyHeader,
    conduct_study,
    open_study_run,
)
from debiaslab.study.executors import Executor
from debiaslab.study.objective import LEAST_WORDS, SIMILARITY_SETS, Outcome
from debiaslab.study.plan import Plan
from debiaslab.study.run import FinishedRun, UnusableRunError, run_digest
from debiaslab.study.search import Proposal, Search, check_same_study, seeds_tried
from debiaslab.study.search_storage import SEARCH_ERRORS, explained
from debiaslab.study.summary import Summary, has_converged, mark_if_best, summarise, words_note
from debiaslab.study.worker import Worker
from debiaslab.system.outputs import check_output, refuse_overwriting
from debiaslab.tracking import VECTORS, Store
from debiaslab.tracking.names import CORPUS_TAG, STRATEGY_TAG
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.words import written_pairs

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.settings.study import StudyFile
    from debiaslab.study.cell import Cell


def sweep(
    corpus: Corpus,
    plan: Plan | None = None,
    *,
    root: str | Path = "mlruns",
    submissions: str | Path = "submissions",
    progress: bool = True,
    file: StudyFile | None = None,
    executor: Executor | None = None,
) -> Summary:
    """Search λ of one strategy until ``plan.trials`` have been tried, logging every run to MLflow.

    It ends before that when ``plan.hours`` have gone by.

    The study is continued when it exists: runs that finished are not trained again. Other
    processes that sweep the same study meanwhile, here or on other machines, share the work.

    Args:
        corpus: Encoded corpus.
        plan: Strategy, trials, seeds, settings and objective.
        root: Folder of the local store (``MLFLOW_TRACKING_URI`` chooses another for the runs).
        submissions: Folder for the CodaLab files of the best run.
        progress: Whether to draw progress bars.
        file: The study file that the plan is of, kept with the study; None: made from the plan.
        executor: What runs several workers, such as ``executors.Processes(2)``; None: this
            process alone does the work, in order.

    Raises:
        UserError: The study belongs to other settings, the corpus lacks the words the strategy or
            the objective needs, every λ failed, or the executor could not end the work.
    """
    conduct = Conduct(Path(root), Path(submissions), executor, progress, file)
    return conduct_sweep(corpus, plan or Plan(), conduct)


def conduct_sweep(
    corpus: Corpus,
    plan: Plan,
    conduct: Conduct,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> Summary:
    """Do what ``sweep`` does, as ``conduct`` says; a study that is made gets the ``tags``."""
    from debiaslab.study.spec import study_of

    coverage = check_sweep(corpus, plan, root=conduct.root, submissions=conduct.submissions)
    name = plan.study_name(corpus)
    trials = Trials.of(plan, corpus)
    with explained(conduct.root):
        source = trials.source(conduct.root, corpus)
    site, begun = open_study_run(corpus, name, _header(corpus, plan, tags), conduct)
    if begun:  # its links need the run's id
        note = study_note(plan, corpus, (site.store.experiment_id, site.parent))
        site.store.describe(site.parent, note)
    site.store.save_view(name, site.parent)
    total = (1 + max(plan.trials, len(source.search.counted))) * len(plan.seeds)
    own = study_of(replace(plan, name=name), corpus.sources, corpus.settings)

    def finish(done: Conducted) -> Summary:
        references = source.references or source.baselines(done.worker)
        words = words_note(coverage, references[plan.seeds[0]].reference)
        found = summarise(site, source, words, conduct.submissions)
        return replace(found, trained=done.trained)

    return conduct_study(site, (trials, source, total), own, conduct, finish)


def check_sweep(
    corpus: Corpus, plan: Plan, *, root: str | Path, submissions: str | Path
) -> regularizers.Coverage:
    """Refuse, without making or training anything, what a sweep would be refused for.

    Args:
        corpus: Encoded corpus.
        plan: Strategy, trials, seeds, settings and objective.
        root: Folder of the local store.
        submissions: Folder for the CodaLab files of the best run.

    Returns:
        What the strategy covers.

    Raises:
        UserError: The study belongs to other settings, the corpus lacks the words the strategy or
            the objective needs, or a file would have no place.
    """
    coverage = _check_words(corpus, plan)
    name = plan.study_name(corpus)
    settings = corpus.settings
    check_submission(
        Path(submissions), name, [*corpus.sources, *([settings.mwes] if settings.mwes else [])]
    )
    with explained(Path(root)):
        check_same_study(Path(root), name, plan.identity(corpus))
    return coverage


def check_submission(submissions: Path, name: str, read: Sequence[str | Path]) -> None:
    """Refuse a study whose CodaLab files could not be written, or would replace what is read.

    Raises:
        UserError: So it is.
    """
    files = [submissions / f"{name}{ending}" for ending in (".zip", ".csv")]
    check_output(files[0])
    refuse_overwriting([("the CodaLab file", file) for file in files], read)


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


def _check_similarity(corpus: Corpus) -> None:
    """Fail before any training when retention, a ratio of word similarities, has no words."""
    found = {}
    for name in SIMILARITY_SETS:
        pairs = load_similarity(name).half("tune").pairs
        found[name] = len(written_pairs(corpus.index, [(a, b) for a, b, _ in pairs])[0])
    if max(found.values()) < LEAST_WORDS:
        raise UserError(
            "word similarity cannot be measured on this corpus ("
            + ", ".join(f"{n} tune pairs of {name}" for name, n in found.items())
            + f" have both words in the vocabulary, needs {LEAST_WORDS}), so retention has no "
            "meaning",
            next_step="a larger corpus, a smaller --min-count, or --retention-weight 0",
        )


def _header(corpus: Corpus, plan: Plan, tags: Mapping[str, str]) -> StudyHeader:
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
    own = {STRATEGY_TAG: plan.strategy, CORPUS_TAG: corpus.name}
    return StudyHeader(
        params, {**own, **tags}, f"Sweep of λ for `{plan.strategy}` on {corpus.name}."
    )


@dataclass(frozen=True)
class Trials:
    """The trials of a plan, which other processes are told of.

    Attributes:
        plan: The sweep.
        study: Its name.
        seconds: After which no further trial is begun.
    """

    plan: Plan
    study: str
    seconds: float = math.inf

    @classmethod
    def of(cls, plan: Plan, corpus: Corpus) -> Trials:
        """Return the trials of a plan on a corpus."""
        seconds = math.inf if plan.hours is None else plan.hours * 3600
        return cls(plan, plan.study_name(corpus), seconds)

    @property
    def threads(self) -> int:
        """Threads of one training."""
        return self.plan.settings.threads

    def source(self, root: Path, corpus: Corpus) -> DrawnTrials:
        """Return what there is to do, by the databases in ``root``; the time begins now.

        Raises:
            UserError: A study of this name belongs to another corpus, objective or setting.
        """
        plan = self.plan
        search = Search(root, self.study, plan.identity(corpus), plan.search_space, plan.search)
        return DrawnTrials(plan, search, time.monotonic() + self.seconds)


class DrawnTrials:
    """What is left of a search, as one worker knows it.

    Args:
        plan: The sweep.
        search: Where trials are drawn and recorded.
        deadline: Of ``time.monotonic()``; no trial is begun after it.
    """

    def __init__(self, plan: Plan, search: Search, deadline: float = math.inf) -> None:
        self.plan = plan
        self.search = search
        self.engine = search.engine
        self.references: dict[int, FinishedRun] = {}  # the baselines, by seed
        self._deadline = deadline
        self._best: tuple[float, float, int] | None = None  # lack of retention, score, trial

    def begin(self, worker: Worker) -> int:
        """Train the baselines, and again what was tried but is not in the tracking store.

        It may be another store than before (``MLFLOW_TRACKING_URI``), or runs were deleted in it.

        Raises:
            UserError: The search is after retention, and the baseline has none.
        """
        self.references = self.baselines(worker)
        _check_retention(self.plan, self.references)
        with worker.alone("restoring"):
            lost = self.lost(worker)
            tried = len(self.search.counted) * len(self.references)
            worker.tick(tried - len(lost), False)
            for proposal, seed in lost:
                self._run(proposal, self.references[seed], worker)
            return len(lost)

    def baselines(self, worker: Worker) -> dict[int, FinishedRun]:
        """Return the baseline of each seed, trained if need be."""
        return worker.baselines([self.plan.cell(0.0, seed) for seed in self.plan.seeds])

    def lost(self, worker: Worker) -> list[tuple[Proposal, int]]:
        """Return what was tried but has no finished run in the tracking store, with its seed."""
        runs = worker.site.store.runs(worker.site.parent)
        there = {run_digest(run) for run in runs if run.status == "FINISHED"}
        return [
            (proposal, seed)
            for position, trial in self.search.counted.items()
            if (proposal := self.search.proposed(position, trial)) is not None
            for seed in seeds_tried(trial, self.plan.seeds)
            if self._cell(proposal, seed).digest not in there
        ]

    def lost_runs(self, worker: Worker) -> int:
        """Return how many runs of what was tried are not in the tracking store."""
        return len(self.lost(worker))

    def finished(self) -> bool:
        """Whether all trials have been tried, or no further one is to be begun."""
        counted = self.search.counted
        if len(counted) >= self.plan.trials:
            return True
        over = time.monotonic() > self._deadline or (self.plan.stop and has_converged(self.search))
        return bool(counted) and over

    def open_tasks(self) -> Sequence[str]:
        """Return the trials that have not been tried, by their position."""
        counted = self.search.counted
        return [f"trial {each}" for each in range(self.plan.trials) if each not in counted]

    def do(self, claim: Claim, worker: Worker) -> None:
        """Try what is drawn at a position, unless another worker has just done that."""
        position = int(claim.what.partition(" ")[2])
        if position in self.search.counted:
            return
        self.search.set_aside(position)
        self._try(self.search.propose(position), claim, worker)

    def _try(self, proposal: Proposal, claim: Claim, worker: Worker) -> None:
        """Train a λ with every seed; a failure of its own counts as tried."""
        outcomes: list[Outcome] = []
        try:
            for baseline in self.references.values():
                if outcomes and not worker.claims.still_mine(claim):
                    self.search.interrupt(proposal)
                    return
                outcomes.append(self._run(proposal, baseline, worker).measured)
                self.search.report(proposal, len(outcomes) - 1, outcomes[-1].score)
                left = len(self.references) - len(outcomes)
                if left and self.search.should_prune([each.score for each in outcomes]):
                    worker.tick(left, True)
                    self.search.prune(proposal)
                    return
        except (TrainingDivergedError, UnusableRunError) as error:
            self.search.fail(proposal, str(error))
        except BaseException:  # Ctrl-C, a full disk: not the λ's fault, it will come again
            with suppress(*SEARCH_ERRORS):  # the disk that is full may be the search's too
                self.search.interrupt(proposal)
            raise
        else:
            if worker.claims.still_mine(claim):
                self._complete(proposal, outcomes, worker)
            else:  # taken for dead meanwhile: another worker has this trial now
                self.search.interrupt(proposal)

    def _complete(self, proposal: Proposal, outcomes: Sequence[Outcome], worker: Worker) -> None:
        means = {
            "score": mean(each.score for each in outcomes),
            "bias": mean(each.bias_tune for each in outcomes),
            # None only without a constraint and in a study whose objective ignores retention
            "retention": mean(each.retention_tune or 0.0 for each in outcomes),
        }
        self.search.constrain(proposal, means["retention"])
        objectives = self.plan.search.objectives
        self.search.complete(proposal, *(means[objective] for objective in objectives))
        self._mark(proposal, means, worker)

    def _mark(self, proposal: Proposal, means: Mapping[str, float], worker: Worker) -> None:
        """Mark the study's best trial, unless one is known here that is better than this one."""
        least = self.plan.search.min_retention
        lacks = 0.0 if least is None else max(0.0, least - means["retention"])
        order = lacks, means["score"], proposal.number
        if self._best is None or order < self._best:
            mark_if_best(worker.site.store, worker.site.parent, proposal.number, least)
            self._best = order

    def _cell(self, proposal: Proposal, seed: int) -> Cell:
        return self.plan.cell(proposal.weight, seed, drawn=proposal.knobs, trial=proposal.number)

    def _run(self, proposal: Proposal, baseline: FinishedRun, worker: Worker) -> FinishedRun:
        """Return the run of a λ and seed, trained if need be."""
        cell = self._cell(proposal, baseline.seed)
        if run := worker.found(cell):
            worker.tick(1, True)
            return run
        init = self._start(baseline, worker.site.store)
        return worker.train(cell, baseline, init=init)

    def _start(self, baseline: FinishedRun, store: Store) -> Embeddings | None:
        """Return the vectors that a trial's training starts from; None: it starts anew."""
        if not self.plan.search.warm_start:
            return None
        return Embeddings.load(store.artifact(baseline.run_id, VECTORS))


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
