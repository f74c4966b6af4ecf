"""Show what a sweep would do, without doing it: trials, seeds, runs and the time they will take.

The time is measured on a short slice of the corpus, on this machine, as it is now. What sweep would
refuse is refused here too; only a Dask cluster is not asked whether it is there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from debiaslab.commands.arguments import SUBMISSIONS, add_store, check_store_place
from debiaslab.commands.study_arguments import (
    add_study,
    check_corpus,
    check_executor,
    corpus_of,
    study_from,
)
from debiaslab.commands.sweep import check_submissions

EXAMPLES = """examples:
  python -m debiaslab plan experiments/quickstart.yaml
  python -m debiaslab plan experiments/benchmark.yaml biographies.txt.gz --trials 30"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command: those of sweep."""
    add_study(parser)
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Print one paragraph for each strategy, then the sum."""
    from debiaslab.study.status import estimate
    from debiaslab.study.sweeping import check_sweep

    study = study_from(args)
    plans = study.plans()
    check_submissions(study)
    check_corpus(study)
    check_store_place(args)
    check_executor(study)
    corpus = corpus_of(study)
    for plan in plans:
        check_sweep(corpus, plan, root=args.store, submissions=SUBMISSIONS)
    yield f"corpus    {corpus!r}"
    total = 0.0
    for plan in plans:
        name = plan.study_name(corpus)
        done, baselines = _done(args.store, name)
        cost = estimate(corpus, plan, done=done, done_baselines=baselines)
        total += cost.seconds
        knobs = ", ".join(f"{knob} in {space!r}" for knob, space in plan.search_space.items())
        seeds = len(plan.seeds)
        s = "s" * (seeds != 1)
        known = f" ({done + baselines} of them are in the store)" if done + baselines else ""
        yield (
            f"\nstudy     {name}\n"
            f"searched  {knobs} ({plan.search.sampler}, {', '.join(plan.search.objectives)})\n"
            f"runs      {plan.trials} trials × {seeds} seed{s} + {seeds} baseline{s} = "
            f"{(plan.trials + 1) * seeds}{known}\n"
            f"speed     {cost.words_per_second:,.0f} words/s, "
            f"{cost.words_per_second_strategy:,.0f} with {plan.strategy}; "
            f"{cost.words:,} words and {cost.measuring:.1f} s of measuring a run\n"
            f"time      about {_duration(cost.seconds)}"
        )
    if len(plans) > 1:
        yield f"\nin all    about {_duration(total)}"
    yield "\nnothing was trained; next: python -m debiaslab sweep with the same arguments"


def _done(root: str, name: str) -> tuple[int, int]:
    """Return how many runs of trials and baselines have finished already."""
    from debiaslab.tracking import Store
    from debiaslab.tracking.contact import locate
    from debiaslab.tracking.names import BASELINE_KIND, TRIAL_KIND

    database = locate(root).database  # None: a server, which is asked
    if database is not None and not database.is_file():
        return 0, 0
    store = Store.read(root)
    study = store.find_study(name)
    runs = [] if study is None else [r for r in store.runs(study.run_id) if r.status == "FINISHED"]
    return sum(r.kind == TRIAL_KIND for r in runs), sum(r.kind == BASELINE_KIND for r in runs)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
