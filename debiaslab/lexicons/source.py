"""Reading lexicon files: the data that ships inside the package, and JSON or YAML of a user."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from debiaslab.errors import UserError, normal_form

LIST_SOURCES = (
    "weat",
    "concepts",
    "gender_attributes",
    "occupations",
    "bolukbasi_professions",
    "bolukbasi_gender_specific",
)
PAIR_SOURCES = ("bolukbasi_pairs",)
ATTRIBUTE_SOURCES = ("manzini_multiclass", "garg_groups")
SOURCES = LIST_SOURCES + PAIR_SOURCES + ATTRIBUTE_SOURCES
_FORMATS = ".json, .yaml or .yml"
# tables with a loader of their own
VERSIONED_SOURCES = ("first_names", "sembias", "occupation_women", "swapping")


@cache
def source(name: str) -> dict[str, Any]:
    """Return the content of ``data/<name>.json``: citation, licence, version, notes and the lists.

    The value is cached and shared: do not change it.
    """
    path = files("debiaslab.lexicons") / "data" / f"{name}.json"
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def version_of(declared: str, content: object) -> str:
    """Return the declared version with a digest of the content, such as ``1.0+3f2a9c01``.

    A list that was edited without a new version number still shows as another version in a run.
    """
    digest = hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()
    return f"{declared}+{digest[:8]}"


def read_document(path: Path) -> Any:
    """Return the content of a user's file, every text in the normal form of all words.

    Raises:
        UserError: The file cannot be read, or is not JSON or YAML.
    """
    return _spelled(_content(path))


def _spelled(value: Any) -> Any:
    """Return the content with every text, keys included, in the normal form of all words."""
    if isinstance(value, dict):
        return {_spelled(key): _spelled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_spelled(each) for each in value]
    return normal_form(value) if isinstance(value, str) else value


def _content(path: Path) -> Any:
    ending = path.suffix.lower()
    if ending not in (".json", ".yaml", ".yml"):
        raise UserError(f"{path} is no lexicon file by its ending", allowed=_FORMATS)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(
            f"the lexicon file {path} cannot be read: {error.strerror or error}", allowed=_FORMATS
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name}: byte {error.start} is not UTF-8", allowed="UTF-8") from None
    return _json(path.name, text) if ending == ".json" else _yaml(path.name, text)


def _json(file: str, text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return _unique(file, pairs)

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{file}: line {error.lineno} is not JSON ({error.msg})", allowed="JSON"
        ) from None
    except RecursionError:
        raise UserError(f"{file}: it is nested too deeply", allowed="the schema") from None


def _yaml(file: str, text: str) -> Any:
    class Loader(yaml.SafeLoader):
        """Refuses a key that is there twice, which YAML readers let pass."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            _unique(file, [(str(key), None) for key in keys])
            return dict(super().construct_mapping(node, deep))

    try:
        return yaml.load(text, Loader=Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "it" if mark is None else f"line {mark.line + 1}"
        problem = getattr(error, "problem", None) or "no reason given"
        raise UserError(f"{file}: {where} is not YAML ({problem})", allowed="YAML") from None
    except RecursionError:
        raise UserError(f"{file}: it is nested too deeply", allowed="the schema") from None


def _unique(file: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {normal_form(key): value for key, value in pairs}
    if len(found) < len(pairs):
        keys = [normal_form(key) for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise UserError(f"{file}: the key {twice!r} is there twice", allowed="each key once")
    return found
