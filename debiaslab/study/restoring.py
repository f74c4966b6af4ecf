"""Unpacking an archive of studies into a store. Nothing in it is trusted, nothing unpickled."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from tqdm import tqdm

from debiaslab.errors import UserError
from debiaslab.study.archive import (
    ARTIFACTS,
    CONTENT,
    MANIFEST,
    SCHEMA,
    ArchivedRun,
    ArchivedStudy,
    Content,
    Manifest,
    inside,
    restore_search,
    search_is_whole,
)
from debiaslab.study.description import publish
from debiaslab.tracking import (
    BEST_TAG,
    KIND_TAG,
    NOTE_TAG,
    PARENT_TAG,
    REASON_TAG,
    Store,
)
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
from debiaslab.tracking.records import DatasetInfo
from debiaslab.vectors.embeddings import Embeddings

_LEFT_OUT = {PARENT_TAG, PROCESS_TAG, MODEL_TAG, BEST_TAG, KIND_TAG, "mlflow.runName"}
_CHUNK = 1 << 20
_LARGEST_JSON = 1 << 30
_HARMLESS = 100 << 20  # bytes up to which it does not matter how far an archive was packed
_MOST_PACKED = 100  # bytes from one: studies have 2 to 10, a zip bomb has a thousand


@dataclass(frozen=True)
class Restored:
    """What was restored."""

    studies: tuple[str, ...]
    without_file: tuple[str, ...]  # of these those that `resume` cannot continue
    runs: int


def restore(path: Path, root: Path, *, progress: bool = True) -> Restored:
    """Put the studies of an archive into a store, under new run ids.

    A study is seen only when it is whole: one that was cut short is begun anew by the same call.

    Args:
        path: The archive.
        root: Folder of the store, which is made, if need be, when the archive was found whole.
        progress: Whether to draw a progress bar.

    Raises:
        UserError: The file is no archive, is damaged or unsafe, or a study of it is there already.
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
    bare = [name for name in names if not _keeps_file(store, name)]
    return Restored(names, tuple(bare), runs)


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
        raise UserError(f"{path} is no archive of a study", next_step="debiaslab archive NAME FILE")
    manifest = _manifest(_read(archive, entries[MANIFEST], path), path)
    for name, expected in manifest.files.items():
        if name not in entries or not (name == CONTENT or name.startswith(ARTIFACTS)):
            raise UserError(f"{path} is damaged: {name!r} is missing or has no place in it")
        if _copy(archive, name, folder / name) != expected:
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


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> bytes:
    _check_json(entry, path)
    return archive.read(entry)


def _check_json(entry: zipfile.ZipInfo, path: Path) -> None:
    """Refuse what would be read into memory whole and is too large for that."""
    if entry.file_size > _LARGEST_JSON:
        raise UserError(f"{path} is damaged: {entry.filename!r} is too large")


def _copy(archive: zipfile.ZipFile, name: str, target: Path) -> str:
    digest = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as source, target.open("wb") as file:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _restore(store: Store, root: Path, study: ArchivedStudy, folder: Path, bar: tqdm) -> None:
    if study.search is not None:
        restore_search(root, study.name, study.search)
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
            publish(store, study.name, best, Embeddings.load(store.artifact(best, VECTORS)))
    store.save_view(study.name, parent)
    store.describe(parent, _relinked(study.parent, store.experiment_id, parent))
    store.writer(parent).tags(tags)
    if study.search is not None:
        search_is_whole(root, study.name)


def _keeps_file(store: Store, name: str) -> bool:
    return STUDY_FILE in store.artifacts(store.study_named(name).run_id)


def _rename_in_sides(store: Store, parent: str, renamed: Mapping[str, str]) -> None:
    """Let the strategies of a comparison name their runs by the ids these have here."""
    if SIDES not in store.artifacts(parent):
        return
    text = store.artifact(parent, SIDES).read_text(encoding="utf-8")
    for old, new in renamed.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    store.writer(parent).text(text, SIDES)


def _relinked(run: ArchivedRun, experiment: str, new: str) -> str:
    """Return a study's description with its links led to where the study is now."""
    note = run.tags.get(NOTE_TAG, "").replace(run.run_id, new)
    return re.sub(r"#/experiments/\w+/runs", f"#/experiments/{experiment}/runs", note)


def _restore_run(
    store: Store, run: ArchivedRun, parent: str | None, folder: Path, *, kind: str
) -> str:
    """Log one run anew, and return its id."""
    tags = {key: value for key, value in run.tags.items() if key not in _LEFT_OUT}
    times = f"{run.start.isoformat()} to {run.end.isoformat() if run.end else '–'}"
    tags |= {ORIGINAL_TAG: run.run_id, ORIGINAL_TIMES_TAG: times, KIND_TAG: kind}
    log = store.start(run.name, parent=parent, params=run.params, tags=tags, dataset=None)
    with log:
        for dataset in run.datasets:
            log.dataset(DatasetInfo(**dataset.model_dump()))
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
