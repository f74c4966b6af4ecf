"""How the workers of a study are run: here, in several processes, or on a cluster."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_all_start_methods, get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from debiaslab.corpus.corpus import CorpusReference
from debiaslab.errors import UserError
from debiaslab.study.claims import Claims
from debiaslab.study.run import Site
from debiaslab.study.search_storage import VARIABLE, explained
from debiaslab.study.worker import TaskSource, Worker
from debiaslab.tracking import Store

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

    from debiaslab.corpus import Corpus


_PATIENCE = 60.0  # seconds that interrupted workers have to close their runs


class Job(Protocol):
    """What there is to do in a study; it can be sent to other processes."""

    @property
    def threads(self) -> int:
        """Threads of one training."""

    def source(self, root: Path, corpus: Corpus) -> TaskSource:
        """Return what is left of it on a corpus, by the databases in the folder ``root``."""


@dataclass(frozen=True)
class Share:
    """Everything by which a worker finds the study; it can be sent to other processes."""

    root: Path  # folder of the store, absolute
    job: Job
    corpus: CorpusReference
    study: str
    parent: str  # MLflow run of the study
    session: str
    addresses: dict[str, str] = field(repr=False)  # of servers, by variable of the environment

    @classmethod
    def of(cls, site: Site, job: Job) -> Share:
        """Return what finds a study whose run and search have been made."""
        corpus, names = CorpusReference.of(site.corpus), ("MLFLOW_TRACKING_URI", VARIABLE)
        addresses = {name: os.environ[name] for name in names if name in os.environ}
        root = site.root.absolute()
        return cls(root, job, corpus, site.name, site.parent, site.session, addresses)

    def open_corpus(self, _: Store | None = None) -> Corpus:
        """Return the encoded corpus from its own folder; raise a `UserError` if it is gone."""
        corpus = self.corpus.find(self.corpus.path.parent)
        if corpus is None:
            raise UserError(
                f"the encoded corpus {self.corpus.path} is gone", next_step="the same command again"
            )
        return corpus


def work(share: Share, find: Callable[[Share, Store], Corpus], done: Callable[[int], None]) -> None:
    """Take part in a study, whose corpus ``find`` returns, until nothing is left.

    ``done`` is called with the number of runs that this worker has done since the last call.

    Raises:
        UserError: The study cannot continue here.
    """
    os.environ.update(share.addresses)
    store = Store.open(share.root)
    corpus = find(share, store)
    site = Site(store, share.root, corpus, share.study, share.parent, share.session)

    def tick(runs: int, here: bool) -> None:
        if here:  # the driver counts what was there before
            done(runs)

    with explained(share.root):
        source = share.job.source(share.root, corpus)
        with Claims(source.engine, share.study) as claims:
            Worker(site, source, claims, tick).run()


class Executor(Protocol):
    """Something that runs the workers of a study."""

    def run(self, share: Share, store: Store, done: Callable[[int], object]) -> None:
        """Run workers, each of which receives ``share``, until nothing is left.

        ``done`` is called with the number of runs that have been done since the last call.

        Raises:
            UserError: The error of the first worker that failed, or all of them died.
        """


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection


@dataclass(frozen=True)
class Processes:
    """Several processes of this machine; they share the memory of one encoded corpus.

    They are not forked from this process: PyTorch and MLflow have threads here, which do not
    survive a fork. They are forked from a process that has imported what they need and done nothing
    else or, on systems without fork servers, started from scratch.
    """

    workers: int  # processes

    def check(self, threads: int) -> None:
        """Raise a `UserError` if trainings of so many threads need more cores than there are."""
        cores = os.cpu_count() or 1
        if self.workers < 1 or (self.workers > 1 and self.workers * threads > cores):
            raise UserError(
                f"--workers was {self.workers}, with {threads} thread{'s' * (threads != 1)} each",
                allowed=f"1 to {max(cores // threads, 1)} on this machine of {cores} cores",
            )

    def run(self, share: Share, store: Store, done: Callable[[int], object]) -> None:
        """Run the workers; if one is killed, the others do its work, with a warning."""
        self.check(share.job.threads)
        workers: list[_Worker] = []
        try:
            while len(workers) < self.workers:
                workers.append(_start(share))
            _listen(workers, done)
        except BaseException:
            _interrupt(workers)
            raise
        _check_exit_codes(workers)


def _start(share: Share) -> _Worker:
    try:
        context = _context()
        ours, theirs = context.Pipe(duplex=False)
        with theirs:  # closed here, so that the pipe ends when the process does
            process = context.Process(target=_main, args=(share, theirs), daemon=False)
            process.start()
    except (EOFError, OSError) as error:
        ended = isinstance(error, (EOFError, ConnectionError))
        why = "the process they are forked from has ended" if ended else str(error)
        raise UserError(
            f"no worker could be started: {why}",
            allowed="a machine with memory for one more process",
            next_step="the same command again, which resumes there; or fewer --workers",
        ) from error
    return _Worker(process, ours)


def _context() -> SpawnContext | ForkServerContext:
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["debiaslab.study.preload"])
    from multiprocessing.forkserver import ensure_running  # not on every system

    ensure_running()
    return context


def _main(share: Share, pipe: Connection) -> None:
    """Work; send the driver each number of runs done, or the error that ended the work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the driver, which passes it on
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_die_with_driver, daemon=True).start()
    try:
        work(share, Share.open_corpus, pipe.send)
    except UserError as error:
        with suppress(KeyboardInterrupt, OSError):  # another error has reached the driver
            pipe.send(error)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _stop(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not cut off the cleaning up
    raise KeyboardInterrupt


def _die_with_driver() -> None:
    driver = parent_process()
    if driver is not None:
        driver.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _listen(workers: list[_Worker], done: Callable[[int], object]) -> None:
    """Pass on the messages of the workers until all have ended."""
    open_ = [worker.pipe for worker in workers]
    while open_:
        for pipe in wait(open_):
            assert isinstance(pipe, Connection)
            try:
                message = pipe.recv()
            except EOFError:  # it has ended, well or not
                open_.remove(pipe)
                continue
            if isinstance(message, BaseException):
                raise message
            done(message)
    for worker in workers:
        worker.process.join()


def _interrupt(workers: list[_Worker]) -> None:
    """End the workers as Ctrl-C would; kill those that do not end."""
    for worker in workers:
        with suppress(OSError):
            worker.process.terminate()
    until = time.monotonic() + _PATIENCE
    for worker in workers:
        worker.process.join(max(until - time.monotonic(), 0.1))
        if worker.process.is_alive():
            worker.process.kill()


def _check_exit_codes(workers: list[_Worker]) -> None:
    codes = [worker.process.exitcode for worker in workers]
    ended = [code for code in codes if code != 0]
    if len(ended) == len(workers):
        raise UserError(
            f"all {len(workers)} workers died (exit codes {', '.join(map(str, codes))})",
            allowed="a negative code is a signal; -9 often means that memory ran out; 255 that the "
            "code is unknown, since the process they were forked from was killed",
            next_step="the same command again, which resumes there; or fewer --workers",
        )
    if ended:
        warnings.warn(
            f"{len(ended)} of {len(workers)} workers died (exit codes "
            f"{', '.join(map(str, ended))}); the others did their work",
            stacklevel=4,
        )
