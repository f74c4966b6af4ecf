"""Remove what crashed and interrupted runs left: their runs and files, and temporary files.

Without --yes it says what would go, and removes nothing. Studies lose no finished run.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from debiaslab.commands.arguments import CACHE, STORE, SUBMISSIONS, add_store, open_store

EXAMPLES = """examples:
  python -m debiaslab prune-store
  python -m debiaslab prune-store --yes"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--yes", action="store_true", help="remove it")
    parser.add_argument(
        "--failed", action="store_true", help="also runs that failed for a reason of their own"
    )
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """List what is left over, and remove it when told to."""
    from debiaslab.study.archive import readable_size
    from debiaslab.study.leftovers import find_leftovers, remove_leftovers

    store = open_store(args)
    folders = (Path(args.store), Path(CACHE), Path(SUBMISSIONS))
    found = find_leftovers(store, folders, failed=args.failed)
    for each in found.runs:
        reason = each.tags.get("debiaslab.reason", "its process ended without closing it")
        yield f"run     {each.run_id}  {each.status:8} {each.name}: {reason.splitlines()[0]}"
    for path in found.paths:
        yield f"{'folder' if path.is_dir() else 'file':6}  {path}"
    if not (found.runs or found.paths):
        yield "nothing is left over"
        return
    size = readable_size(found.bytes)
    what = f"{len(found.runs)} runs and {len(found.paths)} files and folders, {size}"
    if args.yes:
        remove_leftovers(store, found)
        yield f"removed {what}"
        return
    where = "" if args.store == STORE else f" --store {args.store}"
    also = " --failed" if args.failed else ""
    yield f"{what}; nothing was removed; next: python -m debiaslab prune-store --yes{also}{where}"
