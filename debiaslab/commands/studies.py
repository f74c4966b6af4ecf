"""List the studies of the store."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from debiaslab.commands.arguments import add_store

EXAMPLES = """example:
  python -m debiaslab studies"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Print one line a study."""
    from debiaslab.tracking import Store

    studies = Store.open(args.store, create=False).studies()
    if not studies:
        yield "no studies yet; next: python -m debiaslab sweep --strategy projection"
    for study in studies:
        yield f"{study.name:40} {study.status:10} {study.run_id}"
