"""Show what a sweep would do, without doing it: trials, seeds, runs and the time they will take.

The time is measured on a short slice of the corpus, on this machine, as it is now. What sweep would
refuse is refused here too; only a Dask cluster is not asked whether it is there.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import SUBMISSIONS, add_store, check_store_place
from debiaslab.commands.study_arguments import (
    add_study,
    check_corpus,
    check_executor,
    check_submissions,
    corpus_of,
    study_from,
)

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.study.plan import Plan
    from debiaslab.study.planting import PlantingPlan
    from debiaslab.study.spec import StudyFile
    from debiaslab.study.status import Estimate
    from debiaslab.tracking import RunInfo

EXAMPLES = """examples:
  python -m debiaslab plan experiments/quickstart.yaml
  python -m debiaslab plan experiments/benchmark.yaml biographies.txt.gz --trials 30"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command: those of sweep."""
    add_study(parser)
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Print one paragraph for each strategy, then the sum."""
    study = study_from(args)
    check_submissions(study)
    check_corpus(study)
    check_store_place(args)
    check_executor(study)
    yield from plan_study(study, args.store)


def plan_study(study: StudyFile, root: str) -> Iterator[str]:
    """Say what a study of any kind would train, and how long that takes; nothing is made.

    Args:
        study: The study.
        root: Folder of the store.

    Raises:
        UserError: What the study itself would be refused for.
    """
    from debiaslab.study.sweeping import check_sweep

    corpus = corpus_of(study)
    if study.kind == "planted":
        parts = [_planted(study.planting_plan(), corpus, root)]
    elif study.kind == "sweep":
        for plan in study.plans():
            check_sweep(corpus, plan, root=root, submissions=SUBMISSIONS)
        parts = [_sweep(plan, corpus, root) for plan in study.plans()]
    else:
        parts = _comparison(study, corpus, root)
    yield f"corpus    {corpus!r}"
    total = 0.0
    for text, seconds in parts:
        total += seconds
        yield f"\n{text}\ntime      about {_duration(seconds)}"
    if len(parts) > 1:
        yield f"\nin all    about {_duration(total)}"
    yield (
        f"\nnothing was trained; next: python -m debiaslab {study.kind} with the same arguments"
        + (" but --plan" if study.kind != "sweep" else "")
    )


def _sweep(plan: Plan, corpus: Corpus, root: str) -> tuple[str, float]:
    """Return what a sweep would train, and the seconds it takes."""
    from debiaslab.study.status import estimate

    name = plan.study_name(corpus)
    kinds = Counter(run.kind for run in _finished(root, name))
    seeds = len(plan.seeds)
    cost = estimate(
        corpus,
        plan.cell(1.0, plan.seeds[0]),
        runs=max(0, plan.trials * seeds - kinds["trial"]),
        baselines=max(0, seeds - kinds["baseline"]),
    )
    knobs = ", ".join(f"{knob} in {space!r}" for knob, space in plan.search_space.items())
    s = "s" * (seeds != 1)
    return (
        f"study     {name}\n"
        f"searched  {knobs} ({plan.search.sampler}, {', '.join(plan.search.objectives)})\n"
        f"runs      {plan.trials} trials × {seeds} seed{s} + {seeds} baseline{s} = "
        f"{(plan.trials + 1) * seeds}{_known(kinds['trial'] + kinds['baseline'])}\n"
        f"{_speed(cost, plan.strategy)}",
        cost.seconds,
    )


def _comparison(study: StudyFile, corpus: Corpus, root: str) -> list[tuple[str, float]]:
    """Return what a comparison would train: the sweeps that choose λ, then its strategies."""
    from debiaslab.study.comparing import check_comparison, floor_named, foreseen, tuning_plan
    from debiaslab.study.driver import existing_store
    from debiaslab.study.run import run_digest
    from debiaslab.study.status import estimate

    if study.kind == "floor":
        plan = floor_named(corpus, study.floor_plan())
    else:
        plan = study.comparison_plan()
    name = check_comparison(corpus, plan, root=root)
    parts = [_sweep(tuning_plan(plan, e), corpus, root) for e in plan.entries if e.tuned]
    done = {run_digest(run) for run in _finished(root, name)}
    rows = foreseen(corpus, plan, existing_store(root))
    lines, seconds, there = [], 0.0, 0
    for label, cells in rows:
        left = [cell for cell in cells if cell.digest not in done]
        there += len(cells) - len(left)
        if label is None:
            baselines = len(left)
            continue
        cost = estimate(corpus, cells[0], runs=len(left), baselines=baselines)
        baselines = 0  # they are counted once
        seconds += cost.seconds
        lines.append(_speed(cost, label))
    seeds = len(plan.seeds)
    s = "s" * (seeds != 1)
    text = (
        f"study     {name}\n"
        f"runs      {len(rows) - 1} strategies × {seeds} seed{s} + {seeds} baseline{s} = "
        f"{len(rows) * seeds}{_known(there)}\n"
    )
    return [*parts, (text + "\n".join(lines), seconds)]


def _planted(plan: PlantingPlan, corpus: Corpus, root: str) -> tuple[str, float]:
    """Return what a planted-bias control would train, and the seconds it takes."""
    from debiaslab.study.planting import planting_name, rows_of, words_of
    from debiaslab.study.run import run_digest
    from debiaslab.study.status import estimate

    name = planting_name(corpus, plan)
    seed = plan.seeds[0]
    cell = plan.cell(words_of(corpus, plan, seed), max(plan.doses), seed)
    done = {run_digest(run) for run in _finished(root, name)}
    digests = [cell.digest for _, cells in rows_of(plan) for cell in cells]
    left = sum(digest not in done for digest in digests)
    cost = estimate(corpus, cell, runs=left, baselines=0)
    seeds = len(plan.seeds)
    s = "s" * (seeds != 1)
    return (
        f"study     {name}\n"
        f"runs      {len(plan.doses)} doses × {seeds} seed{s} = {len(digests)}"
        f"{_known(len(digests) - left)}\n"
        f"{_speed(cost, 'a dose')}",
        cost.seconds,
    )


def _speed(cost: Estimate, what: str) -> str:
    return (
        f"speed     {cost.words_per_second:,.0f} words/s, "
        f"{cost.words_per_second_strategy:,.0f} with {what}; "
        f"{cost.words:,} words and {cost.measuring:.1f} s of measuring a run"
    )


def _known(runs: int) -> str:
    return f" ({runs} of them are in the store)" if runs else ""


def _finished(root: str, name: str) -> list[RunInfo]:
    """Return the runs of a study that have finished already; the store is not made."""
    from debiaslab.study.driver import existing_store

    store = existing_store(root)
    study = None if store is None else store.find_study(name)
    if store is None or study is None:
        return []
    return [run for run in store.runs(study.run_id) if run.status == "FINISHED"]


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
