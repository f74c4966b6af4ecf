"""What a command reads and writes, declared once: as the type of its argument.

``type=Input`` and ``type=Output`` are all that a new command needs to be guarded: before anything
is read, the command line refuses an output that is an input, that is another output, or that lies
inside a store or the cache of corpora.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from debiaslab.errors import UserError
from debiaslab.system.files import (
    check_output,
    check_output_folder,
    free_name,
    refuse_overwriting,
    write_file,
)

CACHE = "data/cache"
_DATABASES = ("mlflow.db", "optuna.db")  # in the folder of a store
_LOGS = ("", "-wal", "-shm", "-journal")  # endings of what sqlite keeps
_OWN = ("artifacts", "checkpoints", *(f"{name}{log}" for name in _DATABASES for log in _LOGS))
_CORPUS = ("meta.json", "words.txt", "counts.npy")  # in the folder of an encoded corpus


class Input(str):
    """A file that is read, or a folder whose files are."""

    def files(self) -> Iterator[Path]:
        """Yield every file that is read."""
        path = Path(self)
        yield path
        if path.is_dir():
            yield from (each for each in path.iterdir() if each.is_file())


class VectorsInput(Input):
    """A file of vectors, which may have files beside it: ``v.words.txt``, ``v.kv.vectors.npy``."""

    def files(self) -> Iterator[Path]:
        """Yield the file and what belongs to it."""
        yield Path(self)
        stem = Path(self.removesuffix(".gz").removesuffix(".npy"))
        if stem != Path(self):
            yield from (stem.with_name(stem.name + end) for end in (".words.txt", ".words"))
            yield from (stem.with_name(stem.name + end) for end in (".vocab", ".txt"))
        for array in ("vectors", "syn0"):
            yield from (Path(f"{self}.{array}.{ending}") for ending in ("npy", "npz"))


class Output(str):
    """A file that is written."""

    def check(self) -> None:
        """Refuse a place where it cannot be written."""
        check_output(self)

    def files(self) -> Iterator[Path]:
        """Yield every file that is written."""
        yield Path(self)


class VectorsOutput(Output):
    """A file of vectors, whose ending names its format."""

    def check(self) -> None:
        """Refuse a place or an ending that cannot be used."""
        from debiaslab.vectors import check_writable

        check_writable(self)
        check_output(self)


class OutputFolder(Output):
    """A folder in which files are written; ``names``: those that have one name, always."""

    names: Sequence[str] = ()

    def check(self) -> None:
        """Refuse a folder that cannot be written."""
        check_output_folder(self)

    def files(self) -> Iterator[Path]:
        """Yield the files with a name."""
        yield from (Path(self) / name for name in self.names)


class StoreFolder(str):
    """The folder of a store that the command writes to."""


def folder_of(*names: str) -> Callable[[str], OutputFolder]:
    """Return the type of a folder in which files of these names are written."""

    def made(text: str) -> OutputFolder:
        folder = OutputFolder(text)
        folder.names = names
        return folder

    return made


def save_in(folder: str, files: Mapping[str, str | bytes]) -> str:
    """Write files by name in a folder, and say so."""
    for name, content in files.items():
        write_file(Path(folder) / name, content)
    return f"wrote {', '.join(files)} in {folder}"


def check_files(
    given: Mapping[str, object], asked: object, parser: argparse.ArgumentParser
) -> None:
    """Refuse, before any work, outputs by which something would be lost or that cannot be written.

    Args:
        given: What was given on the line, by its place among the options.
        asked: The command, which has the defaults.
        parser: Its parser: it knows what the user calls each.

    Raises:
        UserError: An output is a file that is read, another output, inside a store or a cache of
            corpora, or has a place where nothing can be written.
    """
    inputs: list[Path] = []
    outputs: list[tuple[str, Path]] = []
    for action in parser._actions:
        name = action.option_strings[0] if action.option_strings else str(action.metavar)
        values = given.get(action.dest, getattr(asked, action.dest, None))
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, Input):
                inputs += value.files()
            elif isinstance(value, Output):
                value.check()
                outputs += ((name, path) for path in value.files())
                _refuse_inside(name, Path(value), str(getattr(asked, "store", "")))
    refuse_overwriting(outputs, inputs)


def writes(asked: object) -> bool:
    """Whether the command writes anything that was asked for."""
    return any(isinstance(value, Output | StoreFolder) for value in vars(asked).values())


def _refuse_inside(name: str, path: Path, store: str) -> None:
    """Refuse a place in a store, or in a cache of corpora."""
    real, here = Path(os.path.realpath(path)), Path.cwd()
    stores = {Path(os.path.realpath(store))} if store else set()
    if database := _named_database():
        logs = {database.with_name(f"{database.name}{log}") for log in _LOGS}
        if real in logs or database.with_name("artifacts") in (real, *real.parents):
            raise _inside(name, path, f"the store {_relative(database, here)}")
    for folder in (real, *real.parents):
        if folder in stores or any((folder / database).is_file() for database in _DATABASES):
            at_work = here == folder or folder in here.parents  # whoever works in it may write
            if not at_work or {*real.relative_to(folder).parts[:1]} & set(_OWN):
                raise _inside(name, path, f"the store {_relative(folder, here)}")
        if folder == Path(os.path.realpath(CACHE)) or _is_corpus(folder):
            raise _inside(name, path, f"the cache of corpora {_relative(folder, here)}")


def _named_database() -> Path | None:
    """Return the file that MLFLOW_TRACKING_URI names, where it names one."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "").strip()
    path = uri.removeprefix("sqlite:///")
    return None if path in (uri, "") else Path(os.path.realpath(path))


def _outside(path: Path) -> Path:
    name = Path(path.name)
    return free_name(name) if os.path.lexists(name) else name


def _is_corpus(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _CORPUS)


def _relative(folder: Path, here: Path) -> Path:
    return folder.relative_to(here) if here in folder.parents else folder


def _inside(name: str, path: Path, what: str) -> UserError:
    return UserError(
        f"{name} {path} is inside {what}",
        allowed="a place outside of it",
        next_step=f"{name} {_outside(path)}" if name.startswith("-") else None,
    )
