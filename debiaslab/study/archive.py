"""A study as one file: runs, artifacts and search, to be moved to another machine."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, TrialState
from pydantic import BaseModel, ConfigDict
from tqdm import tqdm

from debiaslab.errors import UserError
from debiaslab.study.search import INTERRUPTED
from debiaslab.study.search_storage import open_storage, search_exists, shown, storage_to_read
from debiaslab.system.atomic import replacing
from debiaslab.tracking import Store
from debiaslab.tracking.records import RunInfo

SCHEMA = 1
MANIFEST, CONTENT, ARTIFACTS = "manifest.json", "studies.json", "artifacts/"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ArchivedDataset(_Part):
    """The corpus of a run as MLflow shows it."""

    name: str
    digest: str
    source: str
    columns: dict[str, str]
    profile: dict[str, Any]


class ArchivedRun(_Part):
    """One run; its artifacts are files under ``artifacts/<run_id>/``."""

    run_id: str
    name: str
    status: Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]
    params: dict[str, str]
    tags: dict[str, str]
    metrics: dict[str, list[tuple[int, float]]]  # by name: (step, value)
    datasets: list[ArchivedDataset]
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


_SEARCH_RESTORING = "restoring"


def archived_search(root: Path, name: str) -> ArchivedSearch | None:
    """Return the search of a study; None when the store has none of this name.

    A trial that is running is archived as one that was interrupted: it comes again.
    """
    if not search_exists(root):
        return None
    try:
        with storage_to_read(root) as storage:
            study = optuna.load_study(study_name=name, storage=storage)
            return ArchivedSearch(
                directions=[direction.name for direction in study.directions],  # type: ignore[misc]
                user_attrs=study.user_attrs,
                trials=[_archived_trial(trial) for trial in study.get_trials(deepcopy=False)],
            )
    except KeyError:
        return None


def restore_search(root: Path, name: str, search: ArchivedSearch) -> None:
    """Make the Optuna study in the store; `search_is_whole` ends that.

    Raises:
        UserError: There is one of this name that is whole.
    """
    storage = open_storage(root)
    if name in optuna.get_all_study_names(storage):
        if not optuna.load_study(study_name=name, storage=storage).user_attrs.get(
            _SEARCH_RESTORING
        ):
            raise UserError(
                f"the search of a study {name!r} is in {shown(root)} already",
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


def search_is_whole(root: Path, name: str) -> None:
    """Say that the runs of a restored search are there too: it is not begun anew any more."""
    study = optuna.load_study(study_name=name, storage=open_storage(root))
    study.set_user_attr(_SEARCH_RESTORING, False)


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
        trial_id=number,  # both are given anew by the storage
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


_CHUNK = 1 << 20


@dataclass(frozen=True)
class Archived:
    """What an archive holds."""

    path: Path
    studies: tuple[str, ...]
    runs: int
    files: int
    bytes: int  # of the archive


def archive(store: Store, root: Path, name: str, out: Path, *, progress: bool = True) -> Archived:
    """Write a study, or all studies of a group, to a zip file.

    Args:
        store: The tracking store.
        root: Folder of the search's database.
        name: Name of the study or group.
        out: The file.
        progress: Whether to draw a progress bar.

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
                search=archived_search(root, study.study),
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
        datasets=[ArchivedDataset(**asdict(each)) for each in store.datasets(run.run_id)],
        start=run.start,
        end=run.end,
    )


def _add_artifacts(archive: zipfile.ZipFile, store: Store, run: RunInfo) -> dict[str, str]:
    """Copy the files of a run into the archive; return the digest of each."""
    digests = {}
    for path in store.artifacts(run.run_id):
        source = store.artifact(run.run_id, path)
        if source.is_dir():
            continue
        inside = f"{ARTIFACTS}{run.run_id}/{path}"
        digest = hashlib.sha256()
        with source.open("rb") as file, archive.open(inside, "w", force_zip64=True) as target:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
        digests[inside] = digest.hexdigest()
    return digests


def readable_size(size: int) -> str:
    """Return a number of bytes in MiB, or in KiB when it is small."""
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"


def inside(name: str) -> bool:
    """Whether the name of an entry stays inside the folder it is unpacked in.

    Absolute names, drives, backslashes, ``..`` and empty parts do not.
    """
    parts = name.rstrip("/").split("/")
    odd = "\\" in name or ":" in name or "\0" in name or os.path.isabs(name)
    return not odd and all(part not in ("", ".", "..") for part in parts)
