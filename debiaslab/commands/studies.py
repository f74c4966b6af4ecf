"""List the studies of the store."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import add_store, open_store
from debiaslab.tables import Column, Table

if TYPE_CHECKING:
    from debiaslab.tracking import StudyRun

EXAMPLES = """example:
  python -m debiaslab studies"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Print one line a study."""

    studies = open_store(args).studies()
    if not studies:
        yield "no studies yet; next: python -m debiaslab sweep --strategy projection"
        return
    yield Table(_COLUMNS, [_row(study) for study in studies], ruled=False)


_COLUMNS = (
    Column("study", align="left"),
    Column("status", align="left"),
    Column("trials", ".0f"),
    Column("best λ", ".4g"),
    Column("score", ".3f"),
    Column("run", align="left"),
)


def _row(study: StudyRun) -> tuple[str | float | None, ...]:
    from debiaslab.tracking.records import status_now

    numbers = (study.metrics.get(name) for name in ("trials", "best_weight", "best_score"))
    return (study.study, status_now(study), *numbers, study.run_id)
