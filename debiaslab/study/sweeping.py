"""The sweep: a baseline for each seed, then λ after λ, each over all seeds."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from debiaslab import regularizers
from debiaslab.errors import UserError
from debiaslab.metrics import load_similarity
from debiaslab.results import trial_rows
from debiaslab.study.claims import Claims
from debiaslab.study.cluster import DaskCluster
from debiaslab.study.description import study_note
from debiaslab.study.executors import Executor, Share
from debiaslab.study.kept import keep_corpus, log_study_file
from debiaslab.study.objective import LEAST_WORDS, SIMILARITY_SETS
from debiaslab.study.plan import Plan
from debiaslab.study.run import dataset_info, log_provenance
from debiaslab.study.search import Search, check_same_study
from debiaslab.study.search_storage import explained, on_a_server
from debiaslab.study.summary import Summary, summarise, words_note
from debiaslab.study.worker import Participant
from debiaslab.system.outputs import check_output, refuse_overwriting
from debiaslab.tracking import Store
from debiaslab.tracking.names import CORPUS_TAG, STRATEGY_TAG
from debiaslab.vectors.words import written_pairs

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.study.spec import StudyFile


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
        executor: What runs several participants, such as ``executors.Processes(2)``; None: this
            process alone does the work, in order.

    Raises:
        UserError: The study belongs to other settings, the corpus lacks the words the strategy or
            the objective needs, every λ failed, or the executor could not end the work.
    """
    plan = plan or Plan()
    coverage = check_sweep(corpus, plan, root=root, submissions=submissions)
    name = plan.study_name(corpus)
    store = Store.open(root)
    with explained(Path(root)):
        search = Search(Path(root), name, plan.identity(corpus), plan.search_space, plan.search)
        parent = _parent(store, name, corpus, plan)
        store.reconcile(parent)
        with Claims(search.engine, name) as claims:
            with (
                store.resume(parent) as log,
                _bar(plan, search, name, disable=not progress) as bar,
            ):
                log.dataset(dataset_info(corpus))
                log_provenance(log)
                log_study_file(store, log, name, corpus, plan, file)
                log.flush()  # by these tags a sweep that is killed is found and resumed
                shown = _Progress(bar)
                driver = Participant(
                    store, Path(root), corpus, plan, parent, search, claims, shown.tick
                )
                _keep_for_others(driver, executor)
                if executor is None:
                    driver.progress = progress
                    driver.deadline = time.monotonic() + _seconds(plan)
                    lost = driver.take_part()
                else:
                    bar.update(len(trial_rows(store.runs(parent))))
                    share = Share.of(corpus, plan, Path(root), name, parent, _seconds(plan))
                    lost = len(driver.lost())  # the participants will train them again
                    executor.run(share, store, shown.done)
            if lost:
                warnings.warn(
                    f"{lost} runs of the study were not in the tracking store: they were trained "
                    "again",
                    stacklevel=2,
                )
            with driver.alone("summary"):
                words = words_note(coverage, driver.baselines()[plan.seeds[0]].yardstick)
                found = summarise(
                    store, parent, name, words, search, Path(submissions), plan, corpus
                )
            return replace(found, trained=shown.trained)


def _keep_for_others(driver: Participant, executor: Executor | None) -> None:
    """Keep the corpus with the study where machines without its text may join: on two servers.

    A cluster keeps it itself, when its workers do not see the folder it is in.
    """
    joined = not driver.store.local and on_a_server()
    if joined and not isinstance(executor, DaskCluster):
        with driver.alone("keeping the corpus"):
            keep_corpus(driver.store, driver.parent, driver.corpus)


def _bar(plan: Plan, search: Search, name: str, *, disable: bool) -> tqdm:
    runs = (1 + max(plan.trials, len(search.counted))) * len(plan.seeds)
    return tqdm(total=runs, desc=name, unit="run", disable=disable)


class _Progress:
    """The bar of a sweep, and how many runs have been trained under it."""

    def __init__(self, bar: tqdm) -> None:
        self.trained = 0
        self._bar = bar

    def tick(self, runs: int, here: bool) -> None:
        """Count runs; those that were there before are not ``here``."""
        self._bar.update(runs)
        self.trained += runs * here

    def done(self, runs: int) -> None:
        """Count runs that other participants have trained."""
        self.tick(runs, True)


def _seconds(plan: Plan) -> float:
    return math.inf if plan.hours is None else plan.hours * 3600


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
        tags={STRATEGY_TAG: plan.strategy, CORPUS_TAG: corpus.name},
        description=f"Sweep of λ for `{plan.strategy}` on {corpus.name}.",
    )
    if found is None:  # its links need the run's id
        store.describe(parent, study_note(plan, corpus, store.experiment_id, parent))
    store.save_view(name, parent)
    return parent
