"""Put the studies of an archive into the store, where they can be continued.

Runs get new ids (the tag debiaslab.original_run has the old one); everything else is as it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from debiaslab.commands.arguments import add_store, next_command
from debiaslab.commands.files import Input
from debiaslab.system.outputs import check_output_folder

EXAMPLES = """example:
  python -m debiaslab restore quickstart.zip"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("file", type=Input, metavar="FILE.zip", help="what archive wrote")
    add_store(parser, written=True)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Restore, and say what."""
    from debiaslab.errors import UserError
    from debiaslab.study.archive import restore

    if not Path(args.file).is_file():
        raise UserError(f"there is no file {args.file}")
    check_output_folder(args.store)
    made = restore(Path(args.file), Path(args.store))
    yield f"restored {', '.join(made.studies)} ({made.runs} runs)"
    for name in made.studies:
        then = ("report", "--study", name) if name in made.without_file else ("resume", name)
        yield f"next: {next_command(*then, store=args.store)}"
