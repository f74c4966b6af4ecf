"""Show what of a study is done, running, failed or missing, for each trial and seed.

Beside each state stand the first letters of the run's id. A comparison is shown strategy by
strategy, planted bias dose by dose; one of an older version, which keeps no study file, run by run.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import add_store, add_study_name, next_command, open_store
from debiaslab.tables import Table

if TYPE_CHECKING:
    from debiaslab.study.spec import StudyFile
    from debiaslab.study.status import Status
    from debiaslab.tracking import Store, StudyRun

EXAMPLES = """example:
  python -m debiaslab status quickstart"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_study_name(parser)
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Print one table a study."""
    from debiaslab.study.kept import kept_study
    from debiaslab.study.status import known_trials, runs_table, status_of
    from debiaslab.tracking.names import STUDY_FILE

    store = open_store(args)
    alone = store.find_study(args.study)
    if alone is not None and STUDY_FILE not in store.artifacts(alone.run_id):
        runs_of = store.runs(alone.run_id)
        yield f"study     {args.study}\nruns      {len(runs_of)}\n"
        yield runs_table(runs_of)
        return
    file, begun = kept_study(store, args.study)
    if file.kind != "sweep":
        yield from _listed(store, file, begun[0], args)
        return
    runs = {study.study: store.runs(study.run_id) for study in begun}
    left = False
    for plan in file.plans():
        name = plan.name or args.study
        trials = known_trials(Path(args.store), name)
        found = status_of(name, runs.get(name, []), trials, seeds=plan.seeds, wanted=plan.trials)
        left = left or not found.complete
        yield from _shown(found)
    if left:
        yield f"next: {next_command('resume', args.study, store=args.store)}"


def _listed(
    store: Store, file: StudyFile, study: StudyRun, args: argparse.Namespace
) -> Iterator[str | Table]:
    """Show a study whose cells are listed: a comparison, a floor, planted doses."""
    from debiaslab.study import comparing, planting
    from debiaslab.study.status import list_status

    if file.kind == "planted":
        kind, rows, untuned = "dose", planting.rows_of(file.planting_plan()), []
    else:
        plan = file.floor_plan() if file.kind == "floor" else file.comparison_plan()
        settled = comparing.read_settled(store, study.run_id)
        kind, rows = "strategy", comparing.rows_of(plan, settled)
        untuned = [] if settled else [each.label for each in plan.entries]
    found = list_status(study.study, kind, store.runs(study.run_id), rows)
    yield from _shown(found)
    if untuned:
        yield f"λ is not settled yet; to be trained after that: {', '.join(untuned)} and controls"
    if untuned or not found.complete:
        yield f"next: {next_command('resume', args.study, store=args.store)}"


def _shown(found: Status) -> Iterator[str | Table]:
    from debiaslab.study.status import RUN_IDS

    yield f"study     {found.name}\ncells     {found.summary}\n"
    yield found.table
    yield f"\n{RUN_IDS}\n" if any(row.runs for row in found.rows) else ""
