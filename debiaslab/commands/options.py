"""What commands share: their options on the command line, and the files they read and write."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import cleandoc
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from debiaslab.errors import UserError
from debiaslab.settings.options import (
    Line,
    extra_of,
    fields_of,
    flag_of,
    kind_of,
    line_of,
    members_of,
    model_in,
    nested,
)
from debiaslab.system.files import (
    check_output,
    check_output_folder,
    free_name,
    refuse_overwriting,
    write_file,
)
from debiaslab.tables import Table

CACHE = "data/cache"
_DATABASES = ("mlflow.db", "optuna.db")  # in the folder of a store
_LOGS = ("", "-wal", "-shm", "-journal")  # endings of what sqlite keeps
_OWN = ("artifacts", "checkpoints", *(f"{name}{log}" for name in _DATABASES for log in _LOGS))
_CORPUS = ("meta.json", "words.txt", "counts.npy")  # in the folder of an encoded corpus


# Files ---------------------------------------------------------------------------------------
# The type of an option is all that guards it: before anything is read, the command line refuses
# an output that is an input, another output, or inside a store or the cache of corpora.


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


# Options -------------------------------------------------------------------------------------

NAMED = "named"  # where --study goes when it stands for the argument NAME
# argparse takes "-1,0,1" for an option, as it is no single negative number
_NUMBERS = re.compile(r"^-[\d.][-\d.,e]*$")

Said = Iterator[str | Table]


class Command:
    """A command: its options are its fields, and its docstring is what the help says of it."""

    examples: ClassVar[str]
    interrupted: ClassVar[str] = "interrupted; nothing half-written is left"

    def run(self) -> Said:
        """Do it, and say what there is to say."""
        raise NotImplementedError

    @classmethod
    def options(cls) -> Iterator[tuple[str, FieldInfo, str | None]]:
        """Yield every option: where its value goes, its field, and its group in the help."""
        yield from options_of(cls)

    @classmethod
    def made(cls, given: Mapping[str, Any]) -> Command:
        """Return the command of what was given, by where it goes."""
        return cls(**nested(given))


def options_of(
    of: Any, prefix: str = "", group: str | None = None
) -> Iterator[tuple[str, FieldInfo, str | None]]:
    """Yield every option of a class of settings and of those inside it.

    Those that are known by their place come first, the store last.
    """
    for name, field in sorted(fields_of(of).items(), key=_rank):
        line, place = line_of(field), f"{prefix}{name}"
        if line is not None:
            yield place, field, line.group or group
        elif (inner := model_in(field.annotation)) is field.annotation:
            yield from options_of(inner, f"{place}.", extra_of(field).get("group") or group)


def _rank(item: tuple[str, FieldInfo]) -> int:
    name, field = item
    line = line_of(field)
    by_place = line is not None and not flag_of(name, line).startswith("-")
    return 0 if by_place else 2 if name == "store" else 1


def prepare(parser: argparse.ArgumentParser, command: type[Command]) -> None:
    """Add a command's options, description and examples to its parser."""
    parser.description = cleandoc(command.__doc__ or "")
    parser.epilog = command.examples
    parser._negative_number_matcher = _NUMBERS
    groups: dict[str, Any] = {}
    for place, field, title in command.options():
        if title is not None and title not in groups:
            groups[title] = parser.add_argument_group(title)
        _add(groups[title] if title is not None else parser, place, field)


def named_first(parser: argparse.ArgumentParser, words: Sequence[str]) -> list[str]:
    """Return the words with the value of ``--study`` in the place of NAME, if there is one."""
    words = list(words)
    if not any(action.dest == NAMED for action in parser._actions):
        return words
    for i, word in enumerate(words):
        if word == "--study" and i + 1 < len(words):
            return [words[i + 1], *words[:i], *words[i + 2 :]]
        if word.startswith("--study="):
            return [word.removeprefix("--study="), *words[:i], *words[i + 1 :]]
    return words


def _add(group: Any, place: str, field: FieldInfo) -> None:
    """Add one option: argparse keeps only what is given, so defaults are those of the fields."""
    line = line_of(field)
    if line is None or (line.flag is None and line.off is None):
        return
    name = place.rpartition(".")[2]
    unset = {"default": argparse.SUPPRESS}
    known: dict[str, Any] = {"dest": place, **unset}
    if bool in members_of(field.annotation):
        both = line.flag is not None and line.off is not None
        where = group.add_mutually_exclusive_group() if both else group
        if line.flag is not None:
            text = _help(field, line, shown=False)
            where.add_argument(flag_of(name, line), action="store_true", help=text, **known)
        if line.off is not None:
            flag, text = line.off
            where.add_argument(flag, action="store_false", help=text, **known)
        return
    flag = flag_of(name, line)
    known |= {"help": _help(field, line), "type": _type(field, line)}
    known["metavar"] = line.metavar or flag.lstrip("-").replace("-", "_").upper()
    several = line.parse is None and get_origin(members_of(field.annotation)[0]) is tuple
    if flag.startswith("-"):
        if line.nargs is not None:
            known["nargs"] = line.nargs
        elif several or line.again:
            known["action"] = "append"
        group.add_argument(flag, required=field.is_required(), **known)
        return
    del known["dest"]
    if several:
        known["nargs"] = "+" if field.is_required() else "*"
    elif not field.is_required():
        known["nargs"] = "?"
    group.add_argument(place, **known)
    if line.flag == NAMED:
        # only said in the help: its value is put in the place of NAME (named_first)
        group.add_argument("--study", dest=NAMED, metavar="NAME", help="the same", **unset)


def _help(field: FieldInfo, line: Line, *, shown: bool = True) -> str:
    text = (field.description or "").replace("%", "%%")
    default = field.default
    if not shown or default is None or default is PydanticUndefined or default == ():
        return text
    return f"{text} (default: {line.shown(default)})"


def _type(field: FieldInfo, line: Line) -> Any:
    """Return what makes a value of a word of the command line."""
    parse: Any = line.parse or (Input if "file" in field.metadata else _parser(field.annotation))
    if isinstance(parse, type) and issubclass(parse, str):
        return parse

    def value(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            allowed = kind_of(field) or ("a whole number" if parse is int else str(error))
            raise argparse.ArgumentTypeError(
                f"{text!r} cannot be used; allowed: {allowed}"
            ) from None

    return value


def _parser(annotation: Any) -> Any:
    """Return the type of one word: that of X for ``X | None`` and ``tuple[X, ...]``."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated and "file" in inside:
        return Input
    if origin is Literal:
        return str
    return _parser(inside[0]) if inside else annotation
