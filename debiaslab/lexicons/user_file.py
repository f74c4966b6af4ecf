"""A user's own lexicon file: JSON or YAML in the schema of the files that ship."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from debiaslab.errors import UserError, normal_form
from debiaslab.lexicons.document import LexiconFile, parse
from debiaslab.lexicons.load import load, names

_FORMATS = ".json, .yaml or .yml"


def load_file(path: str | Path) -> LexiconFile:
    """Read and validate a lexicon file (schema: see ``document.parse``).

    An attribute may name a list of the file or one that ships. Nothing is added to the lists that
    ship: the halves of the words are the same as everywhere, and no penalty looks at the file.

    Raises:
        UserError: The file cannot be read, is not JSON or YAML, or breaks the schema; one
            sentence that names the entry.
    """
    path = Path(path)
    content = _spelled(_content(path))
    return parse(
        content,
        path.name,
        shared=lambda: {name: load(name) for name in names()},
        default_name=path.stem,
    )


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
    yaml = import_module("yaml")  # only who writes YAML needs it

    class Loader(yaml.SafeLoader):  # type: ignore[name-defined]
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
