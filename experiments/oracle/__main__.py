"""Hold debiaslab's numbers against WEFE's and responsibly's, and write the table."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from debiaslab.errors import UserError
from debiaslab.system.files import replacing
from debiaslab.vectors.embeddings import Embeddings
from experiments.benchmarks.setup import REPOSITORY
from experiments.oracle.compare import TOLERANCE, Compared, Fault
from experiments.oracle.environments import RESPONSIBLY, WEFE, Program, ask, environment
from experiments.oracle.queries import Queries, queries
from experiments.oracle.reference_vectors import ENVIRONMENTS
from experiments.oracle.report import markdown
from experiments.oracle.responsibly_rows import responsibly_faults, responsibly_rows
from experiments.oracle.wefe_rows import wefe_faults, wefe_rows

TABLE = REPOSITORY / "experiments" / "benchmarks" / "ORACLE.md"
WORK = REPOSITORY / "data" / "cache" / "oracle"


def main(argv: list[str] | None = None) -> int:
    """Ask both and write the table; 1: a number disagrees, 2: WEFE cannot be asked."""
    args = _parser().parse_args(argv)
    args.work.mkdir(parents=True, exist_ok=True)
    asked = queries()
    rows: list[Compared] = []
    faults: list[Fault] = []
    versions: dict[str, dict[str, str]] = {}
    skipped: dict[str, str] = {}
    try:
        embeddings, said = measured(WEFE, asked, args)
        rows += wefe_rows(embeddings, asked, said["values"])
        faults += wefe_faults(embeddings, asked, said["facts"])
        versions["WEFE"] = said["versions"]
    except UserError as problem:
        print(f"oracle: {problem}", file=sys.stderr)
        return 2
    try:
        embeddings, said = measured(RESPONSIBLY, asked, args)
        rows += responsibly_rows(embeddings, asked, said["values"], said["facts"])
        faults += responsibly_faults(embeddings, asked, said["facts"])
        versions["responsibly"] = said["versions"]
    except UserError as problem:
        skipped["responsibly"] = str(problem)
    with replacing(args.out) as new:
        new.write_text(markdown(rows, faults, versions, skipped, TOLERANCE), encoding="utf-8")
    wrong = [f"{r.program}, {r.metric}, {r.query}" for r in rows if r.verdict == "DISAGREES"]
    wrong += [f"{f.program}: {f.fault} (not seen)" for f in faults if not f.seen]
    print(f"{len(rows)} comparisons, {len(faults)} faults: {args.out}")
    for each in wrong:
        print(f"not explained: {each}", file=sys.stderr)
    for name, why in skipped.items():
        print(f"{name} was not asked: {why}", file=sys.stderr)
    return 1 if wrong else 0


def measured(
    program: Program, asked: Queries, args: argparse.Namespace
) -> tuple[Embeddings, dict[str, Any]]:
    """Return the vectors that the program's wheel carries, and what it measured on them."""
    python = environment(program, args.environments, args.python)
    vectors = ask(program, python, Path("where"))["vectors"]
    embeddings = Embeddings.load(vectors)
    request = args.work / f"{program.name}.json"
    request.write_text(json.dumps(asked.request(embeddings)), encoding="utf-8")
    return embeddings, ask(program, python, request, out=str(args.work))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m experiments.oracle", description=__doc__)
    parser.add_argument("--out", type=Path, default=TABLE, help="the table")
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS, help="where they are")
    parser.add_argument("--work", type=Path, default=WORK, help="folder for what is passed along")
    parser.add_argument(
        "--python", nargs="+", type=Path, default=[], metavar="PATH", help="Pythons to try first"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
