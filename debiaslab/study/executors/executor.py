"""What the sweep asks of an executor."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from debiaslab.study.executors.share import Share
    from debiaslab.tracking import Store


class Executor(Protocol):
    """Something that runs participants of a sweep."""

    def run(self, share: Share, store: Store, done: Callable[[int], object]) -> None:
        """Run participants until nothing is left.

        Args:
            share: What each of them is told.
            store: Tracking store of the study, for what they need to find in it.
            done: To be called with the number of runs that have been done since the last call.

        Raises:
            UserError: What the first participant that failed had to say, or that all of them died.
        """
