"""Write a study to one zip file: its runs, their files, and the search.

The text of the corpus is not in it: the study continues wherever the same text is.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from debiaslab.commands.arguments import add_store, open_store
from debiaslab.errors import UserError

EXAMPLES = """example:
  python -m debiaslab archive quickstart quickstart.zip"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("name", metavar="NAME", help="of a study, or of a study file's studies")
    parser.add_argument("file", metavar="FILE.zip", help="file to write")
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Write the file, and say what is in it."""
    from debiaslab.outputs import check_output
    from debiaslab.study.archive import archive, readable_size

    out = Path(args.file)
    if out.suffix.lower() != ".zip":
        raise UserError(f"{out} does not end in .zip", next_step=str(out.with_suffix(".zip")))
    check_output(out)
    made = archive(open_store(args), Path(args.store), args.name, out)
    yield (
        f"wrote {out}: {', '.join(made.studies)} ({made.runs} runs, {made.files} files, "
        f"{readable_size(made.bytes)})\nnext, where it is to go on: "
        f"python -m debiaslab restore {out.name}"
    )
