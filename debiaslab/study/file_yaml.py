"""Reading YAML as people write it: 1e-3 is a number, a key given twice is a slip."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from debiaslab.errors import UserError

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
