"""Reading a study file: YAML as people write it, and what is wrong with it in one sentence."""

from __future__ import annotations

import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from debiaslab.errors import UserError, nearest

_LARGEST = 1 << 20  # bytes; a study file is a page


class _Loader(yaml.SafeLoader):
    """The safe loader with the numbers of YAML 1.2."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse a key that is there twice; YAML would keep the last one."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        super().flatten_mapping(node)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),  # PyYAML wants a dot and a sign
    list("-+.0123456789"),
)


def parse(text: str) -> Any:
    """Return a YAML value, such as one given on the command line; text that is none as it is."""
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError:
        return text


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises:
        UserError: The file cannot be read, is no YAML, or holds something else.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UserError(f"{path} has more than {_LARGEST:,} bytes", allowed="a study file")
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise UserError(
            f"the study file {path} cannot be read: {error.strerror or error}",
            next_step="python -m debiaslab sweep experiments/quickstart.yaml",
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text", allowed="a study file in YAML") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" in line {mark.line + 1}" if mark else ""
        raise UserError(f"{path} is not YAML: {error.problem}{where}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UserError(f"{path} is not YAML: {str(error).splitlines()[0]}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UserError(f"{path} holds a {type(content).__name__}", allowed="keys with values")
    return {str(key): value for key, value in content.items()}


_BY_TYPE = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
}
_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def explained(error: ValidationError, model: type[BaseModel], source: str) -> UserError:
    """Return the first problem as a sentence.

    Args:
        error: What pydantic raised.
        model: The model of the whole file.
        source: What the user calls the file.
    """
    first = error.errors(include_url=False)[0]
    place = [each for each in first["loc"] if _is_place(each)]
    key = _dotted(place)
    if first["type"] == "extra_forbidden":
        known = list(_model_at(model, place[:-1]).model_fields)
        return UserError(
            f"{source}: there is no key {key!r}",
            allowed=", ".join(known),
            nearest=nearest(str(place[-1]), known),
        )
    field = _field_at(model, place)
    if first["type"] == "missing":
        return UserError(f"{source}: {key} is missing", allowed=_allowed(field, first))
    given = first["input"]
    choices = _choices(field)
    return UserError(
        f"{source}: {key} was {given!r}{_unit(field)}",
        allowed=_allowed(field, first),
        nearest=nearest(given, choices) if isinstance(given, str) else None,
    )


def _is_place(part: int | str) -> bool:
    """Whether a part of a location is a key or an index, and not the member of a union."""
    return isinstance(part, int) or not (part in {"str", "int", "float", "bool"} or "[" in part)


def _dotted(place: list[int | str]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _model_at(model: type[BaseModel], place: list[int | str]) -> type[BaseModel]:
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return model


def _field_at(model: type[BaseModel], place: list[int | str]) -> FieldInfo | None:
    names = [part for part in place if isinstance(part, str)]
    found = None
    for name in names:
        if name in model.model_fields:
            found = model.model_fields[name]
            model = _model_in(found.annotation) or model
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation holds, such as that of a tuple of models."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)


def _choices(field: FieldInfo | None) -> list[str]:
    return [] if field is None else [str(each) for each in _literals(field.annotation)]


def _literals(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [each for part in get_args(annotation) for each in _literals(part)]


def _unit(field: FieldInfo | None) -> str:
    return f" ({field.description})" if field is not None and field.description else ""


def _allowed(field: FieldInfo | None, first: Any) -> str:
    if choices := _choices(field):
        return ", ".join(choices)
    if field is None:
        return str(first["msg"])
    members = _members(field.annotation)
    kinds = [_KINDS[kind] for kind in members if kind in _KINDS]
    if kinds:
        return " or ".join(kinds) + _limits(field)
    if first["type"] in _BY_TYPE:  # of an item of a list
        return _BY_TYPE[first["type"]]
    if any(get_origin(member) is tuple for member in members):
        return "a list"
    inside = _model_in(field.annotation)
    return str(first["msg"]) if inside is None else "keys: " + ", ".join(inside.model_fields)


def _members(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [member for each in get_args(annotation) for member in _members(each)]
    return [annotation]


def _limits(field: FieldInfo) -> str:
    words = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
    told = [
        f"{word} {value:,}" if isinstance(value, int) else f"{word} {value:g}"
        for name, word in words.items()
        for each in field.metadata
        if (value := getattr(each, name, None)) is not None
    ]
    return f" {' and '.join(told).replace(' and to', ' to')}" if told else ""
