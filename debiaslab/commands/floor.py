"""Show what the lipstick tests show when there is no gender in the text at all.

Trains with and without gender: in the gender-blind text every gender word and every first name is
one and the same word. Read the lipstick tests of a debiased space against that floor, never against
0.5. The same command again continues what was interrupted.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from debiaslab.commands.arguments import (
    SUBMISSIONS,
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
from debiaslab.commands.files import Output
from debiaslab.tables import Table

INTERRUPTED = (
    "interrupted; what was recorded is kept; try: the same command again, which goes on from there"
)
EXAMPLES = """examples:
  python -m debiaslab floor
  python -m debiaslab floor bios.txt.gz --epochs 3 --seeds 5 --out floor.md"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_corpus(parser)
    group = parser.add_argument_group("floor")
    group.add_argument(
        "--seeds", type=whole(1, 100), default=3, help="trainings of each text, seeds 1, 2, …"
    )
    group.add_argument("--study", metavar="NAME", help="name; none: made from the settings")
    group.add_argument(
        "--out", type=Output, metavar="FILE", help="also write the table here, as Markdown"
    )
    add_training(parser, seed=False)
    add_store(parser, written=True)


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Train or continue, then print the table and how to read it."""
    from debiaslab.report.tables import floor_blocks, floor_markdown, floor_text
    from debiaslab.study.comparing import gender_blind_floor
    from debiaslab.system.atomic import write_file
    from debiaslab.tracking import Store

    settings = settings_from(args)
    corpus_settings(args)
    check_store(args)
    found = gender_blind_floor(
        corpus_from(args),
        seeds=tuple(range(1, args.seeds + 1)),
        settings=settings,
        name=args.study,
        root=args.store,
        submissions=SUBMISSIONS,
    )
    writer = Store.open(args.store).writer(found.parent)
    writer.text(floor_text(found.sides), "floor.txt")
    writer.text(floor_markdown(found.sides), "floor.md")
    writer.flush()
    if args.out is not None:
        write_file(args.out, floor_markdown(found.sides))
    for block in floor_blocks(found.sides):
        yield block
        yield ""
    for failure in found.failures:
        yield f"empty: {failure}"
    if args.out is not None:
        yield f"wrote {args.out}"
    yield f"next: {next_command('ui', '--study', found.name, store=args.store)}"
