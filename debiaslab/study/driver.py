"""The driver of every study: it opens the study's run, and has its cells trained.

They are trained in this process, in several or on a cluster. Whoever trains a cell claims it, so
that the same command continues a study that was killed, and several commands can share one.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from tqdm import tqdm

from debiaslab.errors import UserError
from debiaslab.study.claims import Claims
from debiaslab.study.cluster import DaskCluster
from debiaslab.study.executors import Executor, Job, Share
from debiaslab.study.kept import keep_corpus, log_study_file, renew_report
from debiaslab.study.run import Site, dataset_info, log_provenance
from debiaslab.study.search_storage import explained, on_a_server
from debiaslab.study.worker import TaskSource, Worker
from debiaslab.system.provenance import redact
from debiaslab.tracking import Store
from debiaslab.tracking.contact import locate
from debiaslab.tracking.names import CORPUS_TAG, NOTES, check_study_name

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.settings.study import StudyFile


class Finding(Protocol):
    """What a study found; its page shows both."""

    @property
    def warnings(self) -> Sequence[str]:
        """What keeps the finding from being trusted."""

    @property
    def findings(self) -> Sequence[str]:
        """What the search or the controls show, line by line."""


Found = TypeVar("Found", bound=Finding)


@dataclass(frozen=True)
class ListedFinding:
    """What a study found whose cells are listed."""

    name: str
    parent: str  # MLflow run
    failures: tuple[str, ...]  # why cells are empty

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why cells are empty."""
        return tuple(f"empty: {failure}" for failure in self.failures)


@dataclass(frozen=True)
class Conduct:
    """How a study is run, which does not change what it finds.

    Attributes:
        root: Folder of the local store (``MLFLOW_TRACKING_URI`` chooses another for the runs).
        submissions: Folder for CodaLab files.
        executor: What runs several workers, such as ``executors.Processes(2)``; None: this
            process does the work alone, in order.
        progress: Whether to draw progress bars.
        file: The study file that the study was started with, kept with it.
    """

    root: Path = Path("mlruns")
    submissions: Path = Path("submissions")
    executor: Executor | None = None
    progress: bool = True
    file: StudyFile | None = None


def existing_store(root: str | Path) -> Store | None:
    """Return the tracking store; None when there is none, and none is made."""
    database = locate(root).database  # None: a server, which is asked
    if database is not None and not database.is_file():
        return None
    return Store.read(root)


def refuse_other_settings(
    name: str, root: str | Path, shared: Mapping[str, object], *, kind: str, free: str
) -> None:
    """Raise if a study of that name was made with other settings.

    Args:
        name: Of the study.
        root: Folder of the store; none is made.
        shared: What must be equal for a study to be continued, as it was logged.
        kind: What it is called.
        free: What may differ.

    Raises:
        UserError: The study was made with other settings, or there is none and none can have the
            name.
    """
    store = existing_store(root)
    found = None if store is None else store.find_study(name)
    if found is None:
        check_study_name(name)
        return
    other = [
        f"{key}: {found.params[key]} → {value}"
        for key, value in shared.items()
        if key in found.params and found.params[key] != str(value)
    ]
    if other:
        raise UserError(
            f"the {kind} {name!r} was made with other settings ({', '.join(other)})",
            allowed=f"the settings it was made with, and any {free}",
            next_step="another --study name",
        )


def open_study_run(
    corpus: Corpus,
    name: str,
    conduct: Conduct,
    *,
    params: Mapping[str, object],
    tags: Mapping[str, object],
    description: str,
) -> tuple[Site, bool]:
    """Return where the cells of a study are trained, and whether the study has just been made.

    Args:
        name: Name of the study.
        conduct: How it is run.
        params: Its settings besides the name of its corpus.
        tags: Its tags, besides that.
        description: A sentence that ends in ``on``; the name of the corpus follows.
    """
    store = Store.open(conduct.root)
    begun = store.find_study(name) is None
    if begun:
        check_study_name(name)
    if begun and (lost := store.deleted_study(name)) is not None:
        warnings.warn(
            f"the run {lost} of the study {name!r} was deleted in MLflow: the runs under it are "
            "not found, and are trained again. To have them back, end this command, then: "
            f"MLFLOW_TRACKING_URI={redact(store.uri)} "
            f"python -m mlflow runs restore --run-id {lost}",
            stacklevel=3,
        )
    parent = store.study(
        name,
        create=True,
        params={**params, "corpus": corpus.name, "corpus_fingerprint": corpus.fingerprint},
        tags={CORPUS_TAG: corpus.name, **tags},
        description=f"{description} {corpus.name}.",
    )
    return Site(store, conduct.root, corpus, name, parent, uuid.uuid4().hex), begun


def conduct_study(
    site: Site,
    work: tuple[Job, TaskSource, int],
    own: StudyFile,
    conduct: Conduct,
    finish: Callable[[int], Found],
) -> Found:
    """Have the rest of a study done, and return what ``finish`` makes of it.

    Args:
        work: What there is to do, as other processes receive it and as this one sees it, and the
            number of runs in all.
        own: The study's own file, kept with it.
        conduct: How it is run.
        finish: Called when nothing is left, by one command at a time, with the number of runs that
            were trained. The report is made of what it has logged.

    Raises:
        UserError: The store or the search's database failed, or the executor did.
    """
    job, source, total = work
    bar = tqdm(total=total, desc=site.name, unit="run", disable=not conduct.progress)
    shown = _Progress(bar)
    site.store.reconcile(site.parent)
    with explained(conduct.root), ExitStack() as at_the_end:
        at_the_end.callback(source.engine.dispose)  # sqlite then folds its log into the file
        claims = at_the_end.enter_context(Claims(source.engine, site.name))
        at_the_end.enter_context(bar)
        with site.store.resume(site.parent) as log:
            log.dataset(dataset_info(site.corpus))
            log_provenance(log)
            log_study_file(log, site.store, own, conduct.file)
            log.flush()  # a study that is killed is found by these tags
            worker = Worker(site, source, claims, shown.tick)
            _keep_for_others(worker, conduct.executor)
            if conduct.executor is None:
                worker.site = replace(site, progress=conduct.progress)
                lost = worker.run()
            else:
                there = site.store.runs(site.parent)
                bar.update(sum(run.status == "FINISHED" for run in there))
                lost = len(source.lost(worker))  # the workers will train them again
                conduct.executor.run(Share.of(site, job), site.store, shown.done)
                source.begin(replace(worker, tick=lambda runs, here: None))  # what they have done
        if lost:
            warnings.warn(
                f"{lost} runs of the study were not in the tracking store: they were trained again",
                stacklevel=3,
            )
        with worker.alone("summary"):
            found = finish(shown.trained)
            said = {"warnings": list(found.warnings), "findings": list(found.findings)}
            site.store.writer(site.parent).json(said, NOTES)
            renew_report(site.store, site.name, site.parent)
            return found


def _keep_for_others(worker: Worker, executor: Executor | None) -> None:
    """Keep the corpus with a study on two servers, which machines without its text may join.

    A cluster keeps it itself, if its workers do not see the folder.
    """
    site = worker.site
    joined = not site.store.local and on_a_server()
    if joined and not isinstance(executor, DaskCluster):
        with worker.alone("keeping the corpus"):
            keep_corpus(site.store, site.parent, site.corpus)


class _Progress:
    """The bar of a study, and how many runs have been trained under it."""

    def __init__(self, bar: tqdm) -> None:
        self.trained = 0
        self._bar = bar

    def tick(self, runs: int, here: bool) -> None:
        """Count runs; those that were there before are not ``here``."""
        self._bar.update(runs)
        self.trained += runs * here

    def done(self, runs: int) -> None:
        """Count runs that other workers have trained."""
        self.tick(runs, True)
