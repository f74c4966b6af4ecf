"""What pruning over seeds saves, and what starting from the baseline's vectors changes.

    python -m experiments.benchmarks.search [FOLDER]

Sweeps of the built-in text at the default settings, one thread; the store is kept in FOLDER. It
takes half an hour.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean

from debiaslab.corpus import Corpus
from debiaslab.sgns import TrainSettings
from debiaslab.study import Plan, sweep
from debiaslab.study.search_settings import SearchSettings
from debiaslab.tracking import Store

PRUNING = Plan(strategy="projection", trials=12, seeds=(1, 2, 3))
LEVELS = (None, 0.3, 0.6)
WARM = Plan(strategy="projection", trials=4, seeds=(1, 2))


def main(folder: Path) -> None:
    """Run everything and print two tables."""
    corpus = Corpus.build(cache=folder / "cache")
    print("prune  CPU seconds  runs  best λ  score (mean over seeds)")
    for level in LEVELS:
        plan = replace(PRUNING, search=SearchSettings(prune=level), name=f"prune-{level}")
        print(f"{level or 'never':>5}  {_row(corpus, plan, folder)}", flush=True)
    print("\nepochs  start  mean over λ and seeds: score, bias tune, bias report, retention report")
    for epochs in (15, 5):
        for warm in (False, True):
            search = SearchSettings(sampler="qmc", warm_start=warm)
            settings = TrainSettings(epochs=epochs)
            plan = replace(WARM, search=search, settings=settings, name=f"{epochs}-{warm}")
            summary = sweep(corpus, plan, root=folder, submissions=folder, progress=False)
            rows = [row for row in summary.rows if row.trial is not None]
            values = [
                mean(row.score for row in rows),
                mean(row.bias_tune for row in rows),
                mean(row.bias_report or 0.0 for row in rows),
                mean(row.retention_report or 0.0 for row in rows),
            ]
            told = "  ".join(f"{value:.3f}" for value in values)
            print(f"{epochs:6}  {'warm' if warm else 'anew'}   {told}", flush=True)


def _row(corpus: Corpus, plan: Plan, folder: Path) -> str:
    started = time.process_time()
    summary = sweep(corpus, plan, root=folder, submissions=folder, progress=False)
    seconds = time.process_time() - started
    runs = len(Store.open(folder).runs(summary.parent))
    score = mean(row.score for row in summary.rows if row.trial == summary.best.trial)
    return f"{seconds:7.0f}  {runs:4}  {summary.best.weight:6.3g}  {score:.4f}"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "mlruns"))
