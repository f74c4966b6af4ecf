"""Score files of similarities as the competition's server does, and print the leaderboard."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterator
from pathlib import Path

EXAMPLES = """examples:
  python -m debiaslab score submissions/projection.csv
  python -m debiaslab score submissions/*.csv others/*.zip --csv leaderboard.csv"""
_SHOWN = ("score", "information", "bias", "s math-arts", "s science-arts", "s career-family")
_MUCH = 0.2  # of a file that is one value: then it says little

Board = list[tuple[str, dict[str, float]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("submissions", nargs="+", metavar="FILE", help="word1,word2,sim, or a zip")
    parser.add_argument("--csv", metavar="OUT", help="also write every number to this file")


def run(args: argparse.Namespace) -> Iterator[str]:
    """Score each file and print them, the best first."""
    from debiaslab.leaderboard.local import score_files
    from debiaslab.outputs import check_output

    if args.csv is not None:
        check_output(args.csv)
    board = score_files([Path(file) for file in args.submissions])
    yield _table(board)
    yield "score = information · max(0, 1 − bias); bias: mean |s| in units of the cosines' spread"
    for name, found in board:
        if found["fallback"] > _MUCH:
            yield f"warning: {found['fallback']:.0%} of {name} is one and the same number"
    if args.csv is not None:
        yield _written(board, args.csv)


def _table(board: Board) -> str:
    width = max(len(name) for name, _ in board)
    head = f"{'':>3}  {'file':{width}}" + "".join(f"  {key:>15}" for key in _SHOWN)
    lines = [
        f"{place:>3}  {name:{width}}" + "".join(f"  {found[key]:>15.4f}" for key in _SHOWN)
        for place, (name, found) in enumerate(board, start=1)
    ]
    return "\n".join([head, "-" * len(head), *lines]) + "\n"


def _written(board: Board, out: str) -> str:
    from debiaslab.atomic import replacing

    text = io.StringIO()
    keys = list(board[0][1])
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", *keys])
    writer.writerows([name, *(found[key] for key in keys)] for name, found in board)
    with replacing(out) as path:
        path.write_text(text.getvalue(), encoding="utf-8")
    return f"wrote {out}"
