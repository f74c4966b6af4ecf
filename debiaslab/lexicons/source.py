"""Reading the data files that ship inside the package; nothing else here touches them."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

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
