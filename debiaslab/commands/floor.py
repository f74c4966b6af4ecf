"""Show what the lipstick tests show when there is no gender in the text at all.

Trains with and without gender: in the gender-blind text every gender word and every first name is
one and the same word. Read the lipstick tests of a debiased space against that floor, never against
0.5. The same command again continues what was interrupted.
"""

from __future__ import annotations

import argparse
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
from debiaslab.commands.files import Output
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
    from debiaslab.study.spec import StudyFile

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
    add_executor(group)
    add_plan(group)
    add_training(parser, seed=False)
    add_store(parser, written=True)


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Train or continue, then print the table and how to read it."""
    from debiaslab.study.comparing import floor_plan
    from debiaslab.study.spec import study_of_comparison

    plan = floor_plan(tuple(range(1, args.seeds + 1)), settings_from(args), args.study)
    settings = corpus_settings(args)
    sources = named_sources(args)
    study = with_where(study_of_comparison(plan, sources, settings, kind="floor"), args)
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
    """Run or continue a floor, and say what it found.

    Args:
        study: The study.
        root: Folder of the store.
        corpus: Its corpus; None: its files are read.
        out: File for the table; None: it is kept with the study only.
    """
    from debiaslab.report.tables import floor_blocks
    from debiaslab.study.comparing import conduct_floor
    from debiaslab.system.files import write_file
    from debiaslab.tables import markdown_document, plain_document
    from debiaslab.tracking import Store

    conduct = conduct_of(study, root)
    corpus = corpus_of(study) if corpus is None else corpus
    found = conduct_floor(corpus, study.floor_plan(), conduct)
    blocks = floor_blocks(found.sides)
    writer = Store.open(root).writer(found.parent)
    writer.text(plain_document(blocks), "floor.txt")
    writer.text(markdown_document(blocks), "floor.md")
    writer.flush()
    if out is not None:
        write_file(out, markdown_document(blocks))
    for block in blocks:
        yield block
        yield ""
    for failure in found.failures:
        yield f"empty: {failure}"
    if out is not None:
        yield f"wrote {out}"
    yield f"next: {next_command('ui', '--study', found.name, store=root)}"
