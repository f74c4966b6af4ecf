"""A study as one file: runs, artifacts and search, to be moved to another machine."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from debiaslab.study.archive_model import (
    ARTIFACTS,
    CONTENT,
    MANIFEST,
    ArchivedDataset,
    ArchivedRun,
    ArchivedStudy,
    Content,
    Manifest,
)
from debiaslab.study.archive_search import archived_search
from debiaslab.system.atomic import replacing
from debiaslab.tracking import Store
from debiaslab.tracking.run_info import RunInfo

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
