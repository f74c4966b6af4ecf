"""Measure the rows of the bar, keep every figure in results.json, and print the table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from debiaslab.errors import UserError, nearest
from experiments.benchmarks.results import Row, save, table
from experiments.benchmarks.rows import MEASUREMENTS
from experiments.benchmarks.setup import DATA_VARIABLE, REPOSITORY, NoDataError, Setup, find_data

RESULTS = Path(__file__).with_name("results.json")
WORK = REPOSITORY / "data" / "cache" / "benchmarks"


def main(argv: list[str] | None = None) -> int:
    """Run the rows asked for and return the exit code."""
    args = _parser().parse_args(argv)
    try:
        names = _checked(args.rows)
        if args.repeats < 1:
            raise UserError(f"--repeats was {args.repeats}", allowed="1 or more")
    except UserError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    data, patience = (None, 0.0) if args.quick else (find_data(), args.patience)
    setup = Setup(args.repeats, args.quick, args.work, data, patience)
    results = args.work / "quick.json" if args.quick else RESULTS
    shown: set[str] = set()
    for name in names:
        rows = measured(name, setup)
        known = save(results, rows)["rows"]
        shown |= {row.name for row in rows}
        print(f"measured {name}", file=sys.stderr)
    print(table(row for name, row in known.items() if name in shown))
    print(f"\nevery measurement: {results}")
    return 0


def measured(name: str, setup: Setup) -> list[Row]:
    """Measure one entry of ``MEASUREMENTS``; without its text the row says so."""
    try:
        return MEASUREMENTS[name](setup)
    except NoDataError as missing:
        return [Row(name, name, bar=None, note=str(missing))]


def _checked(names: list[str]) -> list[str]:
    for name in names:
        if name not in MEASUREMENTS:
            raise UserError(
                f"there is no row {name!r}",
                allowed=", ".join(MEASUREMENTS),
                nearest=nearest(name, MEASUREMENTS),
            )
    return names or list(MEASUREMENTS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.benchmarks",
        description=__doc__,
        epilog=f"{DATA_VARIABLE} names the folder of the texts; see NOTES.md.",
    )
    parser.add_argument("--rows", nargs="+", default=[], metavar="NAME", help="only these")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each side")
    parser.add_argument("--quick", action="store_true", help="built-in text: checks the scripts")
    parser.add_argument(
        "--patience",
        type=float,
        default=30.0,
        help="seconds a measurement may wait, and be taken again, while others use the machine",
    )
    parser.add_argument("--work", type=Path, default=WORK, help="folder for texts and vectors")
    return parser


if __name__ == "__main__":
    sys.exit(main())
