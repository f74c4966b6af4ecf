"""Search λ of a strategy: trains a baseline and one run per λ and seed, all logged to MLflow.

The same command again continues the study. Bias is tuned on the tune half of the word lists and
reported on the other half as well; see the printed formula.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from debiaslab.commands.arguments import (
    STORE,
    SUBMISSIONS,
    add_corpus,
    add_knobs,
    add_store,
    add_training,
    check_store,
    corpus_from,
    corpus_settings,
    real,
    settings_from,
    whole,
)

INTERRUPTED = (
    "interrupted; what was recorded is kept; try: the same command again, which goes on from there"
)
EXAMPLES = """examples:
  python -m debiaslab sweep --strategy projection
  python -m debiaslab sweep biographies.txt.gz --strategy pairwise --epochs 3 --trials 20 --seeds 3
  python -m debiaslab sweep --strategy tying --study tying-first-try"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_corpus(parser)
    group = parser.add_argument_group("study")
    group.add_argument("--strategy", default="projection", help="strategy whose λ is searched")
    group.add_argument("--trials", type=whole(1, 100_000), default=8, help="λs to try, in all")
    group.add_argument(
        "--seeds", type=whole(1, 1000), default=2, help="trainings per λ, with seeds 1, 2, …"
    )
    group.add_argument("--study", metavar="NAME", help="name; none: made from the settings")
    add_knobs(group)
    group.add_argument(
        "--cover", default="all", help="non-gender words to act on: tune, vocabulary or all"
    )
    group.add_argument(
        "--bias-weight", type=real, default=1.0, help="weight of the bias in the score"
    )
    group.add_argument(
        "--retention-weight",
        type=real,
        default=5.0,
        help="weight of lost utility in the score",
    )
    add_training(parser, seed=False)
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Run or continue the sweep, then print its table and where things are."""
    from debiaslab.outputs import check_output
    from debiaslab.study import Objective, Plan, sweep

    plan = Plan(
        strategy=args.strategy,
        trials=args.trials,
        seeds=tuple(range(1, args.seeds + 1)),
        cover=args.cover,
        knobs=tuple(args.knob),
        settings=settings_from(args),
        objective=Objective(args.bias_weight, args.retention_weight),
        name=args.study,
    )
    corpus_settings(args)  # what can fail at once comes before what takes long
    check_output(Path(SUBMISSIONS) / f"{args.study or 'name'}.zip")
    check_store(args)
    summary = sweep(corpus_from(args), plan, root=args.store, submissions=SUBMISSIONS)
    yield summary.text
    store = "" if args.store == STORE else f" --store {args.store}"
    yield f"next: python -m debiaslab ui --study {summary.name}{store}"
