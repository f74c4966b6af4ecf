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
from debiaslab.metrics.anchored import attribute_words, check_words
from debiaslab.results import trial_rows
from debiaslab.sgns import TrainingDivergedError
from debiaslab.study.claims import Claim
from debiaslab.study.driver import Conduct, conduct_study, open_study_run
from debiaslab.study.executors import Executor
from debiaslab.study.kept import study_note
from debiaslab.study.objective import LEAST_WORDS, SIMILARITY_SETS, Outcome
from debiaslab.study.plan import Plan
from debiaslab.study.run import FinishedRun, UnusableRunError, run_digest, vectors_of
from debiaslab.study.search import Proposal, Search, check_same_study, seeds_tried
from debiaslab.study.search_storage import SEARCH_ERRORS, explained
from debiaslab.study.summary import Summary, has_converged, mark_best, summarise, words_note
from debiaslab.study.worker import Worker
from debiaslab.system.files import check_output, refuse_overwriting
from debiaslab.tracking.names import STRATEGY_TAG
from debiaslab.vectors.words import written_pairs

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.study.cell import Cell


def sweep(
    corpus: Corpus,
    plan: Plan | None = None,
    *,
    root: str | Path = "mlruns",
    submissions: str | Path = "submissions",
    progress: bool = True,
    executor: Executor | None = None,
) -> Summary:
    """Search λ of one strategy until ``plan.trials`` have been tried, logging every run to MLflow.

    It ends before that when ``plan.hours`` have gone by.

    The study is continued when it exists: runs that finished are not trained again. Other
    processes that sweep the same study meanwhile, here or on other machines, share the work.

    Args:
        plan: Strategy, trials, seeds, settings and objective.
        root: Folder of the local store (``MLFLOW_TRACKING_URI`` chooses another for the runs).
        submissions: Folder for the CodaLab files of the best run.
        progress: Whether to draw progress bars.
        executor: What runs several workers, such as ``executors.Processes(2)``; None: this
            process alone does the work, in order.

    Raises:
        UserError: The study belongs to other settings, the corpus lacks the words the strategy or
            the objective needs, every λ failed, or the executor could not end the work.
    """
    conduct = Conduct(Path(root), Path(submissions), executor, progress)
    return conduct_sweep(corpus, plan or Plan(), conduct)


def conduct_sweep(
    corpus: Corpus, plan: Plan, conduct: Conduct, tags: Mapping[str, str] = MappingProxyType({})
) -> Summary:
    """Do what ``sweep`` does, as ``conduct`` says; a study that is made gets the ``tags``."""
    from debiaslab.study.spec import study_of

    coverage = check_sweep(corpus, plan, root=conduct.root, submissions=conduct.submissions)
    name = plan.study_name(corpus)
    trials = Trials(plan)
    with explained(conduct.root):
        source = trials.source(conduct.root, corpus)
    params = {
        **plan.settings.shared(),
        "strategy": plan.strategy,
        "cover": plan.cover,
        **{f"knob.{knob}": value for knob, value in plan.knobs},
        "seeds": list(plan.seeds),
        **asdict(plan.objective),
        **plan.search.identity(),
    }
    site, begun = open_study_run(
        corpus,
        name,
        conduct,
        params=params,
        tags={STRATEGY_TAG: plan.strategy, **tags},
        description=f"Sweep of λ for `{plan.strategy}` on",
    )
    if begun:  # its links need the run's id
        note = study_note(plan, corpus, (site.store.experiment_id, site.parent))
        site.store.describe(site.parent, note)
    site.store.save_view(name, site.parent)
    total = (1 + max(plan.trials, len(source.search.counted))) * len(plan.seeds)
    own = study_of(replace(plan, name=name), corpus.sources, corpus.settings)

    def finish(trained: int) -> Summary:
        words = words_note(coverage, source.references[plan.seeds[0]].reference)
        return replace(summarise(site, source, words, conduct.submissions), trained=trained)

    return conduct_study(site, (trials, source, total), own, conduct, finish)


def check_sweep(
    corpus: Corpus, plan: Plan, *, root: str | Path, submissions: str | Path
) -> regularizers.Coverage:
    """Refuse, without making or training anything, what a sweep would be refused for.

    Returns:
        What the strategy covers.

    Raises:
        UserError: The study belongs to other settings, the corpus lacks the words the strategy or
            the objective needs, or a file would have no place.
    """
    bound = regularizers.bind_strategy(
        plan.create(weight=1.0),
        corpus.words,
        corpus.counts,
        cover=plan.cover,
        dim=plan.settings.dim,
    )
    plan.objective.check_vocabulary(frozenset(corpus.words))
    if plan.objective.ruler != "own":
        words = [word for word in corpus.words if word not in attribute_words()]
        check_words(words, plan.settings.dim, "--ruler own, or a smaller --min-count or --dim")
    if plan.objective.retention_weight > 0 or plan.search.needs_retention:
        _check_similarity(corpus)
    name = plan.study_name(corpus)
    settings = corpus.settings
    check_submission(
        Path(submissions), name, [*corpus.sources, *([settings.mwes] if settings.mwes else [])]
    )
    with explained(Path(root)):
        check_same_study(Path(root), name, plan.identity(corpus))
    return bound.coverage


def check_submission(submissions: Path, name: str, read: Sequence[str | Path]) -> None:
    """Raise a `UserError` if CodaLab files cannot be written, or would replace what is read."""
    files = [submissions / f"{name}{ending}" for ending in (".zip", ".csv")]
    check_output(files[0])
    refuse_overwriting([("the CodaLab file", file) for file in files], read)


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


@dataclass(frozen=True)
class Trials:
    """The trials of a plan, as other processes receive them."""

    plan: Plan

    @property
    def threads(self) -> int:
        """Threads of one training."""
        return self.plan.settings.threads

    def source(self, root: Path, corpus: Corpus) -> DrawnTrials:
        """Return what there is to do, by the databases in ``root``; the time begins now.

        Raises:
            UserError: A study of this name belongs to another corpus, objective or setting.
        """
        plan, name = self.plan, self.plan.study_name(corpus)
        search = Search(root, name, plan.identity(corpus), plan.search_space, plan.search)
        seconds = math.inf if plan.hours is None else plan.hours * 3600
        return DrawnTrials(plan, search, time.monotonic() + seconds)


class DrawnTrials:
    """What is left of a search, as one worker knows it.

    Args:
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
        baselines = [self.plan.cell(0.0, seed) for seed in self.plan.seeds]
        self.references = worker.baselines(baselines)
        for baseline in self.references.values():
            if self.plan.search.needs_retention and baseline.measured.retention_tune is None:
                raise UserError(
                    "the baseline's word similarity is zero, negative or not measurable on this "
                    f"corpus (seed {baseline.seed}), so retention has no meaning",
                    next_step="a larger corpus, more --epochs, or --objectives score without "
                    "--min-retention in a new study",
                )
        with worker.alone("restoring"):
            lost = self.lost(worker)
            tried = len(self.search.counted) * len(self.references)
            worker.tick(tried - len(lost), False)
            for proposal, seed in lost:
                self._run(proposal, self.references[seed], worker)
            return len(lost)

    def lost(self, worker: Worker) -> list[tuple[Proposal, int]]:
        """Return what was tried but has no finished run in the tracking store, with its seed."""
        if not self.search.counted:
            return []
        runs = worker.site.store.runs(worker.site.parent)
        there = {run_digest(run) for run in runs if run.status == "FINISHED"}
        return [
            (proposal, seed)
            for position, trial in self.search.counted.items()
            if (proposal := self.search.proposed(position, trial)) is not None
            for seed in seeds_tried(trial, self.plan.seeds)
            if self._cell(proposal, seed).digest not in there
        ]

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
        least = self.plan.search.min_retention
        lacks = 0.0 if least is None else max(0.0, least - means["retention"])
        order = lacks, means["score"], proposal.number
        if self._best is None or order < self._best:  # else it is not the best of the study either
            self._best = order
            store, parent = worker.site.store, worker.site.parent
            mark_best(store, parent, trial_rows(store.runs(parent), least))

    def _cell(self, proposal: Proposal, seed: int) -> Cell:
        return self.plan.cell(proposal.weight, seed, drawn=proposal.knobs, trial=proposal.number)

    def _run(self, proposal: Proposal, baseline: FinishedRun, worker: Worker) -> FinishedRun:
        """Return the run of a λ and seed, trained if need be."""
        cell = self._cell(proposal, baseline.seed)
        if run := worker.found(cell):
            worker.tick(1, True)
            return run
        warm = self.plan.search.warm_start
        init = vectors_of(worker.site.store, baseline.run_id) if warm else None
        return worker.train(cell, baseline, init=init)
