"""``debiaslab reproduce``: a run made again from what was logged of it."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from debiaslab.cli import main
from debiaslab.corpus import Corpus, CorpusSettings
from debiaslab.results import open_study
from debiaslab.sgns import TrainSettings
from debiaslab.study.comparing import conduct_comparison
from debiaslab.study.driver import Conduct
from debiaslab.study.objective import Objective
from debiaslab.study.plan import ComparisonPlan, Entry
from debiaslab.study.single import read_recipe
from debiaslab.tracking import NOTE_TAG, VECTORS, RunInfo, Store
from debiaslab.tracking.names import REPORT, SCORECARD
from debiaslab.vectors.embeddings import Embeddings
from tests.command_line import STUDY, call, refused
from tests.expecting import holds, refuses
from tests.shared import Shared

MINIMISED = "<h3>What is minimised</h3>"  # over the formula of the objective
Capture = pytest.CaptureFixture[str]
SIDES = ComparisonPlan(
    (Entry("projection", 1.0),),
    seeds=(1,),
    settings=TrainSettings(dim=8, epochs=1),
    objective=Objective(retention_weight=0.0),
    name="sides",
    controls=False,
)


def make(small: Path, folder: Path) -> None:
    """Add a warm sweep and a comparison to the small sweep."""
    shutil.copytree(small, folder, dirs_exist_ok=True)
    assert main([*STUDY, "--trials", "1", "--study", "warm", "--warm-start"]) == 0
    corpus = Corpus.build(["toy.txt"], CorpusSettings(min_count=1), cache="data/cache")
    conduct_comparison(corpus, SIDES, Conduct(progress=False))


@pytest.fixture(autouse=True)
def own(shared: Shared, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to a copy of the folder, which a test may spoil."""
    made = shared.folder("reproduced", partial(make, small))
    shutil.copytree(made, tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")


def runs(name: str = "small") -> dict[str, RunInfo]:
    """Return a study's run and its children, the baseline and the trials."""
    store = Store.open(create=False)
    study = store.study_named(name)
    found = {run.tags["debiaslab.trial"] or "baseline": run for run in store.runs(study.run_id)}
    return found | {"study": study}


def reproduced(capfd: Capture, run: str, *more: str) -> tuple[int, int, str]:
    """Make a run again, bit for bit; return how many numbers are the same, of how many."""
    said = call(capfd, "reproduce", run, *more)
    assert said.code == 0, said.err
    assert "vectors   identical, bit for bit" in said.out
    same, _, total = said.out.partition("scorecard ")[2].split()[:3]
    return int(same), int(total), said.out


@pytest.mark.parametrize("which", ["baseline", "1"])
def test_a_run_comes_out_identical(which, capfd):
    same, total, said = reproduced(capfd, runs()[which].run_id)
    assert same == total > 10
    holds(said, "corpus", "cpu")


def children(name: str) -> dict[str | None, RunInfo]:
    """Return the runs of a study by kind; it has one of each."""
    store = Store.open(create=False)
    return {run.kind: run for run in store.runs(store.study_named(name).run_id)}


def test_numbers_that_need_the_baseline_are_made_again_while_it_is_there(capfd):
    store, found = Store.open(create=False), children("sides")
    cell = found["cell"].run_id
    same, total, said = reproduced(capfd, cell)
    assert same == total
    assert "more need the baseline" not in said
    store.artifact(found["baseline"].run_id, VECTORS).unlink()
    fewer, _, said = reproduced(capfd, cell)
    assert 0 < fewer < same
    assert f"{same - fewer} more need the baseline's vectors" in said


def test_a_run_that_began_warm_is_made_again_while_its_baseline_is_there(capfd):
    store, found = Store.open(create=False), children("warm")
    trial = found["trial"]
    assert "init" in trial.params
    reproduced(capfd, trial.run_id)
    store.artifact(found["baseline"].run_id, VECTORS).unlink()
    said = refused(capfd, "reproduce", trial.run_id).sentence
    assert "began with vectors of the baseline, which the store does not have" in said


def test_a_text_that_went_elsewhere_is_named_and_another_is_refused(capfd):
    shutil.rmtree("data")
    Path("toy.txt").rename("moved.txt")
    run = runs()["baseline"].run_id
    sentence = refused(capfd, "reproduce", run).sentence
    assert f"try: python -m debiaslab reproduce {run} FILE…" in sentence
    reproduced(capfd, run, "moved.txt")
    Path("other.txt").write_text(Path("moved.txt").read_text() + "one more line of text\n" * 3)
    said = refused(capfd, "reproduce", run, "other.txt").sentence
    kept = "read with words seen fewer than 1 times left out, in lower case, no multi-word"
    holds(said, "other.txt is another text", kept, none_of=["CorpusSettings"])


def test_a_difference_is_measured_and_ends_with_an_error(capfd):
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


def test_a_number_of_the_scorecard_that_is_no_headline_counts_too(capfd):
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


def test_a_metric_that_is_newer_than_the_run_makes_no_difference(capfd):
    run = runs()["baseline"].run_id
    file = Store.open(create=False).artifact(run, SCORECARD)
    card = json.loads(file.read_text(encoding="utf-8"))
    kept = [each for each in card["records"] if each["metric"] != "collapse"]
    assert 0 < len(kept) < len(card["records"])
    file.write_text(json.dumps({**card, "records": kept}))
    same, total, _ = reproduced(capfd, run)
    assert same == total > 10
    cell = children("sides")["cell"].run_id
    with_anchored, _, _ = reproduced(capfd, cell)
    file = Store.open(create=False).artifact(cell, SCORECARD)
    card = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**card, "anchored": []}))
    same, total, _ = reproduced(capfd, cell)
    assert same == total < with_anchored


def test_what_is_other_here_is_shown(capfd):
    run = runs()["baseline"]
    path = Store.open(create=False).artifact(run.run_id, "provenance.json")
    made_with = json.loads(path.read_text())
    made_with["packages"]["numpy"] = "1.0"
    path.write_text(json.dumps(made_with))
    said = call(capfd, "reproduce", run.run_id).out
    assert any(line.split()[:2] == ["numpy", "1.0"] for line in said.splitlines())
    assert "numpy" in next(line for line in said.splitlines() if np.__version__ in line)


def test_what_is_no_training_is_refused_with_the_way_to_the_ids(capfd):
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


def test_a_run_is_named_by_the_first_letters_of_its_id(capfd):
    run = runs()["baseline"].run_id
    assert f"({run})" in call(capfd, "reproduce", run[:8]).out
    assert run[:8] in call(capfd, "evaluate", "--run", run[:8], "--quick").out
    assert call(capfd, "neighbors", "man", "--run", run[:8], "--compare", run[:9]).code == 0
    assert f"({run})" in call(capfd, "export", "--run", run[:8], "--out", "o.csv").out


def test_letters_that_several_ids_begin_with_are_refused_with_the_ids(capfd):
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


def test_a_comparison_shows_its_runs_one_by_one(capfd):
    shown = call(capfd, "status", "sides").out
    for run in children("sides").values():
        assert f"done {run.run_id[:8]}" in shown


def test_a_single_training_is_made_again_unless_it_began_with_a_file(capfd):
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
    said = call(capfd, "report", "--run", one.run_id[:12], "--out", "page.html")
    assert said.code == 0, said.err
    assert f"kept with the run, where the MLflow UI shows it (Artifacts → {REPORT})" in said.out
    page = Path("page.html").read_text(encoding="utf-8")
    holds(page, "seed 1", "WordSim-353", "loss")
    assert MINIMISED not in page


def test_the_best_run_has_its_page_and_any_other_gets_it_when_asked(capfd):
    store, found = Store.open(create=False), runs()
    best = store.best("small").run_id
    (other,) = (found[trial].run_id for trial in "01" if found[trial].run_id != best)
    made = {REPORT, "figures/associations.png", "figures/loss.png"}
    assert made <= set(store.artifacts(best))
    for run_id in (other, found["baseline"].run_id):
        assert not made & set(store.artifacts(run_id))
        note = store.run(run_id).tags[NOTE_TAG]
        assert f"python -m debiaslab report --run {run_id}" in note
        assert call(capfd, "report", "--run", run_id).code == 0
        assert made <= set(store.artifacts(run_id))
        page = Path("reports", f"{run_id}.html").read_text(encoding="utf-8")
        assert store.artifact(run_id, REPORT).read_text(encoding="utf-8") == page
        holds(page, MINIMISED, "In units of the objective", store.run(run_id).name)
    whole = refused(capfd, "report", "--run", found["study"].run_id).sentence
    assert "is the study small; try: --study small without --run" in whole
    both = refused(capfd, "report", "--run", best, "--study", "small").sentence
    assert "--study and --run were given together" in both
    store.artifact(best, SCORECARD).unlink()
    assert "has no scorecard" in refused(capfd, "report", "--run", best).sentence


def test_a_run_without_its_files_is_refused():
    store, run = Store.open(create=False), runs()["1"].run_id
    store.artifact(run, VECTORS).unlink()
    with refuses(r"did not keep vectors/vectors\.npz"):
        read_recipe(store, run)


def test_a_comparison_moves_with_its_strategies_and_comes_out_identical_there(capfd):
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
