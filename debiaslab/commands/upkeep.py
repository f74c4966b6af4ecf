"""Commands that keep studies: list, status, archive, restore, delete, prune the store."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.commands.options import CACHE, Input, Output, Said
from debiaslab.commands.stores import (
    SUBMISSIONS,
    ReadsStore,
    WritesStore,
    next_command,
    open_store,
    study_name,
)
from debiaslab.errors import UserError
from debiaslab.settings.options import Flag, Text, command, option
from debiaslab.tables import Column, Table

if TYPE_CHECKING:
    from debiaslab.settings.study import StudyFile
    from debiaslab.study.removal import Leftovers, Removal
    from debiaslab.study.status import Status
    from debiaslab.tracking import Store, StudyRun


@command
class StudiesCommand(ReadsStore):
    """List the studies of the store."""

    examples = """example:
  python -m debiaslab studies"""

    def run(self) -> Said:
        """Print one line a study."""
        from debiaslab.tracking.records import status_now

        studies = open_store(self.store).studies()
        if not studies:
            yield "no studies yet; next: python -m debiaslab sweep --strategy projection"
            return
        columns = (
            *(Column("study", align="left"), Column("status", align="left")),
            *(Column("trials", ".0f"), Column("best λ", ".4g"), Column("score", ".3f")),
            Column("run", align="left"),
        )
        numbers = ("trials", "best_weight", "best_score")
        rows = [
            (each.study, status_now(each), *map(each.metrics.get, numbers), each.run_id)
            for each in studies
        ]
        yield Table(columns, rows, ruled=False)


@command
class StatusCommand(ReadsStore):
    """Show what of a study is done, running, failed or missing, for each trial and seed.

    Beside each state stand the first letters of the run's id. A comparison is shown strategy by
    strategy, planted bias dose by dose; one of an older version, which keeps no study file, run by
    run.
    """

    examples = """example:
  python -m debiaslab status quickstart"""
    study: Text = study_name()

    def run(self) -> Said:
        """Print one table a study."""
        from debiaslab.study.kept import kept_study
        from debiaslab.study.spec import plans_of
        from debiaslab.study.status import known_trials, runs_table, status_of
        from debiaslab.tracking.names import STUDY_FILE

        store = open_store(self.store)
        alone = store.find_study(self.study)
        if alone is not None and STUDY_FILE not in store.artifacts(alone.run_id):
            runs_of = store.runs(alone.run_id)
            yield f"study     {self.study}\nruns      {len(runs_of)}\n"
            yield runs_table(runs_of)
            return
        file, begun = kept_study(store, self.study)
        if file.kind == "sweep":
            runs = {study.study: store.runs(study.run_id) for study in begun}
            left = False
            for plan in plans_of(file):
                name = plan.name or self.study
                trials = known_trials(Path(self.store), name)
                found = status_of(
                    name, runs.get(name, []), trials, seeds=plan.seeds, wanted=plan.trials
                )
                left = left or not found.complete
                yield from _status(found)
        else:
            found, untuned = _listed_status(store, file, begun[0])
            left = bool(untuned) or not found.complete
            yield from _status(found)
            if untuned:
                labels = ", ".join(untuned)
                yield f"λ is not settled yet; to be trained after that: {labels} and controls"
        if left:
            yield f"next: {self.next('resume', self.study)}"


def _listed_status(store: Store, file: StudyFile, study: StudyRun) -> tuple[Status, list[str]]:
    """Return the status of a study whose cells are listed, and what of it has no λ yet."""
    from debiaslab.study import comparing, planting
    from debiaslab.study.spec import comparison_of, planting_of
    from debiaslab.study.status import list_status

    if file.kind == "planted":
        kind, rows, untuned = "dose", planting.rows_of(planting_of(file)), []
    else:
        plan = comparison_of(file)
        settled = comparing.read_settled(store, study.run_id)
        kind, rows = "strategy", comparing.rows_of(plan, settled)
        untuned = [] if settled else [each.label for each in plan.entries]
    return list_status(study.study, kind, store.runs(study.run_id), rows), untuned


def _status(found: Status) -> Said:
    from debiaslab.study.status import RUN_IDS

    yield f"study     {found.name}\ncells     {found.summary}\n"
    yield found.table
    yield f"\n{RUN_IDS}\n" if any(row.runs for row in found.rows) else ""


@command
class ArchiveCommand(ReadsStore):
    """Write a study to one zip file: its runs, their files, and the search.

    The text of the corpus is not in it: the study continues wherever the same text is. A file that
    is there already is left alone, since it may hold the only copy of another study.
    """

    examples = """example:
  python -m debiaslab archive quickstart quickstart.zip"""
    study: Text = study_name()
    file: Output = option("file to write", flag="file", metavar="FILE.zip")

    def run(self) -> Said:
        """Write the file, and say what is in it."""
        from debiaslab.study.archive import archive, readable_size

        out = Path(self.file)
        if out.suffix.lower() != ".zip":
            raise UserError(f"{out} does not end in .zip", next_step=str(out.with_suffix(".zip")))
        if os.path.lexists(out):
            names = (out.with_name(f"{out.stem}-{i}{out.suffix}") for i in itertools.count(2))
            free = next(name for name in names if not os.path.lexists(name))
            again = self.next("archive", self.study, str(free))
            raise UserError(f"there is a file {out} already", next_step=again)
        made = archive(open_store(self.store), Path(self.store), self.study, out)
        yield (
            f"wrote {out}: {', '.join(made.studies)} ({made.runs} runs, {made.files} files, "
            f"{readable_size(made.bytes)})\nnext, where it is to be resumed: "
            f"{next_command('restore', out.name)}"
        )


@command
class RestoreCommand(WritesStore):
    """Put the studies of an archive into the store, where they can be continued.

    Runs get new ids (the tag debiaslab.original_run has the old one); everything else is as it was.
    """

    examples = """example:
  python -m debiaslab restore quickstart.zip"""
    file: Input = option("what archive wrote", flag="file", metavar="FILE.zip")

    def run(self) -> Said:
        """Restore, and say what."""
        from debiaslab.study.archive import restore
        from debiaslab.system.files import check_output_folder

        if not Path(self.file).is_file():
            raise UserError(f"there is no file {self.file}")
        check_output_folder(self.store)
        made = restore(Path(self.file), Path(self.store))
        yield f"restored {', '.join(made.studies)} ({made.runs} runs)"
        for name in made.studies:
            then = ("report", "--study", name) if name in made.without_file else ("resume", name)
            yield f"next: {self.next(*then)}"


@command
class DeleteCommand(WritesStore):
    """Remove a study for good: its runs, their files, its search and its checkpoints.

    Without --yes it says what would go and asks. A study that is running is refused. The name of a
    group, as a file with several strategies makes one, removes all its studies.
    """

    examples = """examples:
  python -m debiaslab delete quickstart
  python -m debiaslab delete quickstart --yes"""
    study: Text = study_name()
    yes: Flag = option("remove it without asking", default=False)
    dead_elsewhere: Flag = option(
        "runs that other machines left open are those of processes that have ended", default=False
    )

    def run(self) -> Said:
        """Ask, and remove the study."""
        from debiaslab.study.removal import find_removal, remove_study

        store, root = open_store(self.store, write=True), Path(self.store)
        found = find_removal(store, root, self.study, dead_elsewhere=self.dead_elsewhere)
        what = _removed(found)
        if not (self.yes or _agreed(what)):
            again = self.next("delete", self.study, "--yes")
            raise UserError(f"nothing was removed: {what}", next_step=again)
        marked = remove_study(store, root, found)
        yield f"removed {what}"
        if marked:
            yield "the server keeps what was deleted until `mlflow gc` is run where it runs"
        for name, ending in itertools.product(found.names, (".csv", ".zip")):
            if (file := Path(SUBMISSIONS) / f"{name}{ending}").is_file():
                yield f"kept: {file}"


def _removed(found: Removal) -> str:
    from debiaslab.study.archive import readable_size

    trials = f", {found.trials} trials of its search" if found.trials else ""
    checkpoints = f", {len(found.checkpoints)} checkpoints" if found.checkpoints else ""
    return (
        f"the study {', '.join(found.names)}: {len(found.runs)} runs{trials}{checkpoints}, "
        f"{readable_size(found.bytes)}"
    )


def _agreed(what: str) -> bool:
    """Ask at a terminal; elsewhere nobody can answer."""
    if not sys.stdin.isatty():
        return False
    return input(f"{what}\nremove it for good? [yes/no] ").strip().lower() in ("y", "yes")


@command
class PruneStoreCommand(WritesStore):
    """Remove what crashed and interrupted runs left: their runs, files and checkpoints.

    Without --yes it says what would go, and removes nothing. Studies lose no finished run, and a
    training that was cut short is kept as long as its study can be resumed.
    """

    examples = """examples:
  python -m debiaslab prune-store
  python -m debiaslab prune-store --yes
  python -m debiaslab prune-store --checkpoints --yes"""
    yes: Flag = option("remove it", default=False)
    failed: Flag = option("also runs that failed for a reason of their own", default=False)
    checkpoints: Flag = option(
        "also the checkpoints that studies would resume from: they would train again", default=False
    )

    def run(self) -> Said:
        """List what is left over, and remove it when told to."""
        from debiaslab.study.archive import readable_size
        from debiaslab.study.removal import find_leftovers, remove_leftovers

        store = open_store(self.store, write=self.yes)
        folders = (Path(self.store), Path(CACHE), Path(SUBMISSIONS))
        found = find_leftovers(store, folders, failed=self.failed, checkpoints=self.checkpoints)
        listed = list(_left_over(found))
        if self.yes:
            remove_leftovers(store, found)
        yield from listed
        if not (found.runs or found.paths or found.checkpoints):
            looked = ", ".join(map(str, folders))
            yield f"nothing is left over: looked at the runs, files and checkpoints of {looked}"
            return
        what = (
            f"{len(found.runs)} runs, {len(found.paths)} files and folders, "
            f"{len(found.checkpoints)} checkpoints, {readable_size(found.bytes)}"
        )
        if self.yes:
            yield f"removed {what}"
            return
        given = (f"--{name}" for name in ("failed", "checkpoints") if getattr(self, name))
        then = self.next("prune-store", "--yes", *given)
        yield f"{what}; nothing was removed; next: {then}"


def _left_over(found: Leftovers) -> Iterator[str]:
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
