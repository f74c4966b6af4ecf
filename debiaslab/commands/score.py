"""Score files of similarities as the competition's server does, and print the leaderboard."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.commands.files import Input, Output
from debiaslab.tables import Column, Table

if TYPE_CHECKING:
    from debiaslab.errors import UserError

EXAMPLES = """examples:
  python -m debiaslab score submissions/projection.csv
  python -m debiaslab score submissions/*.csv others/*.zip --csv leaderboard.csv"""
_TESTS = ("math-arts", "science-arts", "career-family")
_MUCH = 0.2  # of a file that is one value: then it says little
_FEW = 100  # different values among 1,630
_NONE = 1e-6  # a size below what 8 decimals can tell

Board = list[tuple[str, dict[str, float]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "submissions", nargs="+", type=Input, metavar="FILE", help="word1,word2,sim, or a zip"
    )
    parser.add_argument(
        "--csv", type=Output, metavar="OUT", help="also write every number to this file"
    )


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Score each file and print them, the best first; files that are refused come last."""
    from debiaslab.errors import UserError

    board, refused = _scored([Path(file) for file in args.submissions])
    if not board:
        raise refused[0]
    written = [] if args.csv is None else [_written(board, args.csv)]
    yield _table(board)
    yield (
        "\nscore = information · max(0, 1 − bias); bias: mean |s| in units of the cosines' spread; "
        "one value: share\nof the file that is one and the same number, such as the fallback"
    )
    for name, found in board:
        yield from (f"warning: {name}: {what}" for what in _notices(found))
    yield from written
    yield from (f"refused: {error}" for error in refused)
    if refused:
        raise UserError(f"{len(refused)} of {len(args.submissions)} files were refused")


def _scored(paths: list[Path]) -> tuple[Board, list[UserError]]:
    """Return the leaderboard of the files that can be scored, and what is wrong with others."""
    from debiaslab.errors import UserError
    from debiaslab.leaderboard.local import score_files

    good, refused = [], []
    for path in paths:
        try:
            score_files([path])
            good.append(path)
        except UserError as error:
            refused.append(error)
    return score_files(good), refused


def _notices(found: dict[str, float]) -> Iterator[str]:
    """Say what makes a file suspect though it can be scored."""
    if found["fallback"] > _MUCH:
        yield f"{found['fallback']:.0%} of it is one and the same number"
    if found["distinct"] < _FEW:
        yield f"it holds only {found['distinct']:.0f} different numbers"
    if found["information"] <= 0:
        yield "it ranks the similarity pairs no better than chance"
    if all(abs(found[f"s {test}"]) < _NONE for test in _TESTS):
        yield "no topic is nearer to either gender in any test, to 6 decimals"


def _table(board: Board) -> Table:
    columns = (
        *(Column(""), Column("file", align="left"), Column("score", ".4f")),
        *(Column("information", ".4f"), Column("bias", ".4f")),
        *(Column(f"{test} s (d)", _association) for test in _TESTS),
        Column("one value", ".1%"),
    )
    rows = [
        (
            *(place, name, found["score"], found["information"], found["bias"]),
            *((found[f"s {test}"], found[f"d {test}"]) for test in _TESTS),
            found["fallback"],
        )
        for place, (name, found) in enumerate(board, start=1)
    ]
    return Table(columns, rows, keys=2)


def _association(found: tuple[float, float]) -> str:
    s, d = found
    return f"{s:+.4f} ({d:+.2f})"


def _written(board: Board, out: str) -> str:
    from debiaslab.system.files import write_file

    keys = list(board[0][1])
    rows = [(name, *(found[key] for key in keys)) for name, found in board]
    table = Table((Column("file"), *map(Column, keys)), rows)
    write_file(out, table.csv())
    return f"wrote {out}"
