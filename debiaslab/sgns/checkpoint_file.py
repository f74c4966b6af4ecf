"""One training at one moment as one file: numpy's ``.npz``, written whole or not at all."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from debiaslab.system.atomic import replacing

_VALUES = "values"  # the member that holds the JSON


class DamagedCheckpointError(Exception):
    """A file that is not a whole checkpoint."""


@dataclass(frozen=True)
class State:
    """What something needs to go on from one moment."""

    values: dict[str, Any] = field(default_factory=dict)  # JSON values; floats keep every bit
    arrays: dict[str, NDArray] = field(default_factory=dict)

    def part(self, name: str) -> State:
        """Return what was put in under ``name``."""
        prefix = f"{name}/"
        arrays = {k.removeprefix(prefix): v for k, v in self.arrays.items() if k.startswith(prefix)}
        return State(self.values[name], arrays)


def together(**parts: State) -> State:
    """Return several states as one, from which ``State.part`` takes each again."""
    return State(
        {name: part.values for name, part in parts.items()},
        {f"{name}/{k}": array for name, part in parts.items() for k, array in part.arrays.items()},
    )


def write(path: Path, identity: dict[str, Any], state: State) -> None:
    """Write a checkpoint; a reader sees the file before or this one, also after a power cut.

    Raises:
        UserError: The folder cannot be written, or the disk is full; the file before stays.
    """
    text = json.dumps({"identity": identity, "state": state.values, "arrays": [*state.arrays]})
    values = np.frombuffer(text.encode(), dtype=np.uint8)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **{_VALUES: values}, **state.arrays)
        stream.flush()
        os.fsync(stream.fileno())  # the bytes are to be on the disk before the name is


def read(path: Path) -> tuple[dict[str, Any], State]:
    """Return identity and state; nothing is unpickled, and every byte is held against its CRC.

    Raises:
        DamagedCheckpointError: The file is not as it was written.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            values = json.loads(_array(archive, _VALUES).tobytes())
            arrays = {name: _array(archive, name) for name in values["arrays"]}
        return values["identity"], State(values["state"], arrays)
    except Exception as error:  # a damaged zip can raise nearly anything
        raise DamagedCheckpointError(f"{type(error).__name__}: {error}") from error


def read_identity(path: Path) -> dict[str, Any]:
    """Return the identity alone, without reading the matrices.

    Raises:
        DamagedCheckpointError: The file is not as it was written.
    """
    return dict(_without_arrays(path)["identity"])


def read_values(path: Path) -> dict[str, Any]:
    """Return the JSON values of the state, without reading the matrices.

    Raises:
        DamagedCheckpointError: The file is not as it was written.
    """
    return dict(_without_arrays(path)["state"])


def _without_arrays(path: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            return dict(json.loads(_array(archive, _VALUES).tobytes()))
    except Exception as error:  # as in `read`
        raise DamagedCheckpointError(f"{type(error).__name__}: {error}") from error


def _array(archive: zipfile.ZipFile, name: str) -> NDArray:
    with archive.open(f"{name}.npy") as member:
        array: NDArray = np.lib.format.read_array(member, allow_pickle=False)
        if member.read(1):  # the CRC is looked at where a member ends
            raise ValueError(f"{name} is longer than its header says")
    return array
