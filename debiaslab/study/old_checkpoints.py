"""Checkpoints that no training will go on from, and those that a resumed study would."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from debiaslab.sgns.checkpoint_folder import Saved, files_of, saved_in
from debiaslab.tracking import PARENT_TAG, STUDY_TAG, Store
from debiaslab.tracking.run_info import RunInfo

CHECKPOINTS = "checkpoints"  # folder beside the store, of trainings that were interrupted
STUDY = "study"  # key of a checkpoint's owner: the run of its study
_CELL = ("strategy", "weight", "seed", "cover", "init")  # settings that differ within a study
_FRESH = 3600.0  # seconds in which what cannot be read may still be about to become something


@dataclass(frozen=True)
class OldCheckpoint:
    """A training that was cut short.

    Attributes:
        path: Its checkpoint.
        why: Whose it is, for people.
        wanted: Whether a study that is resumed may go on from it.
    """

    path: Path
    why: str
    wanted: bool

    @property
    def bytes(self) -> int:
        """Size of its files."""
        return sum(file.stat().st_size for file in files_of(self.path))


def owner_of(study: str, params: Mapping[str, object]) -> dict[str, str]:
    """Return what is saved with a checkpoint: its study's run, and which training of it it is."""
    return {STUDY: study, **_cell({key: str(value) for key, value in params.items()})}


def old_checkpoints(store: Store, folder: Path, known: Sequence[RunInfo]) -> list[OldCheckpoint]:
    """Return the checkpoints of a folder that no process is at.

    One is wanted unless its study has ended or was deleted, or its training has been done since.

    Args:
        store: Where the studies are.
        folder: The folder of checkpoints.
        known: Every run of the store.
    """
    judged = (_judged(store, saved, known) for saved in saved_in(folder))
    return [each for each in judged if each is not None]


def _judged(store: Store, saved: Saved, known: Sequence[RunInfo]) -> OldCheckpoint | None:
    if saved.owner is None:
        newest = max((file.stat().st_mtime for file in files_of(saved.path)), default=0.0)
        if time.time() - newest < _FRESH:
            return None
        return OldCheckpoint(saved.path, "no whole checkpoint is in it", wanted=False)
    run_id = saved.owner.get(STUDY, "")
    study = next((run for run in known if run.run_id == run_id), None)
    if study is None:
        if store.is_deleted(run_id):
            return OldCheckpoint(saved.path, "of a study that was deleted", wanted=False)
        return OldCheckpoint(saved.path, "of a study that this store does not know", wanted=True)
    name = study.tags.get(STUDY_TAG, study.name)
    what = f"λ = {float(saved.owner['weight']):.4g}, seed {saved.owner['seed']} of {name}"
    if study.status == "FINISHED":
        return OldCheckpoint(saved.path, f"{what}, which has ended", wanted=False)
    if any(_is_of(run, saved.owner) for run in known):
        return OldCheckpoint(saved.path, f"{what}, which has been trained since", wanted=False)
    return OldCheckpoint(saved.path, f"{what}, which can be resumed", wanted=True)


def _is_of(run: RunInfo, owner: Mapping[str, str]) -> bool:
    """Whether a run has done the training that a checkpoint is of."""
    parent = run.tags.get(PARENT_TAG, "")
    return run.status == "FINISHED" and {STUDY: parent, **_cell(run.params)} == dict(owner)


def _cell(params: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in params.items() if k in _CELL or k.startswith("knob.")}
