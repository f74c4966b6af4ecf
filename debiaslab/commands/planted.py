"""Plant a bias of a known dose in a text, train on it, and see which metrics follow the dose.

Gender words near chosen words are turned to one gender: the dose says to which, and how many. A
metric that measures association must follow it, and be at what random words show at 0; words
without a dose must not move. The same command again continues what was interrupted.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import (
    add_corpus,
    add_store,
    add_training,
    check_store,
    corpus_from,
    corpus_settings,
    next_command,
    settings_from,
    whole,
)
from debiaslab.commands.files import folder_of, save_in
from debiaslab.tables import Table

if TYPE_CHECKING:
    from debiaslab.study.planting import Planting

INTERRUPTED = (
    "interrupted; what was recorded is kept; try: the same command again, which goes on from there"
)
EXAMPLES = """examples:
  python -m debiaslab planted
  python -m debiaslab planted bios.txt.gz --epochs 3 --doses -1,0,1 --out planted
  python -m debiaslab planted --words occupations --base corpus --seeds 5
  python -m debiaslab planted --apart --doses 0,0.5,1"""
_DOSES = (-1.0, -0.5, 0.0, 0.5, 1.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    # argparse takes "-1,0,1" for an option, as it is no single negative number
    parser._negative_number_matcher = re.compile(r"^-[\d.][-\d.,e]*$")
    add_corpus(parser)
    group = parser.add_argument_group("planting")
    group.add_argument(
        "--words",
        metavar="A,B,…|LEXICON",
        help="words to plant in; none: words of the text that no list holds, others for each seed",
    )
    group.add_argument(
        "--doses",
        type=_doses,
        default=_DOSES,
        metavar="A,B,…",
        help="from -1 (only female words near the chosen ones) to 1 (only male)",
    )
    group.add_argument(
        "--base",
        default="text",
        help="dose 0: text (male as often as in the whole text), alike (those near the words they "
        "are held against as well), balanced (half) or corpus (as it was)",
    )
    group.add_argument(
        "--apart",
        action="store_true",
        help="the opposite dose for every other word: for metrics in which a dose that all words "
        "share cancels out, such as ECT",
    )
    group.add_argument(
        "--seeds", type=whole(1, 100), default=3, help="trainings of each dose, seeds 1, 2, …"
    )
    group.add_argument("--study", metavar="NAME", help="name; none: made from the settings")
    group.add_argument(
        "--out",
        type=folder_of("planted.txt", "planted.md", "planted.csv", "planted.png"),
        metavar="FOLDER",
        help="also write table, CSV and figure here",
    )
    add_training(parser, seed=False)
    add_store(parser, written=True)


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Run or continue the control, then print its table and where things are."""
    from debiaslab.report.planted import planted_blocks
    from debiaslab.study.planting import PlantingPlan, plant, words_from

    plan = PlantingPlan(
        words=() if args.words is None else words_from(args.words),
        doses=tuple(args.doses),
        base=args.base,
        seeds=tuple(range(1, args.seeds + 1)),
        settings=settings_from(args),
        name=args.study,
        apart=args.apart,
    )
    corpus_settings(args)
    check_store(args)
    found = plant(corpus_from(args), plan, root=args.store)
    written = list(_written(found, args))
    for block in planted_blocks(found.study):
        yield block
        yield ""
    for failure in found.failures:
        yield f"empty: {failure}"
    yield from written
    yield f"next: {next_command('ui', '--study', found.name, store=args.store)}"


def _doses(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be used; allowed: numbers from -1 to 1 with commas, such as -1,0,1"
        ) from None


def _written(found: Planting, args: argparse.Namespace) -> Iterator[str]:
    """Log table and figure to the control's run, and write them to the folder asked for."""
    from debiaslab.report.planted import planted_csv, planted_figure, planted_markdown, planted_text
    from debiaslab.report.style import png
    from debiaslab.tracking import Store

    files: dict[str, str | bytes] = {
        "planted.txt": planted_text(found.study),
        "planted.md": planted_markdown(found.study),
        "planted.csv": planted_csv(found.study),
    }
    drawn = png(planted_figure(found.study))
    writer = Store.open(args.store).writer(found.parent)
    for name, text in files.items():
        writer.text(str(text), name)
    writer.binary(drawn, "figures/planted.png")
    writer.flush()
    if args.out is not None:
        yield save_in(args.out, {**files, "planted.png": drawn})
