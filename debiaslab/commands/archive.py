"""Write a study to one zip file: its runs, their files, and the search.

The text of the corpus is not in it: the study continues wherever the same text is. A file that is
there already is left alone, since it may hold the only copy of another study.
"""

from __future__ import annotations

import argparse
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from debiaslab.commands.arguments import add_store, add_study_name, next_command, open_store
from debiaslab.commands.files import Output
from debiaslab.errors import UserError

EXAMPLES = """example:
  python -m debiaslab archive quickstart quickstart.zip"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_study_name(parser)
    parser.add_argument("file", type=Output, metavar="FILE.zip", help="file to write")
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Write the file, and say what is in it."""
    from debiaslab.study.archive import archive, readable_size

    out = Path(args.file)
    if out.suffix.lower() != ".zip":
        raise UserError(f"{out} does not end in .zip", next_step=str(out.with_suffix(".zip")))
    if os.path.lexists(out):
        raise UserError(f"there is a file {out} already", next_step=_another(args, out))
    made = archive(open_store(args), Path(args.store), args.study, out)
    yield (
        f"wrote {out}: {', '.join(made.studies)} ({made.runs} runs, {made.files} files, "
        f"{readable_size(made.bytes)})\nnext, where it is to go on: "
        f"{next_command('restore', out.name)}"
    )


def _another(args: argparse.Namespace, out: Path) -> str:
    """Return the command with the first name of its kind that is free."""
    free = next(name for i in itertools.count(2) if not os.path.lexists(name := _numbered(out, i)))
    return next_command("archive", args.study, str(free), store=args.store)


def _numbered(out: Path, number: int) -> Path:
    return out.with_name(f"{out.stem}-{number}{out.suffix}")
