"""What a participant in another process is told, and what it does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.corpus.reference import Reference
from debiaslab.study.claims import Claims
from debiaslab.study.plan import Plan
from debiaslab.study.search import Search
from debiaslab.study.search_storage import VARIABLE, explained
from debiaslab.study.taking_part import Participant
from debiaslab.tracking import Store

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

_VARIABLES = ("MLFLOW_TRACKING_URI", VARIABLE)


def _addresses() -> dict[str, str]:
    return {name: os.environ[name] for name in _VARIABLES if name in os.environ}


@dataclass(frozen=True)
class Share:
    """Everything by which a participant finds the study; it can be sent to other processes."""

    root: Path  # folder of the store, absolute
    plan: Plan
    corpus: Reference
    study: str
    parent: str  # MLflow run of the study
    seconds: float  # after which no further trial is begun
    addresses: dict[str, str] = field(default_factory=_addresses, repr=False)  # of servers

    @classmethod
    def of(
        cls, corpus: Corpus, plan: Plan, root: Path, study: str, parent: str, seconds: float
    ) -> Share:
        """Tell of a study whose run and search have been made."""
        return cls(root.absolute(), plan, Reference.of(corpus), study, parent, seconds)


def work(
    share: Share,
    find: Callable[[Share, Store], Corpus],
    done: Callable[[int], None],
) -> None:
    """Take part in a study until nothing is left.

    Args:
        share: The study.
        find: Returns the corpus of it.
        done: Is called with the number of runs this participant has done since the last call.

    Raises:
        UserError: The study cannot go on here.
    """
    os.environ.update(share.addresses)
    store = Store.open(share.root)
    corpus = find(share, store)
    plan = share.plan

    def tick(runs: int, here: bool) -> None:
        if here:  # what was there before is known to the driver
            done(runs)

    with explained(share.root):
        identity = plan.identity(corpus)
        search = Search(share.root, share.study, identity, plan.search_space, plan.search)
        with Claims(search.engine, share.study) as claims:
            Participant(
                store,
                share.root,
                corpus,
                plan,
                share.parent,
                search,
                claims,
                tick,
                deadline=time.monotonic() + share.seconds,
            ).take_part()
