"""Where the workers of a study run: in this process, in several, on a cluster."""

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
    from debiaslab.tracking import Store


_PATIENCE = 60.0  # seconds that interrupted workers have to end their runs properly


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
        """Tell of a study whose run and search have been made."""
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

    ``done`` is called with the number of runs this worker has done since the last call.

    Raises:
        UserError: The study cannot continue here.
    """
    os.environ.update(share.addresses)
    store = Store.open(share.root)
    corpus = find(share, store)
    site = Site(store, share.root, corpus, share.study, share.parent, share.session)

    def tick(runs: int, here: bool) -> None:
        if here:  # what was there before is known to the driver
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
            UserError: What the first worker that failed had to say, or that all of them died.
        """


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection


@dataclass(frozen=True)
class Processes:
    """As many processes as there are workers; they share the pages of one id stream.

    They are not forked from this process, whose PyTorch and MLflow have threads, which do not
    survive a fork, but from one that has imported what they need and done nothing else (where the
    system has no such server of forks, they are started from scratch).

    Args:
        workers: How many.

    Raises:
        UserError: With the threads of a training there would be more of them than cores.
    """

    workers: int

    def check(self, threads: int) -> None:
        """Refuse more threads in all than the machine has cores."""
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
                workers.append(_started(share))
            _listen(workers, done)
        except BaseException:
            _interrupt(workers)
            raise
        _judge(workers)


def _started(share: Share) -> _Worker:
    try:
        context = _context()
        ours, theirs = context.Pipe(duplex=False)
        with theirs:  # its end is seen when the process has it no more
            process = context.Process(target=_main, args=(share, theirs), daemon=False)
            process.start()
    except (EOFError, OSError) as error:
        ended = isinstance(error, (EOFError, ConnectionError))
        why = "the process they are forked from has ended" if ended else str(error)
        raise UserError(
            f"no worker could be started: {why}",
            allowed="a machine with memory for one process more",
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
    """Work; tell of each run done, and of the error that ended it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal; the driver passes it on
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_die_with_driver, daemon=True).start()
    try:
        work(share, Share.open_corpus, pipe.send)
    except UserError as error:
        with suppress(KeyboardInterrupt, OSError):  # the driver has heard another one already
            pipe.send(error)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _stop(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what follows ends the run
    raise KeyboardInterrupt


def _die_with_driver() -> None:
    driver = parent_process()
    if driver is not None:
        driver.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _listen(workers: list[_Worker], done: Callable[[int], object]) -> None:
    """Pass on what the workers tell until all have ended."""
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
    """End the workers as Ctrl-C would, and those that do not end by force."""
    for worker in workers:
        with suppress(OSError):
            worker.process.terminate()
    until = time.monotonic() + _PATIENCE
    for worker in workers:
        worker.process.join(max(until - time.monotonic(), 0.1))
        if worker.process.is_alive():
            worker.process.kill()


def _judge(workers: list[_Worker]) -> None:
    codes = [worker.process.exitcode for worker in workers]
    ended = [code for code in codes if code != 0]
    if len(ended) == len(workers):
        raise UserError(
            f"all {len(workers)} workers died (exit codes {', '.join(map(str, codes))})",
            allowed="a negative code is a signal; -9 is often the system short of memory; 255 says "
            "that it is not known, since the process they were forked from was killed",
            next_step="the same command again, which resumes there; or fewer --workers",
        )
    if ended:
        warnings.warn(
            f"{len(ended)} of {len(workers)} workers died (exit codes "
            f"{', '.join(map(str, ended))}); the others did their work",
            stacklevel=4,
        )
