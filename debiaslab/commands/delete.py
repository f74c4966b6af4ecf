"""Remove a study for good: its runs, their files, its search and its checkpoints.

Without --yes it says what would go and asks. A study that is running is refused. The name of a
group, as a file with several strategies makes one, removes all its studies.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import (
    SUBMISSIONS,
    add_store,
    add_study_name,
    next_command,
    open_store_to_write,
)
from debiaslab.errors import UserError

if TYPE_CHECKING:
    from debiaslab.study.removal import Removal

EXAMPLES = """examples:
  python -m debiaslab delete quickstart
  python -m debiaslab delete quickstart --yes"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_study_name(parser)
    parser.add_argument("--yes", action="store_true", help="remove it without asking")
    parser.add_argument(
        "--dead-elsewhere",
        action="store_true",
        help="runs that other machines left open are those of processes that have ended",
    )
    add_store(parser, written=True)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Ask, and remove the study."""
    from debiaslab.study.removal import find_removal, remove_study

    store = open_store_to_write(args)
    found = find_removal(store, Path(args.store), args.study, dead_elsewhere=args.dead_elsewhere)
    listed = _listed(found)
    if not (args.yes or _agreed(listed)):
        again = next_command("delete", args.study, "--yes", store=args.store)
        raise UserError(f"nothing was removed: {'; '.join(listed)}", next_step=again)
    marked = remove_study(store, Path(args.store), found)
    yield from (f"removed {line}" for line in listed)
    if marked:
        yield "the server keeps what was deleted until `mlflow gc` is run where it runs"
    files = (Path(SUBMISSIONS) / f"{name}{end}" for name in found.names for end in (".csv", ".zip"))
    yield from (f"kept: {file}" for file in files if file.is_file())


def _listed(found: Removal) -> list[str]:
    from debiaslab.study.archive import readable_size

    trials = f", {found.trials} trials of its search" if found.trials else ""
    checkpoints = f", {len(found.checkpoints)} checkpoints" if found.checkpoints else ""
    return [
        f"the study {', '.join(found.names)}: {len(found.runs)} runs{trials}{checkpoints}, "
        f"{readable_size(found.bytes)}"
    ]


def _agreed(listed: list[str]) -> bool:
    """Ask at a terminal; elsewhere nobody can answer."""
    if not sys.stdin.isatty():
        return False
    question = "\n".join(listed)
    return input(f"{question}\nremove it for good? [yes/no] ").strip().lower() in ("y", "yes")
