"""A Dask cluster to work on: the only file that imports ``distributed``, an optional extra."""

from __future__ import annotations

import logging
import os
import platform
import re
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar
from unicodedata import unidata_version

from debiaslab.corpus.corpus import CorpusReference
from debiaslab.errors import UserError
from debiaslab.study.executors import Share, work
from debiaslab.study.kept import find_corpus, keep_corpus

if TYPE_CHECKING:
    from distributed import Client

    from debiaslab.corpus import Corpus
    from debiaslab.tracking import Store


Item = TypeVar("Item")
Result = TypeVar("Result")
Message = TypeVar("Message")

PATIENCE = 5  # seconds that a scheduler has to answer
_ADDRESS = re.compile(r"(tcp|tls)://[^\s@/]+:\d+")  # Dask has no users and passwords


@contextmanager
def connected(scheduler: str | None = None, workers: int | None = None) -> Iterator[Client]:
    """Yield a client of a cluster; at the end a cluster that was made here is taken down.

    Args:
        scheduler: Address of a scheduler, such as ``tcp://10.0.0.1:8786``; None makes a cluster of
            processes on this machine.
        workers: Processes of that cluster; None: one for each core.

    Raises:
        UserError: Dask is not installed, or no scheduler can have the address, or none answers.
    """
    try:
        import distributed
    except ImportError as error:
        raise _not_installed() from error
    if scheduler is None:
        with (
            distributed.LocalCluster(
                n_workers=workers or os.cpu_count(),
                threads_per_worker=1,  # Python threads share one interpreter lock
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,  # a call that fails is raised here
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            yield client
        return
    with _client(scheduler) as client:
        if not client.nthreads():
            warnings.warn(
                f"the scheduler at {scheduler} has no worker yet: waiting for one, such as "
                f"`dask worker {scheduler}`",
                stacklevel=3,
            )
        yield client


def check_address(scheduler: str | None) -> None:
    """Raise a `UserError` if Dask is not installed or no scheduler can have the address.

    No scheduler is asked; None stands for a cluster made here.
    """
    if find_spec("distributed") is None:
        raise _not_installed()
    if scheduler is not None and not _ADDRESS.fullmatch(scheduler):
        raise UserError(
            f"--scheduler was {redacted_address(scheduler)!r}",
            allowed="the address that `dask scheduler` prints, such as tcp://10.0.0.1:8786",
        )


def redacted_address(scheduler: str) -> str:
    """Return the address of a scheduler with credentials redacted."""
    return re.sub(".*@", "***@", scheduler)


def _not_installed() -> UserError:
    return UserError("Dask is not installed here", next_step="pip install 'debiaslab[dask]'")


def _client(scheduler: str) -> Client:
    import distributed

    check_address(scheduler)
    certificates = distributed.Security().get_connection_args("client").get("ssl_context")
    if scheduler.startswith("tls:") and certificates is None:
        raise UserError(
            f"--scheduler was {scheduler!r}, but Dask has no TLS certificate here",
            next_step="distributed.comm.tls in Dask's configuration, or a scheduler at tcp://",
        )
    try:
        return distributed.Client(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise UserError(
            f"no Dask scheduler answers at {scheduler} within {PATIENCE} seconds",
            next_step="dask scheduler --host HOST --port PORT there and dask worker with that "
            "address, then the same command again; or no --scheduler, for this machine alone",
        ) from error


def map_on(
    client: Client,
    function: Callable[[Item], Result],
    items: Sequence[Item],
    /,
    *,
    progress: bool = False,
) -> Iterator[Result]:
    """Call a function for every item on the cluster, yielding the results in order.

    When a worker dies its call is made again on another worker, up to three times.

    Raises:
        UserError: A call raised one, a worker lacks this package, a file or a folder, or the item
            took all its workers down.
    """
    from distributed import KilledWorker
    from tqdm import tqdm

    bar = tqdm(
        total=len(items), desc="on the cluster", unit="part", leave=False, disable=not progress
    )
    try:
        with bar, _calls(client, function, items) as futures:
            for future in futures:
                yield future.result()
                future.release()
                bar.update()
    except KilledWorker as error:
        raise UserError(
            f"the work was given up: several workers died of it, the last at "
            f"{error.last_worker.address}",
            next_step="workers with more memory, or fewer of them on each machine",
        ) from error


def run_copies(
    client: Client,
    function: Callable[[Callable[[Message], None]], object],
    copies: int,
    on_message: Callable[[Message], object],
) -> None:
    """Run copies of a function on the cluster until all have returned.

    When a worker dies its copy is started again on another worker, up to three times. Copies that
    are given up cause a warning if another one returns, and an error otherwise.

    Args:
        client: Client of the cluster.
        function: Can be pickled. Its argument sends a message to the caller, and raises UserError
            once the caller has ended.
        copies: How many.
        on_message: Called with each message, in another thread.

    Raises:
        UserError: As for ``map_on``; all copies were given up.
    """
    from distributed import Event, KilledWorker, as_completed

    topic = f"debiaslab-{uuid.uuid4()}"
    over = Event(topic, client=client)
    client.subscribe_topic(topic, lambda event: on_message(event[1]))
    died = 0
    try:
        with _calls(client, partial(_copy, function, topic), range(copies)) as futures:
            for future in as_completed(futures, loop=client.loop):
                try:
                    future.result()
                except KilledWorker:
                    died += 1
    finally:
        over.set()
        client.unsubscribe_topic(topic)
    if died == copies:
        raise UserError(
            "the cluster's workers die of the work: every participant was started several times",
            allowed="workers with enough memory: Dask ends those that exceed their --memory-limit",
            next_step="the same command again, which resumes there",
        )
    if died:
        warnings.warn(
            f"{died} of {copies} participants were given up, their workers died several times; "
            "the others did their work",
            stacklevel=4,
        )


def _copy(function: Callable[[Callable[[Message], None]], object], topic: str, number: int) -> None:
    from distributed import Event, get_worker

    worker = get_worker()

    def tell(message: Message) -> None:
        worker.log_event(topic, message)
        if Event(topic).is_set():
            raise UserError("the command that started this work has ended")

    function(tell)


@contextmanager
def _calls(
    client: Client, function: Callable[[Item], Result], items: Sequence[Item]
) -> Iterator[list[Any]]:
    """Yield the futures of a call for every item; turn their failures into one sentence."""
    call = partial(_called, function, unidata_version)
    futures = client.map(call, items, pure=False)
    try:
        yield futures
    except ImportError as error:
        raise UserError(
            f"a worker of the cluster lacks a package ({error})",
            next_step="pip install 'debiaslab[dask]' there, the version and Python as here",
        ) from error
    except CancelledError as error:
        raise UserError(
            "the Dask scheduler has gone away",
            next_step="the same command again when it is back: what was done is kept",
        ) from error
    finally:
        client.cancel(futures)


def _called(function: Callable[[Item], Result], unicode: str, item: Item) -> Result:
    """Call a function on a worker; an error names the worker."""
    from distributed import get_worker

    where = f"the Dask worker {get_worker().address}"
    if unidata_version != unicode:
        raise UserError(
            f"the Python of {where} knows Unicode {unidata_version}, the one here {unicode}: it "
            "could split a text into other words",
            next_step="the same Python on all machines",
        )
    try:
        return function(item)
    except UserError as error:
        raise UserError(f"{error} (on {where})") from error
    except OSError as error:
        raise UserError(
            f"{where} cannot use {error.filename}: {error.strerror}",
            allowed="texts and a cache folder that every worker has under the same path",
        ) from error


@dataclass(frozen=True)
class DaskCluster:
    """One participant for each thread of a Dask cluster.

    Args:
        scheduler: Address of its scheduler; None: a cluster of processes of this machine.
        workers: Participants; None: one for each thread that the cluster has at the start.
    """

    scheduler: str | None = None
    workers: int | None = None

    def check(self) -> None:
        """Raise a `UserError`, before any work, without Dask or an answer of the scheduler."""
        if self.scheduler is not None or find_spec("distributed") is None:
            with connected(self.scheduler):
                pass

    def run(self, share: Share, store: Store, done: Callable[[int], object]) -> None:
        """Run the participants; when a worker dies its participant starts again on another."""
        own = self.workers if self.scheduler is None else None
        with connected(self.scheduler, own) as client:
            client.wait_for_workers(1)
            if store.local:
                _refuse_other_hosts(client)
            if not all(client.run(_has_corpus, share.corpus).values()):
                keep_corpus(store, share.parent, share.open_corpus())
            copies = self.workers or sum(client.nthreads().values())
            run_copies(client, partial(work, share, _find_corpus), copies, done)


def _find_corpus(share: Share, store: Store) -> Corpus:
    return find_corpus(store, share.parent, share.corpus, share.corpus.path.parent)


def _has_corpus(corpus: CorpusReference) -> bool:
    return corpus.find(corpus.path.parent) is not None


def _host() -> str:
    return platform.node()


def _refuse_other_hosts(client: Client) -> None:
    """Refuse workers of other machines when the store is a file of this one."""
    others = sorted(set(client.run(_host).values()) - {platform.node()})
    if others:
        raise UserError(
            f"the tracking store is an sqlite file of this machine, but workers run on "
            f"{', '.join(others[:3])}" + (" and others" if len(others) > 3 else ""),
            allowed="an MLflow server (MLFLOW_TRACKING_URI) and a database server for the search "
            "(DEBIASLAB_OPTUNA_STORAGE), which all machines reach",
        )
