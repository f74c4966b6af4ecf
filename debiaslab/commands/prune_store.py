"""Remove what crashed and interrupted runs left: their runs, files and checkpoints.

Without --yes it says what would go, and removes nothing. Studies lose no finished run, and a
training that was cut short is kept as long as its study can be resumed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import (
    SUBMISSIONS,
    add_store,
    next_command,
    open_store,
    open_store_to_write,
)
from debiaslab.commands.files import CACHE

if TYPE_CHECKING:
    from debiaslab.study.removal import Leftovers

EXAMPLES = """examples:
  python -m debiaslab prune-store
  python -m debiaslab prune-store --yes
  python -m debiaslab prune-store --checkpoints --yes"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--yes", action="store_true", help="remove it")
    parser.add_argument(
        "--failed", action="store_true", help="also runs that failed for a reason of their own"
    )
    parser.add_argument(
        "--checkpoints",
        action="store_true",
        help="also the checkpoints that studies would go on from: they would train anew",
    )
    add_store(parser, written=True)


def run(args: argparse.Namespace) -> Iterator[str]:
    """List what is left over, and remove it when told to."""
    from debiaslab.study.archive import readable_size
    from debiaslab.study.removal import find_leftovers, remove_leftovers

    store = open_store_to_write(args) if args.yes else open_store(args)
    folders = (Path(args.store), Path(CACHE), Path(SUBMISSIONS))
    found = find_leftovers(store, folders, failed=args.failed, checkpoints=args.checkpoints)
    listed = list(_listed(found))
    if args.yes:
        remove_leftovers(store, found)
    yield from listed
    if not (found.runs or found.paths or found.checkpoints):
        looked = ", ".join(str(folder) for folder in folders)
        yield f"nothing is left over: looked at the runs, files and checkpoints of {looked}"
        return
    what = ", ".join(
        (
            f"{len(found.runs)} runs",
            f"{len(found.paths)} files and folders",
            f"{len(found.checkpoints)} checkpoints",
            readable_size(found.bytes),
        )
    )
    if args.yes:
        yield f"removed {what}"
        return
    given = (name for name in ("failed", "checkpoints") if getattr(args, name))
    then = next_command("prune-store", "--yes", *(f"--{name}" for name in given), store=args.store)
    yield f"{what}; nothing was removed; next: {then}"


def _listed(found: Leftovers) -> Iterator[str]:
    from debiaslab.tracking.names import REASON_TAG

    for run in found.runs:
        reason = run.tags.get(REASON_TAG, "its process ended without closing it")
        yield f"run     {run.run_id}  {run.status:8} {run.name}: {reason.splitlines()[0]}"
    for path in found.paths:
        yield f"{'folder' if path.is_dir() else 'file':6}  {path}"
    for each in found.checkpoints:
        yield f"checkpoint  {each.path}: {each.why}"
    for each in found.kept:
        yield f"kept: checkpoint  {each.path}: {each.why} (--checkpoints: removed all the same)"
