"""The command line, made of the fields of a command: its options, their help and their defaults."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from inspect import cleandoc
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from debiaslab.commands.files import Input
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
from debiaslab.tables import Table

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
