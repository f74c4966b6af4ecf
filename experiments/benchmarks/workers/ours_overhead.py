"""Where the time of a trial goes, besides its training and its scorecard."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any

import optuna

from debiaslab import tracking
from debiaslab.corpus import Corpus
from debiaslab.leaderboard import export
from debiaslab.sgns import TrainSettings
from debiaslab.study import run, sweep
from debiaslab.study.claims import Claims
from debiaslab.study.plan import Plan
from debiaslab.study.search import Search
from debiaslab.study.sweeping import DrawnTrials
from debiaslab.study.worker import Worker
from debiaslab.vectors.embeddings import Embeddings


class Clock:
    """Seconds by kind of work; what is inside another kind counts for itself alone.

    Of the clock on the wall, and those in which a processor worked for this process: the others it
    waited for the disk, or for other programs.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._kinds: list[str] = []
        self._since = _now()

    def _switch(self) -> None:
        now = _now()
        if self._kinds:
            spent = self._seconds[self._kinds[-1]]
            for i in (0, 1):
                spent[i] += now[i] - self._since[i]
        self._since = now

    def timed(self, function: Callable[..., Any], kind: str) -> Callable[..., Any]:
        """Return the function with its time counted under a kind."""

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            self._switch()
            self._kinds.append(kind)
            try:
                return function(*args, **kwargs)
            finally:
                self._switch()
                self._kinds.pop()

        return call

    def lap(self) -> dict[str, list[float]]:
        """Return the seconds since the last lap, each by the wall and of the processor."""
        self._switch()
        seconds = dict(self._seconds)
        self._seconds.clear()
        return seconds

    def watch(self, owner: Any, kind: str, *names: str) -> None:
        """Count the time of functions of a module or methods of a class; no name: of all."""
        own = [name for name, value in vars(owner).items() if isinstance(value, FunctionType)]
        for name in names or own:
            setattr(owner, name, self.timed(getattr(owner, name), kind))


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def main(text: list[str], cache: str, trials: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Sweep and return the seconds of each trial by kind; the first holds the baseline's too."""
    corpus = Corpus.build(text, cache=cache, progress=False)
    clock = Clock()
    clock.watch(run, "training", "train")
    clock.watch(run, "scorecard", "evaluate", "measure_reference")
    clock.watch(export, "files", "codalab")
    clock.watch(Embeddings, "files", "save")
    clock.watch(Search, "optuna")
    clock.watch(Claims, "optuna", "_execute", "_holder")
    clock.watch(optuna.Study, "optuna", "ask", "tell", "get_trials")
    for owner in (tracking.Store, tracking.RunWriter, tracking.RunLog):
        clock.watch(owner, "mlflow")
    by_trial = []
    try_one = DrawnTrials._try
    clock.watch(Worker, "rest", "run")

    def counted(*args: Any) -> None:
        try_one(*args)
        by_trial.append(clock.lap())

    DrawnTrials._try = counted  # type: ignore[method-assign, assignment]
    with tempfile.TemporaryDirectory() as root:
        plan = Plan(trials=trials, seeds=(1,), settings=TrainSettings(**settings))
        sweep(corpus, plan, root=root, submissions=f"{root}/out", progress=False)
    return {"trials": by_trial, "types": len(corpus)}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
