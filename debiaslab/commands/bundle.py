"""Write a Codabench competition that scores files of similarities: pages, data, scoring program."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import date, timedelta

from debiaslab.commands.files import OutputFolder

EXAMPLES = """examples:
  python -m debiaslab bundle --out competition
  python -m debiaslab bundle --out competition --start 2027-01-11 --end 2027-02-01"""
_WEEKS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "--out", type=OutputFolder, required=True, metavar="FOLDER", help="where it is written"
    )
    parser.add_argument("--title", default="Debiased word embeddings", help="of the competition")
    parser.add_argument("--start", type=_day, metavar="DAY", help="first day; none: today")
    parser.add_argument(
        "--end", type=_day, metavar="DAY", help=f"last day; none: {_WEEKS} weeks after the first"
    )


def run(args: argparse.Namespace) -> Iterator[str]:
    """Write the bundle and say what to do with it."""
    from debiaslab.errors import UserError
    from debiaslab.leaderboard.local import write_bundle

    start = args.start or date.today()
    end = args.end or start + timedelta(weeks=_WEEKS)
    if end <= start:
        raise UserError(
            f"--end {end} is not after --start {start}",
            next_step=f"--end {start + timedelta(weeks=_WEEKS)}",
        )
    for path in write_bundle(args.out, start=start, end=end, title=args.title):
        yield f"wrote {path}"
    yield "next: upload bundle.zip to a Codabench server"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be used; allowed: a day such as 2027-01-11"
        ) from None
