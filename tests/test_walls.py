"""The import walls between the rooms of the package, read from the source by ``ast``.

Imports inside functions count; imports under ``if TYPE_CHECKING`` do not, for they never run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from typing import NamedTuple

import pytest

import debiaslab

PACKAGE = "debiaslab"
FOLDER = Path(debiaslab.__file__).parent

Sources = Mapping[str, str]  # path inside the package, such as "sgns/model.py" → its text
Wall = Callable[[Sources], list[str]]  # the offences found, one sentence each

TOOLS = frozenset({"errors", "system"})
# room → which other rooms it may import, as DESIGN.md draws them
MAY_IMPORT: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "settings": frozenset({"errors", "lexicons"}),  # the tests of the objective
    "tables": frozenset(),
    "system": frozenset({"errors", "__init__"}),  # provenance says the version of the package
    "lexicons": frozenset({"errors"}),
    "vectors": TOOLS,
    "embeddings": frozenset({"vectors"}),  # the old name of vectors.embeddings
    "corpus": TOOLS | {"lexicons", "settings"},
    "sgns": TOOLS | {"corpus", "vectors", "settings"},
    "bench": TOOLS | {"corpus", "sgns", "tables"},
    "regularizers": frozenset({"errors", "lexicons", "vectors", "settings"}),
    "metrics": frozenset({"errors", "lexicons", "vectors", "tables", "statistics"}),
    "statistics": frozenset({"errors"}),
    "tracking": TOOLS | {"vectors"},
    "leaderboard": TOOLS | {"lexicons", "metrics", "tables", "vectors"},
    "results": frozenset({"errors", "vectors", "metrics", "lexicons", "tracking"}),
    "report": TOOLS
    | {"vectors", "metrics", "statistics", "lexicons", "tracking", "results", "tables"},
}
SHIPPED_MODEL = "tracking/similarity_model.py"
TRAIN_OR_MEASURE = frozenset({"corpus", "sgns", "regularizers", "metrics", "study"})
ABOVE_STUDY = frozenset({"study", "commands", "cli", "__main__", "__init__"})


@cache
def package_sources() -> dict[str, str]:
    return {
        path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(FOLDER.rglob("*.py"))
    }


def room_of(path: str) -> str:
    """Return the folder or the single file directly inside the package."""
    return path.split("/")[0].removesuffix(".py")


class Import(NamedTuple):
    """One module that a file imports when it runs."""

    module: str
    in_function: bool

    @property
    def room(self) -> str | None:
        """The room it is in; "__init__" for the package itself, None for what is not ours."""
        if self.module == PACKAGE:
            return "__init__"
        inside = self.module.removeprefix(f"{PACKAGE}.")
        return None if inside == self.module else inside.split(".")[0]


@cache
def imports_of(path: str, source: str) -> tuple[Import, ...]:
    """Return every module that the file imports, by statement or by name."""
    found = []

    def visit(node: ast.AST, in_function: bool) -> None:
        children = ast.iter_child_nodes(node)
        if isinstance(node, ast.If) and re.fullmatch(
            r"(\w+\.)*TYPE_CHECKING", ast.unparse(node.test)
        ):
            children = iter(node.orelse)
        found.extend(Import(module, in_function) for module in _modules(node, path))
        in_function |= isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in children:
            visit(child, in_function)

    visit(ast.parse(source), in_function=False)
    return tuple(found)


def _modules(node: ast.AST, path: str) -> list[str]:
    match node:
        case ast.Import(names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module, names, level):
            package = ".".join([PACKAGE, *path.split("/")[:-1]])
            module = resolve_name("." * level + (module or ""), package) if level else module or ""
            if module == PACKAGE:  # from debiaslab import lexicons
                return [f"{module}.{alias.name}" for alias in names]
            return [module]
        case ast.Call(function, [ast.Constant(str(name)), *_]):
            called = ast.unparse(function).split(".")[-1]
            return [name] if called in ("import_module", "__import__") else []
    return []


def rooms_keep_to_their_own(sources: Sources) -> list[str]:
    """Each room imports no room of ours that it is not allowed to."""
    found = []
    for path, source in sources.items():
        room = room_of(path)
        if room not in MAY_IMPORT:
            continue
        for each in imports_of(path, source):
            if each.room not in {None, room, *MAY_IMPORT[room]}:
                found.append(f"{path} imports {each.module}")
    return found


def nothing_below_imports_study(sources: Sources) -> list[str]:
    """The commands stand above the study; everything else is below it."""
    return [
        f"{path} imports {each.module}"
        for path, source in sources.items()
        if room_of(path) not in ABOVE_STUDY
        for each in imports_of(path, source)
        if each.room in ABOVE_STUDY - {"__init__"}
    ]


def tracking_neither_trains_nor_measures(sources: Sources) -> list[str]:
    """Not even through what it imports, function by function."""
    return _reached("tracking", TRAIN_OR_MEASURE, sources)


def metrics_and_sgns_stand_apart(sources: Sources) -> list[str]:
    return [
        *_reached("metrics", {"sgns", "study", "tracking"}, sources),
        *_reached("sgns", {"metrics", "study", "tracking"}, sources),
    ]


def _reached(start: str, forbidden: set[str] | frozenset[str], sources: Sources) -> list[str]:
    """Return the ways by which a room reaches a forbidden one, through any others."""
    graph: dict[str, set[str]] = {}
    for path, source in sources.items():
        rooms = {each.room for each in imports_of(path, source)}
        graph.setdefault(room_of(path), set()).update(room for room in rooms if room is not None)
    graph.pop("__init__", None)  # the package itself imports its rooms on demand, by name
    found, seen = [], {start}
    ways: list[tuple[str, ...]] = [(start,)]
    for way in ways:  # grows as it is read: breadth first
        for room in sorted(graph.get(way[-1], set()) - seen):
            seen.add(room)
            ways.append((*way, room))
            if room in forbidden:
                found.append(" → ".join((*way, room)))
    return found


def mlflow_is_imported_in_tracking_only(sources: Sources) -> list[str]:
    """And in the code of the exported model, which MLflow runs and nothing of ours imports."""
    used = [
        f"{path} imports {each.module}"
        for path, source in sources.items()
        for each in imports_of(path, source)
        if each.module.startswith("debiaslab.tracking.similarity_model")
    ]
    return used + _outside("mlflow", lambda path: room_of(path) == "tracking", sources)


def optuna_is_imported_in_study_only(sources: Sources) -> list[str]:
    return _outside("optuna", lambda path: room_of(path) == "study", sources)


def rich_is_imported_where_tables_are_written(sources: Sources) -> list[str]:
    return _outside("rich", lambda path: room_of(path) in ("tables", "commands"), sources)


def dask_is_imported_in_one_file(sources: Sources) -> list[str]:
    """It is an optional extra."""
    at_once = [
        f"study/cluster.py imports {each.module}"
        for each in imports_of("study/cluster.py", sources.get("study/cluster.py", ""))
        if each.module.split(".")[0] in ("dask", "distributed") and not each.in_function
    ]
    return [
        *at_once,
        *_outside("dask", lambda path: path == "study/cluster.py", sources),
        *_outside("distributed", lambda path: path == "study/cluster.py", sources),
    ]


def _outside(library: str, may: Callable[[str], bool], sources: Sources) -> list[str]:
    return [
        f"{path} imports {each.module}"
        for path, source in sources.items()
        if not may(path)
        for each in imports_of(path, source)
        if each.module.split(".")[0] == library
    ]


def only_the_command_line_prints(sources: Sources) -> list[str]:
    """``print`` by any use of its name, and writes to the standard output itself."""
    found = []
    for path, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            printing = isinstance(node, ast.Name) and node.id == "print"
            stdout = isinstance(node, ast.Attribute) and node.attr in ("stdout", "__stdout__")
            of_sys = stdout and isinstance(node.value, ast.Name) and node.value.id == "sys"
            if path != "cli.py" and (printing or of_sys):
                found.append(f"{path}:{node.lineno} prints")
    return found


def the_shipped_model_stands_alone(sources: Sources) -> list[str]:
    """It is copied into exported models, which are loaded where nothing of ours may be."""
    standard = {"__future__", "itertools", "typing", "unicodedata"}
    allowed = standard | {"mlflow", "numpy", "pandas"}
    return [
        f"tracking/similarity_model.py imports {each.module}"
        for path, source in sources.items()
        if path == SHIPPED_MODEL
        for each in imports_of(path, source)
        if each.module.split(".")[0] not in allowed
    ]


WALLS: list[Wall] = [
    rooms_keep_to_their_own,
    nothing_below_imports_study,
    tracking_neither_trains_nor_measures,
    metrics_and_sgns_stand_apart,
    mlflow_is_imported_in_tracking_only,
    optuna_is_imported_in_study_only,
    rich_is_imported_where_tables_are_written,
    dask_is_imported_in_one_file,
    only_the_command_line_prints,
    the_shipped_model_stands_alone,
]


@pytest.mark.parametrize("wall", WALLS, ids=lambda wall: wall.__name__)
def test_the_wall_stands(wall):
    assert wall(package_sources()) == []


def test_the_whole_package_is_read():
    rooms = {room_of(path) for path in package_sources()}
    assert set(MAY_IMPORT) <= rooms
    assert {"study", "tracking", "commands", "cli"} <= rooms
    assert len(package_sources()) > 80
    used = {
        (room_of(path), each.module.split(".")[0])
        for path, source in package_sources().items()
        for each in imports_of(path, source)
    }
    assert ("tracking", "mlflow") in used  # the walls around them enclose something
    assert ("study", "optuna") in used
    assert ("study", "distributed") in used
    assert ("tables", "rich") in used


KEEP, BELOW, TRAIN = (
    rooms_keep_to_their_own,
    nothing_below_imports_study,
    tracking_neither_trains_nor_measures,
)
MLFLOW, OPTUNA, RICH, DASK, PRINT, ALONE = WALLS[4:]


@pytest.mark.parametrize(
    ("wall", "path", "source"),
    [
        (KEEP, "lexicons/load.py", "from debiaslab.vectors.words import written_in"),
        (KEEP, "lexicons/load.py", "import debiaslab.system.files"),
        (KEEP, "vectors/x.py", "from debiaslab import lexicons"),
        (KEEP, "tracking/x.py", "from debiaslab.lexicons import read"),
        (KEEP, "corpus/cache.py", "import debiaslab.vectors.embeddings as e"),
        (KEEP, "sgns/deep/er.py", "from ...metrics.weat import weat"),
        (KEEP, "sgns/model.py", "def f():\n    from debiaslab import metrics"),
        (KEEP, "sgns/model.py", "import debiaslab"),
        (KEEP, "sgns/model.py", "from .. import regularizers"),
        (KEEP, "sgns/model.py", "if X:\n    import debiaslab.lexicons"),
        (KEEP, "regularizers/x.py", "class A:\n    import debiaslab.sgns"),
        (KEEP, "metrics/x.py", "import os, debiaslab.corpus"),
        (KEEP, "metrics/x.py", "import_module('debiaslab.sgns.model')"),
        (KEEP, "metrics/x.py", "importlib.import_module('debiaslab.sgns')"),
        (KEEP, "metrics/x.py", "__import__('debiaslab.tracking')"),
        (KEEP, "metrics/x.py", "if TYPE_CHECKING:\n    pass\nelse:\n    import debiaslab.sgns"),
        (KEEP, "metrics/x.py", "if not TYPE_CHECKING:\n    import debiaslab.sgns"),
        (BELOW, "tracking/store.py", "from debiaslab.study import Plan"),
        (BELOW, "report/x.py", "def f():\n    import debiaslab.study.plan"),
        (BELOW, "embeddings.py", "from debiaslab import cli"),
        (TRAIN, "tracking/store.py", "from debiaslab import sgns"),
        (TRAIN, "tracking/store.py", "import debiaslab.metrics.weat"),
        (MLFLOW, "study/run.py", "def f():\n    import mlflow"),
        (MLFLOW, "report/x.py", "from mlflow.entities import Param"),
        (MLFLOW, "cli.py", "import debiaslab.tracking.similarity_model"),
        (OPTUNA, "tracking/store.py", "import optuna.trial"),
        (OPTUNA, "commands/sweep.py", "from optuna import Trial"),
        (RICH, "report/x.py", "from rich.table import Table"),
        (DASK, "commands/corpus.py", "def f():\n    import distributed"),
        (DASK, "study/executors/x.py", "from dask import config"),
        (DASK, "study/cluster.py", "import distributed"),
        (PRINT, "commands/sweep.py", "def f():\n    print('done')"),
        (PRINT, "sgns/trainer.py", "callback = print"),
        (PRINT, "report/x.py", "import sys\nsys.stdout.write('x')"),
        (ALONE, SHIPPED_MODEL, "import torch"),
        (ALONE, SHIPPED_MODEL, "from debiaslab import errors"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_the_wall_can_fall(wall, path, source):
    offences = wall({path: source})
    assert len(offences) == 1
    assert offences[0].startswith((f"{path} ", f"{path}:", f"{room_of(path)} → "))


def test_a_detour_is_seen():
    detour = {
        "tracking/store.py": "from debiaslab.vectors import read",
        "vectors/files.py": "def f():\n    from debiaslab.system.provenance import g",
        "system/provenance.py": "import debiaslab.metrics.weat",
    }
    expected = ["tracking → vectors → system → metrics"]
    assert tracking_neither_trains_nor_measures(detour) == expected
    around = {"sgns/a.py": "import debiaslab.corpus", "corpus/b.py": "import debiaslab.tracking"}
    assert metrics_and_sgns_stand_apart(around) == ["sgns → corpus → tracking"]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("metrics/x.py", "if TYPE_CHECKING:\n    from debiaslab.sgns import SGNS"),
        ("metrics/x.py", "if typing.TYPE_CHECKING:\n    import mlflow, optuna, debiaslab.study"),
        ("vectors/x.py", "def load():\n    from debiaslab.vectors import read"),
        ("sgns/x.py", "from .model import SGNS\nfrom . import kernel\nimport torch"),
        ("sgns/x.py", "from ..errors import UserError"),
        ("metrics/x.py", "import debiaslab_other, sgns, mlflower"),
        ("metrics/x.py", "text = 'import mlflow; print(1)'  # print(debiaslab.sgns)"),
        ("cli.py", "print('here it is allowed')"),
        ("sgns/x.py", "import sys\nbar = tqdm(file=sys.stderr)\nresult.stdout"),
    ],
)
def test_what_is_allowed_passes_every_wall(path, source):
    assert [wall({path: source}) for wall in WALLS] == [[]] * len(WALLS)
