"""Show what of a study is done, running, failed or missing, for each trial and seed.

Beside each state stand the first letters of the run's id. A comparison, which has no trials, is
shown run by run.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from debiaslab.commands.arguments import add_store, add_study_name, next_command, open_store
from debiaslab.tables import Table

EXAMPLES = """example:
  python -m debiaslab status quickstart"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_study_name(parser)
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Print one table a study."""
    from debiaslab.study.kept import kept_study
    from debiaslab.study.status import RUN_IDS, known_trials, runs_table, status_of
    from debiaslab.tracking.names import STUDY_FILE

    store = open_store(args)
    alone = store.find_study(args.study)
    if alone is not None and STUDY_FILE not in store.artifacts(alone.run_id):
        runs_of = store.runs(alone.run_id)
        yield f"study     {args.study}\nruns      {len(runs_of)}\n"
        yield runs_table(runs_of)
        return
    file, begun = kept_study(store, args.study)
    runs = {study.study: store.runs(study.run_id) for study in begun}
    left = False
    for plan in file.plans():
        name = plan.name or args.study
        trials = known_trials(Path(args.store), name)
        found = status_of(name, runs.get(name, []), trials, seeds=plan.seeds, wanted=plan.trials)
        left = left or not found.complete
        yield f"study     {found.name}\ncells     {found.summary}\n"
        yield found.table
        yield f"\n{RUN_IDS}\n" if any(row.runs for row in found.rows) else ""
    if left:
        yield f"next: {next_command('resume', args.study, store=args.store)}"
