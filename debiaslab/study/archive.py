"""A study as one file: runs, artifacts and search, to be moved to another machine.

Nothing in an archive that is restored is trusted, nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal

import optuna
from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, TrialState
from pydantic import BaseModel, ConfigDict, ValidationError
from tqdm import tqdm

from debiaslab.errors import UserError
from debiaslab.study.kept import publish
from debiaslab.study.run import vectors_of
from debiaslab.study.search import INTERRUPTED
from debiaslab.study.search_storage import database_name, open_storage, study_to_read
from debiaslab.system.files import replacing
from debiaslab.tracking import BEST_TAG, KIND_TAG, NOTE_TAG, PARENT_TAG, REASON_TAG, Store
from debiaslab.tracking.names import (
    MODEL_TAG,
    ORIGINAL_TAG,
    ORIGINAL_TIMES_TAG,
    PROCESS_TAG,
    RESTORING_KIND,
    SIDES,
    STUDY_FILE,
    STUDY_KIND,
    VECTORS,
)
from debiaslab.tracking.records import DatasetInfo, RunInfo

SCHEMA = 1
MANIFEST, CONTENT, ARTIFACTS = "manifest.json", "studies.json", "artifacts/"
_SEARCH_RESTORING = "restoring"  # mark of a search whose runs are not all there yet
# tags of a run that are assigned again where it is restored
_LEFT_OUT = {PARENT_TAG, PROCESS_TAG, MODEL_TAG, BEST_TAG, KIND_TAG, "mlflow.runName"}
_CHUNK = 1 << 20
_LARGEST_JSON = 1 << 30
_HARMLESS = 100 << 20  # bytes up to which it does not matter how far an archive was packed
_MOST_PACKED = 100  # bytes from one: studies have 2 to 10, a zip bomb has a thousand


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ArchivedRun(_Part):
    """One run; its artifacts are files under ``artifacts/<run_id>/``."""

    run_id: str
    name: str
    status: Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]
    params: dict[str, str]
    tags: dict[str, str]
    metrics: dict[str, list[tuple[int, float]]]  # by name: (step, value)
    datasets: list[DatasetInfo]
    start: datetime
    end: datetime | None


class ArchivedTrial(_Part):
    """One Optuna trial."""

    state: Literal["COMPLETE", "PRUNED", "FAIL"]
    params: dict[str, Any]
    distributions: dict[str, str]  # JSON of Optuna
    values: list[float] | None
    intermediate: dict[int, float]
    user_attrs: dict[str, Any]
    system_attrs: dict[str, Any]
    start: datetime | None
    end: datetime | None


class ArchivedSearch(_Part):
    """One Optuna study."""

    directions: list[Literal["MINIMIZE", "MAXIMIZE"]]
    user_attrs: dict[str, Any]
    trials: list[ArchivedTrial]


class ArchivedStudy(_Part):
    """One study: its own run, the runs of its trials, and the search."""

    name: str
    parent: ArchivedRun
    runs: list[ArchivedRun]
    search: ArchivedSearch | None


class Content(_Part):
    """All studies of an archive."""

    studies: list[ArchivedStudy]


class Manifest(_Part):
    """What must be in the archive, to know a damaged one."""

    format: Literal["debiaslab study archive"] = "debiaslab study archive"
    version: int = SCHEMA
    files: dict[str, str]  # path in the archive → sha256, hex


def _archived_search(root: Path, name: str) -> ArchivedSearch | None:
    """Return the search of a study; None when the store has none of this name.

    A trial that is running is archived as one that was interrupted: it comes again.
    """
    with study_to_read(root, name) as study:
        if study is None:
            return None
        return ArchivedSearch(
            directions=[direction.name for direction in study.directions],  # type: ignore[misc]
            user_attrs=study.user_attrs,
            trials=[_archived_trial(trial) for trial in study.get_trials(deepcopy=False)],
        )


def _restored_search(root: Path, name: str, search: ArchivedSearch) -> optuna.Study:
    """Make the Optuna study in the store, marked until its runs are there too.

    Raises:
        UserError: There is one of this name that is whole.
    """
    storage = open_storage(root)
    if name in optuna.get_all_study_names(storage):
        there = optuna.load_study(study_name=name, storage=storage)
        if not there.user_attrs.get(_SEARCH_RESTORING):
            raise UserError(
                f"the search of a study {name!r} is in {database_name(root)} already",
                next_step="--store with another folder",
            )
        optuna.delete_study(study_name=name, storage=storage)  # a restoration was cut short
    directions = [optuna.study.StudyDirection[direction] for direction in search.directions]
    study = optuna.create_study(study_name=name, storage=storage, directions=directions)
    study.set_user_attr(_SEARCH_RESTORING, True)
    study.add_trials([_frozen(trial, i) for i, trial in enumerate(search.trials)])
    for key, value in search.user_attrs.items():
        if key != _SEARCH_RESTORING:
            study.set_user_attr(key, value)
    return study


def _archived_trial(trial: FrozenTrial) -> ArchivedTrial:
    ended = trial.state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    return ArchivedTrial(
        state=trial.state.name if ended else "FAIL",  # type: ignore[arg-type]
        params=trial.params,
        distributions={k: distribution_to_json(d) for k, d in trial.distributions.items()},
        values=trial.values,
        intermediate=trial.intermediate_values,
        user_attrs=trial.user_attrs if ended else {**trial.user_attrs, INTERRUPTED: True},
        system_attrs=trial.system_attrs,
        start=trial.datetime_start,
        end=trial.datetime_complete,
    )


def _frozen(trial: ArchivedTrial, number: int) -> FrozenTrial:
    start = trial.start or trial.end
    return FrozenTrial(
        number=number,
        trial_id=number,  # both are assigned again by the storage
        state=TrialState[trial.state],
        value=None,
        values=trial.values,
        datetime_start=start,
        datetime_complete=trial.end or start,
        params=trial.params,
        distributions={k: json_to_distribution(text) for k, text in trial.distributions.items()},
        user_attrs=trial.user_attrs,
        system_attrs=trial.system_attrs,
        intermediate_values=trial.intermediate,
    )


@dataclass(frozen=True)
class Archived:
    """What an archive holds."""

    path: Path
    studies: tuple[str, ...]
    runs: int
    files: int
    bytes: int  # of the archive


def archive(store: Store, root: Path, name: str, out: Path, *, progress: bool = True) -> Archived:
    """Write a study, or all studies of a group, to the zip file ``out``.

    ``root`` is the folder of the search's database.

    Raises:
        UserError: There is no such study, or the file cannot be written.
    """
    chosen = store.studies_named(name)
    children = {study.run_id: store.runs(study.run_id) for study in chosen}
    runs = [run for study in chosen for run in (study, *children[study.run_id])]
    known: dict[str, ArchivedRun] = {}
    files: dict[str, str] = {}
    with (
        replacing(out) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
        tqdm(runs, desc=f"archive {name}", unit="run", disable=not progress) as bar,
    ):
        for run in bar:
            known[run.run_id] = _described(store, run)
            files |= _add_artifacts(archive, store, run)
        studies = [
            ArchivedStudy(
                name=study.study,
                parent=known[study.run_id],
                runs=[known[run.run_id] for run in children[study.run_id]],
                search=_archived_search(root, study.study),
            )
            for study in chosen
        ]
        content = Content(studies=studies).model_dump_json(indent=1).encode()
        archive.writestr(CONTENT, content)
        files[CONTENT] = hashlib.sha256(content).hexdigest()
        archive.writestr(MANIFEST, json.dumps(Manifest(files=files).model_dump(), indent=1))
    names = tuple(study.study for study in chosen)
    return Archived(out, names, len(runs), len(files), out.stat().st_size)


def _described(store: Store, run: RunInfo) -> ArchivedRun:
    return ArchivedRun(
        run_id=run.run_id,
        name=run.name,
        status=run.status,  # type: ignore[arg-type]
        params=dict(run.params),
        tags=dict(run.tags),
        metrics={metric: store.series(run.run_id, metric) for metric in run.metrics},
        datasets=store.datasets(run.run_id),
        start=run.start,
        end=run.end,
    )


def _add_artifacts(archive: zipfile.ZipFile, store: Store, run: RunInfo) -> dict[str, str]:
    """Copy the files of a run into the archive; return the digest of each."""
    digests = {}
    for path in store.artifacts(run.run_id):
        source = store.artifact(run.run_id, path)
        if not source.is_dir():
            name = f"{ARTIFACTS}{run.run_id}/{path}"
            with source.open("rb") as file, archive.open(name, "w", force_zip64=True) as target:
                digests[name] = _copied(file, target)
    return digests


def _copied(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy a file piece by piece; return its sha256, hex."""
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()


def readable_size(size: int) -> str:
    """Return a number of bytes in MiB, or in KiB when it is small."""
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"


@dataclass(frozen=True)
class Restored:
    """What was restored."""

    studies: tuple[str, ...]
    without_file: tuple[str, ...]  # of these those that `resume` cannot continue
    runs: int


def restore(path: Path, root: Path, *, progress: bool = True) -> Restored:
    """Put the studies of an archive into a store, under new run ids.

    A study is seen only when it is whole: the same call begins one that was cut short again.

    The store in the folder ``root`` is made, if need be, when the archive was found whole.

    Raises:
        UserError: The file is not an archive, is damaged or unsafe, or the store has its study.
    """
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            content = _unpack(archive, path, Path(folder), root)
            store = Store.open(root)
            there = {study.study for study in store.studies()}
            if taken := [each.name for each in content.studies if each.name in there]:
                raise UserError(
                    f"the store has a study {taken[0]!r} already",
                    next_step="--store with another folder",
                )
            runs = sum(1 + len(study.runs) for study in content.studies)
            with tqdm(total=runs, desc="restore", unit="run", disable=not progress) as bar:
                for study in content.studies:
                    _restore(store, root, study, Path(folder), bar)
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        raise UserError(f"{path} is not a whole zip file ({error})") from error
    names = tuple(study.name for study in content.studies)
    kept = {name: store.artifacts(store.study_named(name).run_id) for name in names}
    return Restored(names, tuple(name for name in names if STUDY_FILE not in kept[name]), runs)


def _unpack(archive: zipfile.ZipFile, path: Path, folder: Path, root: Path) -> Content:
    """Check every entry, unpack what the manifest names, and return the content.

    No entry can give more bytes than it says it has: ``zipfile`` stops there.
    """
    entries = {entry.filename: entry for entry in archive.infolist()}
    for name, entry in entries.items():
        if not inside(name):
            raise UserError(f"{path} holds {name!r}, which points outside its own folder")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise UserError(f"{path} holds {name!r}, which is a link")
    size = sum(entry.file_size for entry in entries.values())
    if size > max(_HARMLESS, _MOST_PACKED * path.stat().st_size):
        raise UserError(
            f"{path} unpacks to {size:,} bytes, more than {_MOST_PACKED} times its own size, "
            "which no archive of a study does",
            next_step="archive the study again where it is",
        )
    there = next(each for each in (root, *root.absolute().parents) if each.exists())
    for place in (folder, there):
        if (free := shutil.disk_usage(place).free) < size:
            raise UserError(f"{path} unpacks to {size:,} bytes, and {place} has {free:,} free")
    if MANIFEST not in entries:
        raise UserError(
            f"{path} is not an archive of a study", next_step="debiaslab archive NAME FILE"
        )
    _check_json(entries[MANIFEST], path)
    manifest = _manifest(archive.read(MANIFEST), path)
    for name, expected in manifest.files.items():
        if name not in entries or not (name == CONTENT or name.startswith(ARTIFACTS)):
            raise UserError(f"{path} is damaged: {name!r} is missing or has no place in it")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as source, target.open("wb") as file:
            if _copied(source, file) != expected:
                raise UserError(f"{path} is damaged: {name!r} is not what was archived")
    if CONTENT not in manifest.files:
        raise UserError(f"{path} is damaged: {CONTENT!r} is missing")
    _check_json(entries[CONTENT], path)
    try:
        return Content.model_validate_json((folder / CONTENT).read_bytes())
    except ValidationError as error:
        raise _unreadable(path, error) from None


def _manifest(text: bytes, path: Path) -> Manifest:
    try:
        value = json.loads(text)
        version = value.get("version") if isinstance(value, dict) else None
        if version != SCHEMA:
            raise UserError(
                f"{path} is an archive of version {version!r}", allowed=f"version {SCHEMA}"
            )
        return Manifest.model_validate(value)
    except ValidationError as error:
        raise _unreadable(path, error) from None
    except ValueError as error:
        raise UserError(f"{path} is damaged: {MANIFEST!r} is not JSON") from error


def _unreadable(path: Path, error: ValidationError) -> UserError:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return UserError(f"{path} is damaged: {place or 'its content'}: {first['msg']}")


def _check_json(entry: zipfile.ZipInfo, path: Path) -> None:
    """Refuse what would be read into memory whole and is too large for that."""
    if entry.file_size > _LARGEST_JSON:
        raise UserError(f"{path} is damaged: {entry.filename!r} is too large")


def inside(name: str) -> bool:
    """Whether the name of an entry stays inside the folder it is unpacked in.

    Absolute names, drives, backslashes, ``..`` and empty parts do not.
    """
    parts = name.rstrip("/").split("/")
    odd = "\\" in name or ":" in name or "\0" in name or os.path.isabs(name)
    return not odd and all(part not in ("", ".", "..") for part in parts)


def _restore(store: Store, root: Path, study: ArchivedStudy, folder: Path, bar: tqdm) -> None:
    search = None
    if study.search is not None:
        search = _restored_search(root, study.name, study.search)
    parent = _restore_run(store, study.parent, None, folder, kind=RESTORING_KIND)
    bar.update()
    renamed = {study.parent.run_id: parent}
    for run in study.runs:
        kind = run.tags.get(KIND_TAG, "trial")
        renamed[run.run_id] = _restore_run(store, run, parent, folder, kind=kind)
        bar.update()
    _rename_in_sides(store, parent, renamed)
    tags = {KIND_TAG: STUDY_KIND}  # from here on it is seen
    if (best := renamed.get(study.parent.tags.get(BEST_TAG, ""))) is not None:
        tags[BEST_TAG] = best
        if VECTORS in store.artifacts(best):
            publish(store, study.name, best, vectors_of(store, best))
    store.save_view(study.name, parent)
    note = study.parent.tags.get(NOTE_TAG, "").replace(study.parent.run_id, parent)
    there = f"#/experiments/{store.experiment_id}/runs"
    store.describe(parent, re.sub(r"#/experiments/\w+/runs", there, note))  # links lead there
    store.writer(parent).tags(tags)
    if search is not None:
        search.set_user_attr(_SEARCH_RESTORING, False)


def _rename_in_sides(store: Store, parent: str, renamed: Mapping[str, str]) -> None:
    """Let the strategies of a comparison name their runs by the ids these have here."""
    if SIDES not in store.artifacts(parent):
        return
    text = store.artifact(parent, SIDES).read_text(encoding="utf-8")
    for old, new in renamed.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    store.writer(parent).text(text, SIDES)


def _restore_run(
    store: Store, run: ArchivedRun, parent: str | None, folder: Path, *, kind: str
) -> str:
    """Log one run again, and return its id."""
    tags = {key: value for key, value in run.tags.items() if key not in _LEFT_OUT}
    times = f"{run.start.isoformat()} to {run.end.isoformat() if run.end else '–'}"
    tags |= {ORIGINAL_TAG: run.run_id, ORIGINAL_TIMES_TAG: times, KIND_TAG: kind}
    log = store.start(run.name, parent=parent, params=run.params, tags=tags, dataset=None)
    with log:
        for dataset in run.datasets:
            log.dataset(dataset)
        for metric, points in run.metrics.items():
            log.history((step, {metric: value}) for step, value in points)
        own = folder / ARTIFACTS / run.run_id
        for file in sorted(own.rglob("*")) if inside(run.run_id) else ():
            if file.is_file():
                above = file.parent.relative_to(own).as_posix()
                log.file(file, None if above == "." else above)
        if run.status == "RUNNING":
            log.finish("KILLED", "was running when it was archived")
        else:
            log.finish(run.status, run.tags.get(REASON_TAG))
    return log.run_id
