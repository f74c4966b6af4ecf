"""The notebooks in `analysis/` run on a small real study, and are committed to be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import call
from tests.shared import perform

nbformat = pytest.importorskip("nbformat", reason="nbformat (debiaslab[dev]) is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient (debiaslab[dev]) is not installed")

FOLDER = Path(__file__).parent.parent / "analysis"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SIDES = "projection@1,cds,hard,random-projection@1,random-direction,ruler,gender-blind"
COMPARISON = ["compare", "--strategies", SIDES, "--no-controls", "--study", "sides"]
COMPARISON += ["--seeds", "2", "--epochs", "2", "--dim", "20", "--min-count", "10"]
_OWN_IMPORT = re.compile(r"^\s*(?:from|import) (debiaslab[\w.]*)", re.MULTILINE)
_PUBLIC = {"debiaslab", "debiaslab.metrics", "debiaslab.lexicons", "debiaslab.statistics"}
_PUBLIC |= {"debiaslab.report", "debiaslab.report.figures"}


def compare(folder: Path) -> None:
    """A small comparison on the built-in text, with most of its controls."""
    perform(*COMPARISON)


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == kind]


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    """One kernel for all notebooks, each of which begins without a name: its imports take long."""
    notebook = nbformat.v4.new_notebook()
    manager = nbclient.NotebookClient(notebook, kernel_name="python3").create_kernel_manager()
    yield manager
    nbclient.util.run_sync(manager.shutdown_kernel)(now=True)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, shared, request, kernel):
    compares = "DEBIASLAB_COMPARISON" in path.read_text(encoding="utf-8")
    folder = shared.folder("compared", compare) if compares else request.getfixturevalue("builtin")
    store = str(folder / "mlruns")
    names = {"STUDY": "small", "COMPARISON": "sides", "STORE": store}
    environment = {f"DEBIASLAB_{name}": value for name, value in names.items()}
    begin = f"%reset -f\n__import__('os').environ.update({environment})"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(begin))
    client = nbclient.NotebookClient(
        notebook, timeout=300, km=kernel, resources={"metadata": {"path": str(FOLDER)}}
    )
    client.execute()  # raises what a cell raises
    assert sum(bool(cell.outputs) for cell in notebook.cells if cell.cell_type == "code") > 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_to_be_read(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < 700_000
    assert not re.search(r"/(?:work|root|home|tmp)/", text), "a path of somebody's machine"
    code = cells(path, "code")
    assert all("".join(cell["source"]).count("\n") < 25 for cell in code)
    assert not any(output["output_type"] == "error" for cell in code for output in cell["outputs"])
    numbers = [cell["execution_count"] for cell in code]
    assert numbers == list(range(1, len(code) + 1)), "run from top to bottom"
    assert any("image/png" in output.get("data", {}) for cell in code for output in cell["outputs"])
    assert len(cells(path, "markdown")) >= 4
    assert ("pyplot" in text) == ("plt.rcParams.update(house_style())" in text)  # one look


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_uses_the_public_api_only(path):
    for cell in cells(path, "code"):
        used = set(_OWN_IMPORT.findall("".join(cell["source"])))
        assert used <= _PUBLIC


def test_a_notebook_without_its_study_says_how_to_make_it(tmp_path, monkeypatch, capfd):
    """What the first cell raises names the command."""
    from debiaslab import open_study
    from debiaslab.errors import UserError

    with pytest.raises(UserError, match=r"there is no tracking store.*debiaslab sweep"):
        open_study("quickstart", tmp_path / "none")
    assert call(capfd, "studies", "--store", str(tmp_path / "none")).code == 2
