"""Options: a field that says everything of an option, and what is wrong with a value."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, fields
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, WrapValidator
from pydantic.dataclasses import dataclass as validated
from pydantic.fields import FieldInfo
from typing_extensions import dataclass_transform

from debiaslab.errors import UserError, nearest, unknown

T = TypeVar("T")
# No silent conversions: 5.5, true and "5" are no whole numbers.
Whole = Annotated[int, Strict()]
Real = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]
# pydantic takes no text with a byte that is not UTF-8, which the name of a file may hold
Text = Annotated[
    str, WrapValidator(lambda value, check: str(value) if isinstance(value, str) else check(value))
]
File = Annotated[Text, "file"]  # one that is read


@dataclass(frozen=True)
class Line:
    """How an option stands on the command line.

    Attributes:
        flag: Its name; "": made of the field's name; without dashes: it is known by its place;
            None: it is in study files only.
        off: Of what is true or false: the option that turns it off, and its help.
        metavar: What its value is called in the help.
        group: Where it stands in the help.
        parse: Makes the value of a text; None: the field's type says how.
        shown: Makes what the help shows of the default.
        again: Whether it may be given several times though it has a parser, as any option may whose
            value is a tuple and that has none.
        nargs: As argparse has it; None: as the field's type says.
    """

    flag: str | None = ""
    off: tuple[str, str] | None = None
    metavar: str | None = None
    group: str | None = None
    parse: Callable[[str], Any] | None = None
    shown: Callable[[Any], object] = str
    again: bool = False
    nargs: str | None = None


def option(help: str, *, default: Any = ..., **more: Any) -> Any:
    """Return a field of a class of settings.

    Args:
        help: What it is, for ``--help`` and for the message about a wrong value.
        default: Its default, or what makes it; none: it has to be given.
        more: How it stands on the command line, as `Line` has it, and its limits, as pydantic has
            them: ``ge``, ``gt``, ``le``, ``lt``, ``min_length``.
    """
    line = Line(**{each.name: more.pop(each.name) for each in fields(Line) if each.name in more})
    more["default_factory" if callable(default) else "default"] = default
    return Field(description=help, json_schema_extra={"line": line}, **more)  # type: ignore[dict-item]


def part(of: type[T], group: str | None = None) -> T:
    """Return a field that holds other settings, whose options stand in a group of the help."""
    made: T = Field(default_factory=of, json_schema_extra={"group": group})
    return made


@dataclass_transform(frozen_default=True, field_specifiers=(option, part))
def settings(cls: type[T]) -> type[T]:
    """Make a frozen dataclass whose values are checked, wherever they come from.

    What it decorates raises a `UserError` about a value of another type or out of its limits.
    """
    return _checked(cls, kw_only=False)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option, part))
def command(cls: type[T]) -> type[T]:
    """Make settings as `settings` does, all of whose values are given by name."""
    return _checked(cls, kw_only=True)


def _checked(cls: type[T], *, kw_only: bool) -> type[T]:
    config = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)
    made: Any = validated(cls, frozen=True, kw_only=kw_only, config=config)
    check = made.__init__

    @functools.wraps(check)
    def init(self: T, *args: Any, **given: Any) -> None:
        try:
            check(self, *args, **given)
        except ValidationError as error:
            raise explained(error, made) from None
        names = (each.name for each in fields(made))
        for name, value in (*zip(names, args, strict=False), *given.items()):
            # Studies are named after the text of their settings, in which 1 is not 1.0.
            if type(value) is int:
                object.__setattr__(self, name, value)

    made.__init__ = init
    return made


def fields_of(model: Any) -> dict[str, FieldInfo]:
    """Return the fields of a model or of a class of settings."""
    found = getattr(model, "__pydantic_fields__", None)
    return dict(model.model_fields if found is None else found)


def other(field: FieldInfo, **changes: Any) -> FieldInfo:
    """Return a field with other attributes, such as another default."""
    made = copy(field)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def line_of(field: FieldInfo) -> Line | None:
    """Return how a field stands on the command line; None: it does not."""
    line: Any = extra_of(field).get("line")
    return line if isinstance(line, Line) else None


def extra_of(field: FieldInfo) -> dict[str, Any]:
    """Return what `option` or `part` was told of a field besides what pydantic knows."""
    extra: Any = field.json_schema_extra
    return extra if isinstance(extra, dict) else {}


def flag_of(name: str, line: Line) -> str:
    """Return what an option is called on the command line."""
    return line.flag or (
        line.off[0] if line.flag is None and line.off else f"--{name.replace('_', '-')}"
    )


def nested(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by where they go, such as ``trainer.dim``, as nested mappings."""
    content: dict[str, Any] = {}
    for place, value in given.items():
        put(content, place, value)
    return content


def put(content: dict[str, Any], place: str, value: Any) -> None:
    """Set a value in nested mappings."""
    *folders, last = place.split(".")
    for folder in folders:
        inner = content.get(folder)
        content[folder] = dict(inner) if isinstance(inner, dict) else {}
        content = content[folder]
    content[last] = value


# What is wrong ---------------------------------------------------------------------------------

_BY_TYPE = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
}
_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
_BOUNDS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}


def explained(
    error: ValidationError,
    model: Any,
    source: str | None = None,
    flags: Mapping[str, str] | None = None,
) -> UserError:
    """Return the first problem as a sentence.

    Args:
        error: What pydantic raised.
        model: The class of what was checked.
        source: What the user calls the file; None: there is none.
        flags: What keys are called that were given on the command line, such as ``trainer.dim``.
    """
    first = error.errors(include_url=False)[0]
    place = [each for each in first["loc"] if _is_place(each)]
    field = _field_at(model, place)
    what, unit = _named(place, field, source, flags or {})
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        known = list(fields_of(_model_at(model, place[:-1])))
        file = "" if source is None else f"{source}: "
        return unknown(f"{file}there is no key {_dotted(place)!r}", place[-1], known)
    if first["type"] in ("missing", "missing_argument"):
        return UserError(f"{what} is missing", allowed=_allowed(field, first))
    given = first["input"]
    if first["type"] == "limits":
        return UserError(f"{what} {first['msg']}, got {given!r}{unit}")
    if field is not None and first["type"] in _BOUNDS:
        return UserError(f"{what} must be {_bounds(field)}, got {given!r}{unit}")
    choices = _choices(field)
    return UserError(
        f"{what} was {given!r}{unit}",
        allowed=_allowed(field, first),
        nearest=nearest(given, choices) if isinstance(given, str) else None,
    )


def _named(
    place: list[int | str], field: FieldInfo | None, source: str | None, flags: Mapping[str, str]
) -> tuple[str, str]:
    """Return what the user calls a value, and what it is where the name does not say it."""
    key = _dotted(place)
    for known, flag in flags.items():
        if key == known or key.startswith((f"{known}.", f"{known}[")):
            return flag, ""
    if source is not None:
        about = f" ({field.description})" if field is not None and field.description else ""
        return f"{source}: {key}", about
    line = None if field is None else line_of(field)
    name = next((part for part in reversed(place) if isinstance(part, str)), key)
    if line is None:
        return key, ""
    flag = flag_of(name, line)
    return (flag if flag.startswith("-") else line.metavar or flag), ""


def _is_place(part: int | str) -> bool:
    """Whether a part of a location is a key or an index, and not the member of a union."""
    return isinstance(part, int) or not (part in {"str", "int", "float", "bool"} or "[" in part)


def _dotted(place: list[int | str]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _model_at(model: Any, place: list[int | str]) -> Any:
    for part in place:
        if isinstance(part, str) and part in fields_of(model):
            model = model_in(fields_of(model)[part].annotation) or model
    return model


def _field_at(model: Any, place: list[int | str]) -> FieldInfo | None:
    found = None
    for name in (part for part in place if isinstance(part, str)):
        if name in fields_of(model):
            found = fields_of(model)[name]
            model = model_in(found.annotation) or model
    return found


def model_in(annotation: Any) -> Any:
    """Return the class of settings that an annotation holds, such as that of a tuple of them."""
    if isinstance(annotation, type) and (
        issubclass(annotation, BaseModel) or hasattr(annotation, "__pydantic_fields__")
    ):
        return annotation
    return next((found for each in get_args(annotation) if (found := model_in(each))), None)


def _choices(field: FieldInfo | None) -> list[str]:
    return [] if field is None else [str(each) for each in _literals(field.annotation)]


def _literals(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [each for part in get_args(annotation) for each in _literals(part)]


def _allowed(field: FieldInfo | None, first: Any) -> str:
    if choices := _choices(field):
        return ", ".join(choices)
    if field is None:
        return str(first["msg"])
    members = members_of(field.annotation)
    kinds = [_KINDS[kind] for kind in members if kind in _KINDS]
    if kinds:
        return " or ".join(kinds) + _limits(field)
    if first["type"] in _BY_TYPE:  # of an item of a list
        return _BY_TYPE[first["type"]]
    if any(get_origin(member) is tuple for member in members):
        return "a list"
    inside = model_in(field.annotation)
    return str(first["msg"]) if inside is None else "keys: " + ", ".join(fields_of(inside))


def kind_of(field: FieldInfo) -> str:
    """Return what a value of a field is, such as ``a whole number from 1 to 20``."""
    kinds = [_KINDS[kind] for kind in members_of(field.annotation) if kind in _KINDS]
    return " or ".join(kinds) + _limits(field)


def members_of(annotation: Any) -> list[Any]:
    """Return the types that a value may have."""
    if get_origin(annotation) is Annotated:
        return members_of(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [member for each in get_args(annotation) for member in members_of(each)]
    return [annotation]


def _limits(field: FieldInfo) -> str:
    words = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
    told = [f"{words[name]} {value}" for name, value in _ends(field)]
    return f" {' and '.join(told).replace(' and to', ' to')}" if told else ""


def _bounds(field: FieldInfo) -> str:
    """Return the limits as they follow "must be"."""
    ends = dict(_ends(field))
    if "ge" in ends and len(ends) == 1:
        return f"at least {ends['ge']}"
    return _limits(field).strip()


def _ends(field: FieldInfo) -> list[tuple[str, str]]:
    return [
        (name, f"{value:,}" if isinstance(value, int) else f"{value:g}")
        for name in ("ge", "gt", "le", "lt")
        for each in field.metadata
        if (value := getattr(each, name, None)) is not None
    ]
