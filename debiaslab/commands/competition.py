"""Commands of the competition: score files of similarities, and write a competition for a class."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from debiaslab.commands.options import Command, Input, Output, OutputFolder, Said
from debiaslab.errors import UserError
from debiaslab.settings.options import Text, command, option
from debiaslab.tables import Column, Table

_TESTS = ("math-arts", "science-arts", "career-family")
_MUCH = 0.2  # of a file that is one value: then it says little
_FEW = 100  # different values among 1,630
_NONE = 1e-6  # a size below what 8 decimals can tell
_WEEKS = 8  # of a competition

Board = list[tuple[str, dict[str, float]]]


@command
class ScoreCommand(Command):
    """Score files of similarities as the competition's server does, and print the leaderboard."""

    examples = """examples:
  python -m debiaslab score submissions/projection.csv
  python -m debiaslab score submissions/*.csv others/*.zip --csv leaderboard.csv"""
    submissions: tuple[Input, ...] = option(
        "word1,word2,sim, or a zip", flag="submissions", metavar="FILE"
    )
    csv: Output | None = option("also write every number to this file", default=None, metavar="OUT")

    def run(self) -> Said:
        """Score each file and print them, the best first; files that are refused come last."""
        board, refused = _scored([Path(file) for file in self.submissions])
        if not board:
            raise refused[0]
        written = [] if self.csv is None else [_written(board, self.csv)]
        yield _table(board)
        yield (
            "\nscore = information · max(0, 1 − bias); bias: mean |s| in units of the cosines' "
            "spread; one value: share\nof the file that is one and the same number, such as the "
            "fallback"
        )
        for name, found in board:
            yield from (f"warning: {name}: {what}" for what in _notices(found))
        yield from written
        yield from (f"refused: {error}" for error in refused)
        if refused:
            raise UserError(f"{len(refused)} of {len(self.submissions)} files were refused")


def _scored(paths: list[Path]) -> tuple[Board, list[UserError]]:
    """Return the leaderboard of the files that can be scored, and what is wrong with others."""
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
        *(Column(f"{test} s (d)", "{0[0]:+.4f} ({0[1]:+.2f})".format) for test in _TESTS),
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


def _written(board: Board, out: str) -> str:
    from debiaslab.system.files import write_file

    keys = list(board[0][1])
    rows = [(name, *(found[key] for key in keys)) for name, found in board]
    table = Table((Column("file"), *map(Column, keys)), rows)
    write_file(out, table.csv())
    return f"wrote {out}"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be used; allowed: a day such as 2027-01-11"
        ) from None


@command
class BundleCommand(Command):
    """Write a Codabench competition that scores files of similarities: pages, data, program."""

    examples = """examples:
  python -m debiaslab bundle --out competition
  python -m debiaslab bundle --out competition --start 2027-01-11 --end 2027-02-01"""
    out: OutputFolder = option("where it is written", metavar="FOLDER")
    title: Text = option("of the competition", default="Debiased word embeddings")
    start: date | None = option("first day; none: today", default=None, metavar="DAY", parse=_day)
    end: date | None = option(
        f"last day; none: {_WEEKS} weeks after the first", default=None, metavar="DAY", parse=_day
    )

    def run(self) -> Said:
        """Write the bundle and say what to do with it."""
        from debiaslab.leaderboard.local import write_bundle

        start = self.start or date.today()
        usual = start + timedelta(weeks=_WEEKS)
        end = self.end or usual
        if end <= start:
            raise UserError(f"--end {end} is not after --start {start}", next_step=f"--end {usual}")
        for path in write_bundle(self.out, start=start, end=end, title=self.title):
            yield f"wrote {path}"
        yield "next: upload bundle.zip to a Codabench server"
