"""Participants on the workers of a Dask cluster."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from debiaslab.corpus.reference import Reference
from debiaslab.errors import UserError
from debiaslab.study.cluster import connected, run_copies
from debiaslab.study.corpus_store import find_corpus, keep_corpus
from debiaslab.study.executors.share import Share, work

if TYPE_CHECKING:
    from distributed import Client

    from debiaslab.corpus import Corpus
    from debiaslab.tracking import Store


@dataclass(frozen=True)
class DaskCluster:
    """One participant for each thread of a Dask cluster.

    Args:
        scheduler: Address of its scheduler; None: a cluster of processes of this machine.
        workers: How many participants; None: one for each thread there is at the start.
    """

    scheduler: str | None = None
    workers: int | None = None

    def check(self) -> None:
        """Make sure, before any work, that Dask is installed and the scheduler answers."""
        if self.scheduler is not None or find_spec("distributed") is None:
            with connected(self.scheduler):
                pass

    def run(self, share: Share, store: Store, done: Callable[[int], object]) -> None:
        """Run the participants; one whose worker died is begun again on another."""
        own = self.workers if self.scheduler is None else None
        with connected(self.scheduler, own) as client:
            client.wait_for_workers(1)
            if store.local:
                _refuse_other_hosts(client)
            if not all(client.run(_has_corpus, share.corpus).values()):
                keep_corpus(store, share.parent, _corpus(share))
            copies = self.workers or sum(client.nthreads().values())
            run_copies(client, partial(_take_part, share), copies, done)


def _take_part(share: Share, tell: Callable[[int], None]) -> None:
    work(share, _find_corpus, tell)


def _find_corpus(share: Share, store: Store) -> Corpus:
    return find_corpus(store, share.parent, share.corpus, share.corpus.path.parent)


def _has_corpus(corpus: Reference) -> bool:
    return corpus.find(corpus.path.parent) is not None


def _corpus(share: Share) -> Corpus:
    corpus = share.corpus.find(share.corpus.path.parent)
    if corpus is None:
        raise UserError(
            f"the encoded corpus {share.corpus.path} is gone", next_step="the same command again"
        )
    return corpus


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
