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

from debiaslab import export, tracking
from debiaslab.corpus import Corpus
from debiaslab.embeddings import Embeddings
from debiaslab.sgns import TrainSettings
from debiaslab.study import run, sweeping
from debiaslab.study.plan import Plan
from debiaslab.study.search import Search


class Clock:
    """Seconds by kind of work; what is inside another kind counts for itself alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._kinds: list[str] = []
        self._since = time.perf_counter()

    def _switch(self) -> None:
        now = time.perf_counter()
        if self._kinds:
            self.seconds[self._kinds[-1]] += now - self._since
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

    def watch(self, owner: Any, kind: str, *names: str) -> None:
        """Count the time of functions of a module or methods of a class; no name: of all."""
        own = [name for name, value in vars(owner).items() if isinstance(value, FunctionType)]
        for name in names or own:
            setattr(owner, name, self.timed(getattr(owner, name), kind))


def main(text: list[str], cache: str, trials: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Sweep and return the seconds of each trial by kind; the first trials load code."""
    corpus = Corpus.build(text, cache=cache, progress=False)
    clock = Clock()
    clock.watch(run, "training", "train")
    clock.watch(run, "scorecard", "evaluate", "measure_yardstick")
    clock.watch(run, "page", "_log_report_page")
    clock.watch(export, "files", "codalab")
    clock.watch(Embeddings, "files", "save")
    clock.watch(Search, "optuna")
    clock.watch(optuna.Study, "optuna", "ask", "tell", "get_trials")
    for owner in (tracking.Store, tracking.RunWriter, tracking.RunLog):
        clock.watch(owner, "mlflow")
    by_trial = []
    try_next = clock.timed(sweeping._Sweep.try_next, "rest")

    def counted(*args: Any) -> None:
        clock.seconds.clear()
        try_next(*args)
        by_trial.append(dict(clock.seconds))

    sweeping._Sweep.try_next = counted  # type: ignore[method-assign, assignment]
    with tempfile.TemporaryDirectory() as root:
        plan = Plan(trials=trials, seeds=(1,), settings=TrainSettings(**settings))
        sweeping.sweep(corpus, plan, root=root, submissions=f"{root}/out", progress=False)
    return {"trials": by_trial, "types": len(corpus)}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
