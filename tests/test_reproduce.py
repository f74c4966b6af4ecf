"""``debiaslab reproduce``: a run made again from what was logged of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from debiaslab.corpus import Corpus, CorpusSettings
from debiaslab.embeddings import Embeddings
from debiaslab.errors import UserError
from debiaslab.sgns import TrainSettings
from debiaslab.study.cells import ComparisonPlan, Entry
from debiaslab.study.comparing import compare
from debiaslab.study.objective import Objective
from debiaslab.study.reproducing import read_recipe
from debiaslab.tracking import VECTORS, RunInfo, Store
from tests.command_line import STUDY, call, refused, write_toy

Capture = pytest.CaptureFixture[str]
SIDES = ComparisonPlan(
    (Entry("projection", 1.0),),
    seeds=(1,),
    settings=TrainSettings(dim=8, epochs=1),
    objective=Objective(retention_weight=0.0),
    name="sides",
    controls=False,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which a sweep, a warm one and a comparison have finished."""
    folder = tmp_path_factory.mktemp("made")
    write_toy(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.chdir(folder)
        from debiaslab.cli import main

        assert main(STUDY) == 0
        warm = ["--trials", "1", "--study", "warm", "--warm-start"]
        assert main([*STUDY, *warm]) == 0
        corpus = Corpus.build(["toy.txt"], CorpusSettings(min_count=1), cache="data/cache")
        compare(corpus, SIDES, progress=False)
    return folder


@pytest.fixture(autouse=True)
def own(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to a copy of the folder, which a test may spoil."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(made, tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")


def runs(name: str = "small") -> dict[str, RunInfo]:
    """Return a study's run and its children, the baseline and the trials."""
    store = Store.open(create=False)
    study = store.study_named(name)
    found = {run.tags["debiaslab.trial"] or "baseline": run for run in store.runs(study.run_id)}
    return found | {"study": study}


@pytest.mark.parametrize("which", ["baseline", "1"])
def test_a_run_comes_out_identical(which: str, capfd: Capture) -> None:
    said = call(capfd, "reproduce", runs()[which].run_id).out
    assert "vectors   identical, bit for bit" in said
    numbers = said.partition("scorecard ")[2].split()
    assert numbers[0] == numbers[2]  # all of all
    assert int(numbers[0]) > 10
    assert "corpus" in said
    assert "cpu" in said


def children(name: str) -> dict[str | None, RunInfo]:
    """Return the runs of a study by kind; it has one of each."""
    store = Store.open(create=False)
    return {run.kind: run for run in store.runs(store.study_named(name).run_id)}


def test_numbers_that_need_the_baseline_are_made_again_while_it_is_there(capfd: Capture) -> None:
    store, found = Store.open(create=False), children("sides")
    cell = found["cell"].run_id
    said = call(capfd, "reproduce", cell)
    assert said.code == 0, said.err
    numbers = said.out.partition("scorecard ")[2].split()
    assert numbers[0] == numbers[2]
    assert "more need the baseline" not in said.out
    store.artifact(found["baseline"].run_id, VECTORS).unlink()
    fewer = call(capfd, "reproduce", cell)
    assert fewer.code == 0, fewer.err
    left = fewer.out.partition("scorecard ")[2].split()
    assert 0 < int(left[0]) < int(numbers[0])
    assert f"{int(numbers[0]) - int(left[0])} more need the baseline's vectors" in fewer.out


def test_a_run_that_began_warm_is_made_again_while_its_baseline_is_there(capfd: Capture) -> None:
    store, found = Store.open(create=False), children("warm")
    trial = found["trial"]
    assert "init" in trial.params
    assert "vectors   identical, bit for bit" in call(capfd, "reproduce", trial.run_id).out
    store.artifact(found["baseline"].run_id, VECTORS).unlink()
    said = refused(capfd, "reproduce", trial.run_id).sentence
    assert "began with the vectors of its baseline, which are gone from the store" in said


def test_a_text_that_went_elsewhere_is_named(capfd: Capture) -> None:
    shutil.rmtree("data")
    Path("toy.txt").rename("moved.txt")
    run = runs()["baseline"].run_id
    assert (
        f"try: python -m debiaslab reproduce {run} FILE…"
        in refused(capfd, "reproduce", run).sentence
    )
    assert "identical, bit for bit" in call(capfd, "reproduce", run, "moved.txt").out


def test_another_text_is_refused(capfd: Capture) -> None:
    Path("other.txt").write_text(Path("toy.txt").read_text() + "one more line of text\n" * 3)
    said = refused(capfd, "reproduce", runs()["baseline"].run_id, "other.txt").sentence
    assert "other.txt is another text" in said


def test_a_difference_is_measured_and_ends_with_an_error(capfd: Capture) -> None:
    run = runs()["1"]
    path = Store.open(create=False).artifact(run.run_id, VECTORS)
    vectors = Embeddings.load(path)
    changed = np.array(vectors.vectors)
    changed[0, 0] += 0.25
    Embeddings(vectors.words, changed).save(path)
    said = call(capfd, "reproduce", run.run_id)
    assert said.code == 1
    assert "vectors   differ by at most 0.25" in said.out
    assert f"the run {run.run_id} did not come out the same" in said.err


def test_a_number_of_the_scorecard_that_is_no_headline_counts_too(capfd: Capture) -> None:
    run = runs()["1"]
    path = Store.open(create=False).artifact(run.run_id, "scorecard.json")
    scorecard = json.loads(path.read_text())
    record = next(r for r in scorecard["records"] if r.get("statistic") is not None)
    record["statistic"] += 0.125
    path.write_text(json.dumps(scorecard))
    said = call(capfd, "reproduce", run.run_id)
    assert said.code == 1
    assert "vectors   identical, bit for bit" in said.out
    (line,) = [line for line in said.out.splitlines() if "→" in line]
    assert "weat" in line


def test_what_is_other_here_is_shown(capfd: Capture) -> None:
    run = runs()["baseline"]
    path = Store.open(create=False).artifact(run.run_id, "provenance.json")
    made_with = json.loads(path.read_text())
    made_with["packages"]["numpy"] = "1.0"
    path.write_text(json.dumps(made_with))
    said = call(capfd, "reproduce", run.run_id).out
    assert any(line.split()[:2] == ["numpy", "1.0"] for line in said.splitlines())
    assert "numpy" in next(line for line in said.splitlines() if np.__version__ in line)


def test_what_is_no_training_is_refused() -> None:
    store = Store.open(create=False)
    with pytest.raises(UserError, match=r"is 'study', not one training.*allowed: runs of sweep"):
        read_recipe(store, runs()["study"].run_id)


def test_a_run_without_its_files_is_refused() -> None:
    store, run = Store.open(create=False), runs()["1"].run_id
    store.artifact(run, VECTORS).unlink()
    with pytest.raises(UserError, match=r"did not keep vectors/vectors\.npz"):
        read_recipe(store, run)
