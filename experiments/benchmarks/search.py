"""What pruning over seeds saves, and what starting from the baseline's vectors changes.

    python -m experiments.benchmarks.search [FOLDER]

Sweeps of the built-in text at the default settings, one thread; the store is kept in FOLDER. It
takes a quarter of an hour on a quiet machine.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean

from debiaslab.corpus import Corpus
from debiaslab.results import summarize
from debiaslab.sgns import TrainSettings
from debiaslab.study import Plan, sweep
from debiaslab.study.plan import SearchSettings
from debiaslab.tracking import Store

PRUNING = Plan(strategy="projection", trials=12, seeds=(1, 2, 3))
LEVELS = (None, 0.6)
WARM = Plan(strategy="projection", trials=3, seeds=(1, 2), settings=TrainSettings(epochs=5))


def main(folder: Path) -> None:
    """Run everything and print two tables."""
    corpus = Corpus.build(cache=folder / "cache")
    print("prune  CPU seconds  runs  best λ  score (mean over seeds)")
    for level in LEVELS:
        plan = replace(PRUNING, search=SearchSettings(prune=level), name=f"prune-{level}")
        print(f"{level or 'never':>5}  {_row(corpus, plan, folder)}", flush=True)
    print("\nstart  λ  score  bias tune  retention report")
    for warm in (False, True):
        search = SearchSettings(sampler="qmc", warm_start=warm)
        plan = replace(WARM, search=search, name="warm" if warm else "anew")
        summary = sweep(corpus, plan, root=folder, submissions=folder, progress=False)
        for row in summarize(summary.rows):
            kept = row.retention_report.mean if row.retention_report else float("nan")
            told = f"{row.weight:8.3g}  {row.score.mean:.3f}  {row.bias_tune.mean:.3f}  {kept:.3f}"
            print(f"{plan.name}  {told}", flush=True)


def _row(corpus: Corpus, plan: Plan, folder: Path) -> str:
    started = time.process_time()
    summary = sweep(corpus, plan, root=folder, submissions=folder, progress=False)
    seconds = time.process_time() - started
    runs = len(Store.open(folder).runs(summary.parent))
    score = mean(row.score for row in summary.rows if row.trial == summary.best.trial)
    return f"{seconds:7.0f}  {runs:4}  {summary.best.weight:6.3g}  {score:.4f}"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "mlruns"))
