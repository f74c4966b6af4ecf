"""``debiaslab reproduce``: a run made again from what was logged of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from debiaslab.corpus import Corpus, CorpusSettings
from debiaslab.errors import UserError
from debiaslab.results import open_study
from debiaslab.sgns import TrainSettings
from debiaslab.study.comparing import conduct_comparison
from debiaslab.study.driver import Conduct
from debiaslab.study.objective import Objective
from debiaslab.study.plan import ComparisonPlan, Entry
from debiaslab.study.single import read_recipe
from debiaslab.tracking import VECTORS, RunInfo, Store
from debiaslab.vectors.embeddings import Embeddings
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
        conduct_comparison(corpus, SIDES, Conduct(progress=False))
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
    assert "began with vectors of the baseline, which the store does not have" in said


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
    assert "read with words seen fewer than 1 times left out, in lower case, no multi-word" in said
    assert "CorpusSettings" not in said


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


def test_what_is_no_training_is_refused_with_the_way_to_the_ids(capfd: Capture) -> None:
    said = refused(capfd, "reproduce", runs()["study"].run_id).sentence
    assert "is the study 'small', not one training" in said
    assert "try: python -m debiaslab status small, which shows the ids" in said
    shown = call(capfd, "status", "small").out
    trained = [run.run_id for which, run in runs().items() if which != "study"]
    assert len(trained) == 3
    assert all(f"done {run_id[:8]}" in shown for run_id in trained)
    unknown = refused(capfd, "reproduce", "nothing-like-it").sentence
    assert (
        "try: python -m debiaslab studies, then status NAME, which shows the ids of runs" in unknown
    )


def test_a_run_is_named_by_the_first_letters_of_its_id(capfd: Capture) -> None:
    run = runs()["baseline"].run_id
    assert f"({run})" in call(capfd, "reproduce", run[:8]).out
    assert run[:8] in call(capfd, "evaluate", "--run", run[:8], "--quick").out
    assert call(capfd, "neighbors", "man", "--run", run[:8], "--compare", run[:9]).code == 0
    assert f"({run})" in call(capfd, "export", "--run", run[:8], "--out", "o.csv").out


def test_letters_that_several_ids_begin_with_are_refused_with_the_ids(capfd: Capture) -> None:
    store = Store.open(create=False)
    while not (shared := _shared([run.run_id for run in store.all_runs()])):
        store.start("another", parent=None, params={}, tags={}, dataset=None).finish()
    said = refused(capfd, "reproduce", shared[0][0]).sentence
    assert f"the ids of {len(shared)} runs begin with '{shared[0][0]}'" in said
    assert sum(each in said for each in shared) == min(len(shared), 4)


def _shared(ids: list[str]) -> list[str]:
    """Return the ids that begin with the same letter as another; none before there are two."""
    for letter in "0123456789abcdef":
        if len(found := [each for each in ids if each.startswith(letter)]) > 1:
            return found
    return []


def test_a_comparison_shows_its_runs_one_by_one(capfd: Capture) -> None:
    shown = call(capfd, "status", "sides").out
    for run in children("sides").values():
        assert f"done {run.run_id[:8]}" in shown


def test_a_single_training_is_made_again_unless_it_began_with_a_file(capfd: Capture) -> None:
    train = ["train", "toy.txt", "--dim", "8", "--epochs", "1", "--min-count", "1"]
    assert call(capfd, *train, "--out", "one.npz").code == 0
    again = ["--init", "one.npz", "--out", "two.npz"]
    assert call(capfd, *train, *again).code == 0
    one, two = (run for run in Store.open(create=False).all_runs() if run.kind == "single")
    said = call(capfd, "reproduce", one.run_id)
    assert said.code == 0, said.err
    assert "vectors   identical, bit for bit" in said.out
    began = refused(capfd, "reproduce", two.run_id).sentence
    assert "began with vectors of a file, which the store does not have" in began


def test_a_run_without_its_files_is_refused() -> None:
    store, run = Store.open(create=False), runs()["1"].run_id
    store.artifact(run, VECTORS).unlink()
    with pytest.raises(UserError, match=r"did not keep vectors/vectors\.npz"):
        read_recipe(store, run)


def test_a_comparison_moves_with_its_strategies_and_comes_out_identical_there(
    capfd: Capture,
) -> None:
    assert call(capfd, "archive", "sides", "sides.zip").code == 0
    said = call(capfd, "restore", "sides.zip", "--store", "elsewhere")
    assert "next: python -m debiaslab resume sides --store elsewhere" in said.out
    here, there = (open_study("sides", folder).sides for folder in ("mlruns", "elsewhere"))
    assert [each.label for each in there] == [each.label for each in here]
    assert [each.outcomes for each in there] == [each.outcomes for each in here]
    cell = there[1].runs[0]
    assert cell is not None
    assert cell != here[1].runs[0]
    again = call(capfd, "reproduce", cell, "--store", "elsewhere")
    assert again.code == 0, again.err
    assert "more need the baseline" not in again.out
