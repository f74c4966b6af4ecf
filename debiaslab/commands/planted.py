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
    check_store_place,
    corpus_settings,
    next_command,
    settings_from,
    whole,
)
from debiaslab.commands.files import folder_of, save_in
from debiaslab.commands.plan import plan_study
from debiaslab.commands.study_arguments import (
    add_executor,
    add_plan,
    check_executor,
    conduct_of,
    corpus_of,
    named_sources,
    with_where,
)
from debiaslab.tables import Table

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.study.planting import Planting
    from debiaslab.study.spec import StudyFile

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
    add_executor(group)
    add_plan(group)
    add_training(parser, seed=False)
    add_store(parser, written=True)


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Run or continue the control, then print its table and where things are."""
    from debiaslab.study.planting import PlantingPlan, words_from
    from debiaslab.study.spec import study_of_planting

    plan = PlantingPlan(
        words=() if args.words is None else words_from(args.words),
        doses=tuple(args.doses),
        base=args.base,
        seeds=tuple(range(1, args.seeds + 1)),
        settings=settings_from(args),
        name=args.study,
        apart=args.apart,
    )
    settings = corpus_settings(args)
    study = with_where(study_of_planting(plan, named_sources(args), settings), args)
    check_executor(study)
    if args.plan:
        check_store_place(args)
        yield from plan_study(study, args.store)
        return
    check_store(args)
    yield from run_study(study, args.store, out=args.out)


def run_study(
    study: StudyFile, root: str, corpus: Corpus | None = None, out: str | None = None
) -> Iterator[str | Table]:
    """Run or continue a control, and say what it found.

    Args:
        study: The study.
        root: Folder of the store.
        corpus: Its corpus; None: its files are read.
        out: Folder for the table and the figure; None: they are kept with the study only.
    """
    from debiaslab.report.planted import planted_blocks
    from debiaslab.study.planting import conduct_planting

    conduct = conduct_of(study, root)
    corpus = corpus_of(study) if corpus is None else corpus
    found = conduct_planting(corpus, study.planting_plan(), conduct)
    written = list(_written(found, root, out))
    for block in planted_blocks(found.study):
        yield block
        yield ""
    for failure in found.failures:
        yield f"empty: {failure}"
    yield from written
    yield f"next: {next_command('ui', '--study', found.name, store=root)}"


def _doses(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be used; allowed: numbers from -1 to 1 with commas, such as -1,0,1"
        ) from None


def _written(found: Planting, root: str, out: str | None) -> Iterator[str]:
    """Log table and figure to the control's run, and write them to the folder asked for."""
    from debiaslab.report.planted import planted_blocks, planted_csv, planted_figure
    from debiaslab.report.style import png
    from debiaslab.tables import markdown_document, plain_document
    from debiaslab.tracking import Store

    blocks = planted_blocks(found.study)
    files: dict[str, str | bytes] = {
        "planted.txt": plain_document(blocks),
        "planted.md": markdown_document(blocks),
        "planted.csv": planted_csv(found.study),
    }
    drawn = png(planted_figure(found.study))
    writer = Store.open(root).writer(found.parent)
    for name, text in files.items():
        writer.text(str(text), name)
    writer.binary(drawn, "figures/planted.png")
    writer.flush()
    if out is not None:
        yield save_in(out, {**files, "planted.png": drawn})
