"""A real study as a person meets it in the MLflow UI, in a real browser, and its model served.

Needs Playwright for Python and a Chromium on the PATH (Debian's ``chromium``); without them the
browser's tests are skipped. ``DEBIASLAB_SCREENSHOTS=FOLDER`` keeps a picture of every page opened.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from debiaslab.leaderboard.export import codalab, default_pairs
from debiaslab.study.kept import publish
from debiaslab.tracking import (
    NOTE_TAG,
    VECTORS,
    RunInfo,
    Store,
    free_port,
    ui_command,
    ui_environment,
)
from debiaslab.vectors.embeddings import Embeddings
from tests import forking
from tests.chromium import QUIET, browser_program
from tests.waiting import answers, until

PATIENCE = 60_000  # milliseconds for anything to be shown, on a machine with other work


@dataclass(frozen=True)
class Study:
    """A finished study and the UI that serves it."""

    folder: Path
    store: Store
    parent: RunInfo
    best: RunInfo

    def runs(self) -> list[RunInfo]:
        return self.store.runs(self.parent.run_id)


@pytest.fixture(scope="module")
def study(builtin: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study on the built-in text whose folder is not where it was made."""
    folder = tmp_path_factory.mktemp("moved") / "elsewhere"
    shutil.copytree(builtin, folder)
    store = Store.open(folder / "mlruns", create=False)
    return Study(folder, store, store.study_named("small"), store.best("small"))


@contextmanager
def serving(command: list[str], environment: dict[str, str], address: str) -> Iterator[str]:
    """Run a server until it has answered once and its user is done."""
    with tempfile.TemporaryFile("w+") as log:
        server = forking.begin(command, env=environment, session=True, stdout=log, stderr=log)

        def ready() -> bool:
            assert server.poll() is None, log.seek(0) or log.read()
            return answers(address)

        try:
            until(ready)
            yield address
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(300)


# The model ------------------------------------------------------------------------------------


def test_the_best_run_is_the_registered_model_that_best_names(study):
    import mlflow

    client = mlflow.MlflowClient(study.store.uri, study.store.uri)
    version = client.get_model_version_by_alias("small", "best")
    assert (version.run_id, version.version) == (study.best.run_id, 1)
    where = client.get_run(study.best.run_id).info.artifact_uri
    assert str(study.folder) in where  # and not where the study was made
    files = list((study.folder / "mlruns" / "artifacts" / "models").rglob("*.*"))
    assert "similarity_model.py" in {path.name for path in files}  # models from code
    assert not [path for path in files if path.suffix in (".pkl", ".pickle", ".joblib")]


def test_the_same_study_again_registers_nothing_new_unless_another_run_is_best(study):
    import mlflow

    def again(run: RunInfo) -> int:
        """Publish a run as the sweep does at its end; return the version that is best then."""
        vectors = Embeddings.load(study.store.artifact(run.run_id, VECTORS))
        publish(study.store, "small", run.run_id, vectors)
        return int(client.get_model_version_by_alias("small", "best").version)

    client = mlflow.MlflowClient(study.store.uri, study.store.uri)
    other = next(run for run in study.runs() if run.run_id != study.best.run_id)
    assert again(study.best) == 1
    assert again(other) == again(other) == 2
    assert again(study.best) == 3
    assert client.get_model_version_by_alias("small", "best").run_id == study.best.run_id


def test_mlflow_serves_the_similarities_that_are_handed_in(study):
    port = free_port(0)
    mlflow = ["-m", "mlflow", "models", "serve", "-m", "models:/small@best"]
    where = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # of uvicorn
    environment = {**os.environ, "MLFLOW_TRACKING_URI": study.store.uri, "PATH": scripts}
    odd = [("He", "HE"), ("he", "no such word"), ("New York", "he")]
    pairs = [*default_pairs(), *odd]
    with serving([*mlflow, *where], environment, f"http://127.0.0.1:{port}/ping"):
        split = {"columns": ["word1", "word2"], "data": pairs}
        found = invoke(port, json.dumps({"dataframe_split": split}), "application/json")
        assert invoke(port, "word1,word2\nHe,HE\nhe,nosuchword\n", "text/csv") == pytest.approx(
            [1, 0]
        )
    vectors = Embeddings.load(study.store.artifact(study.best.run_id, VECTORS))
    out = study.folder / "pairs.csv"
    codalab(vectors, pairs, out)
    exported = [float(line.rsplit(",", 1)[1]) for line in out.read_text().splitlines()[1:]]
    np.testing.assert_allclose(found, exported, atol=1e-8)
    assert exported.count(0.0) > 100  # the fallback was asked for too
    assert found[-3:-1] == [pytest.approx(1.0), 0.0]


def invoke(port: int, body: str, kind: str) -> list[float]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", body.encode(), {"Content-Type": kind}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return [row["sim"] for row in json.load(response)["predictions"]]


# The pages ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ui(study: Study) -> Iterator[str]:
    """Serve the study and return the address of the UI."""
    port = free_port(0)
    base = f"http://127.0.0.1:{port}"
    _, *command = ui_command(study.store, port=port)
    with serving(command, ui_environment(study.store), f"{base}/health"):
        yield base


@pytest.fixture(scope="module")
def browser(ui: str) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    executable = browser_program()
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=executable, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    # MLflow opens its assistant beside the first page that a browser sees.
    context.add_init_script(
        "localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')"
    )
    made = context.new_page()
    made.set_default_timeout(PATIENCE)
    yield made
    context.close()


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[Any, str], None]:
    """Return what saves a picture of a page under a name."""
    folder = Path(os.environ.get("DEBIASLAB_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def save(page: Any, name: str) -> None:
        path = folder / f"{name}.png"
        page.screenshot(path=path)
        assert path.stat().st_size > 20_000  # an empty page has less

    return save


def address(ui: str, study: Study, run: RunInfo, tab: str = "") -> str:
    link = study.store.link(run.run_id, ui)
    return link.replace(run.run_id, f"{run.run_id}{tab}")


def visit(page: Any, link: str) -> None:
    page.goto("about:blank")  # between two pages of the UI alone nothing would be loaded anew
    page.goto(link)


def follow(page: Any, link: str) -> Any:
    """Open a link of the description, which leads to a page of its own, and return that."""
    page.get_by_text("Show more").click()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=link, exact=True).click()
    opened.value.set_default_timeout(PATIENCE)
    return opened.value


def test_the_study_says_what_it_asks_and_finds(ui, study, page, keep):
    visit(page, address(ui, study, study.parent))
    page.get_by_text("Question.").wait_for()
    page.get_by_text("Show more").click()
    shown = page.inner_text("body")
    finding = re.match(r"\*\*(.*?)\*\*", study.parent.tags[NOTE_TAG])
    assert finding is not None
    assert re.search(r"bias.*\d", finding[1])
    assert finding[1] in shown
    for said in ("How much gender bias does projection", "442,396 tokens", "How to read it"):
        assert said in shown
    assert page.locator("table", has_text="retention report").count() == 1  # Markdown, not pipes
    for metric in ("best_bias_report", "baseline_bias_report", "best_retention", "best_weight"):
        page.get_by_role("link", name=metric, exact=True).wait_for()
    page.get_by_text("enwiki-106").first.wait_for()  # the dataset
    keep(page, "study")


def test_the_runs_of_a_study_are_listed_by_score_with_bias_and_retention(ui, study, page, keep):
    visit(page, address(ui, study, study.parent))
    listed = follow(page, "runs, the best first")
    scored = sorted(study.runs(), key=lambda run: run.metrics["score"])
    links = [listed.get_by_role("link", name=run.name, exact=True).first for run in scored]
    for link in links:
        link.wait_for()
    tops = [link.bounding_box()["y"] for link in links]
    assert tops == sorted(tops)
    for column in ("lambda", "bias_report", "score"):
        listed.get_by_role("columnheader", name=column).first.wait_for()
    keep(listed, "runs")


def test_the_charts_show_bias_and_retention_against_lambda(ui, study, page, keep):
    visit(page, address(ui, study, study.parent))
    charts = follow(page, "charts of λ, bias and retention")
    charts.get_by_text("λ, bias and retention").first.wait_for()
    points = charts.locator(".scatterlayer .point")
    charts.get_by_text("log10_lambda vs. bias").first.wait_for()
    trials = [run for run in study.runs() if run.kind == "trial"]
    drawn = 1
    if all("retention_report" in run.metrics for run in trials):  # not in vectors that know nothing
        drawn = 3
        for title in ("bias_report vs. retention", "Parallel Coordinates"):
            charts.get_by_text(title).first.wait_for()
    points.nth(drawn * len(trials) - 1).wait_for()
    keep(charts, "charts")


def test_a_run_has_a_name_that_tells_and_begins_with_what_matters(ui, study, page, keep):
    weight = float(study.best.params["weight"])
    trial = study.best.tags["debiaslab.trial"]
    assert study.best.name == f"projection λ={weight:.3g} seed=1 · trial {trial}"
    visit(page, address(ui, study, study.best))
    page.get_by_text("Bias on report words").wait_for()
    page.get_by_text(study.best.name).first.wait_for()
    page.get_by_role("link", name="small", exact=True).first.wait_for()  # its study
    keep(page, "run")
    visit(page, address(ui, study, study.best, "/model-metrics"))
    first = page.get_by_text(re.compile(r"^(at_a_glance|bias_by_projection|uncertainty)")).first
    first.wait_for()
    assert first.inner_text().startswith("at_a_glance")
    page.locator(".js-plotly-plot").first.wait_for()
    keep(page, "run-charts")


def test_figures_and_report_are_shown_inline(ui, study, page, keep):
    visit(page, address(ui, study, study.parent, "/artifacts/figures/sweep.png"))
    picture = page.locator("img[src^='blob:'], img[src*='sweep.png']").first
    picture.wait_for()
    page.wait_for_function("image => image.naturalWidth > 300", arg=picture.element_handle())
    keep(page, "figure")
    for run in (study.parent, study.best):
        visit(page, address(ui, study, run, "/artifacts/report.html"))
        report = page.frame_locator("iframe")
        report.get_by_role("heading", name=run.name).first.wait_for()
        report.locator("table").first.wait_for()
        report.locator("img, svg").first.wait_for()
        keep(page, f"report-{run.kind}")


def test_the_registry_shows_the_model_and_how_to_serve_it(ui, page, keep):
    visit(page, f"{ui}/#/models/small")
    page.get_by_text("mlflow models serve").first.wait_for()
    page.get_by_text("@ best").first.wait_for()
    keep(page, "model")
