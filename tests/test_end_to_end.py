"""The real sweep on the built-in corpus, as a user runs it, read back from MLflow and the files."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import zipfile
from pathlib import Path

import pytest

from debiaslab.leaderboard.export import default_pairs
from debiaslab.metrics import Scorecard
from debiaslab.tracking import VECTORS, RunInfo, Store
from debiaslab.vectors.embeddings import Embeddings
from tests import forking
from tests.command_line import call, noise, refused
from tests.expecting import holds
from tests.shared import BUILTIN, PRINTED
from tests.waiting import until


def children(folder: Path) -> list[RunInfo]:
    store = Store.open(folder / "mlruns", create=False)
    return store.runs(store.study_named("small").run_id)


def test_the_sweep_prints_its_table_the_best_run_and_what_to_do_next(builtin):
    printed = (builtin / PRINTED).read_text(encoding="utf-8")
    holds(printed, "bias tune", "baseline", "submissions/small.csv")
    assert printed.rstrip().endswith("next: python -m debiaslab ui --study small")


def test_mlflow_holds_a_parent_and_a_run_for_each_trial_and_seed(builtin):
    store = Store.open(builtin / "mlruns", create=False)
    parent = store.study_named("small")
    runs = store.runs(parent.run_id)
    assert parent.status == "FINISHED"
    assert {run.status for run in runs} == {"FINISHED"}
    assert sorted(run.kind or "" for run in runs) == ["baseline"] * 2 + ["trial"] * 4
    best = store.best("small")
    assert best.run_id in (builtin / PRINTED).read_text(encoding="utf-8")
    assert float(best.params["weight"]) == pytest.approx(parent.metrics["best_weight"])
    scores: dict[str, list[float]] = {}
    for run in runs:
        if run.kind == "trial":
            scores.setdefault(run.params["weight"], []).append(run.metrics["score"])
    assert best.params["weight"] == min(scores, key=lambda weight: sum(scores[weight]))


def test_each_run_says_what_shaped_it_and_keeps_what_it_made(builtin):
    store = Store.open(builtin / "mlruns", create=False)
    best = store.best("small")
    for key in ("seed", "weight", "cover", "corpus_fingerprint", "lexicon_versions", "dim"):
        assert best.params[key]
    assert best.params["coverage.report_words_covered"] == "True"
    assert len(store.series(best.run_id, "loss")) >= 20
    assert len(store.series(best.run_id, "epoch/weat/career-family/tune.statistic")) == 4
    assert not [name for name in best.metrics if name.startswith("epoch/uncertainty")]
    (dataset,) = store.datasets(best.run_id)
    assert dataset.name == "enwiki-106"
    assert best.metrics["uncertainty/similarity.WordSim-353.all.n"] > 100
    assert "uncertainty/weat.7.all.statistic_low" in best.metrics
    files = store.artifacts(best.run_id)
    for path in ("report.html", "scorecard.json", "provenance.json", "figures/loss.png"):
        assert path in files
    scorecard = Scorecard.from_json(store.artifact(best.run_id, "scorecard.json").read_text())
    assert scorecard.value("weat", "7", "all") == pytest.approx(best.metrics["weat/7/all"])
    assert scorecard.record("weat", "7", "tune").reason  # type: ignore[union-attr]


def test_the_submission_holds_every_pair_in_order(builtin):
    submission = builtin / "submissions" / "small.csv"
    with submission.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["word1", "word2", "sim"]
    assert [(a, b) for a, b, _ in rows] == default_pairs()
    store = Store.open(builtin / "mlruns", create=False)
    best = Embeddings.load(store.artifact(store.best("small").run_id, VECTORS))
    for word1, word2, sim in rows:
        known = word1 in best and word2 in best
        expected = best.cosine(word1, word2) if known else 0.0
        assert float(sim) == pytest.approx(expected, abs=1e-7)
    with zipfile.ZipFile(submission.with_suffix(".zip")) as archive:
        assert archive.namelist() == ["small.csv"]
        assert archive.read("small.csv") == submission.read_bytes()


def test_the_other_commands_read_the_study(builtin, own_folder, capfd):
    store = ["--study", "small", "--store", str(builtin / "mlruns")]
    assert "small" in call(capfd, "studies", *store[2:]).out
    assert call(capfd, "export", *store, "--out", "again.csv").code == 0
    again = Path("again.csv").read_bytes()
    assert again == (builtin / "submissions" / "small.csv").read_bytes()
    assert call(capfd, "export", *store, "--format", "word2vec", "--out", "v.txt").code == 0
    nearest = Embeddings.load("v.txt").neighbors("college", 1)[0][0]
    assert nearest in call(capfd, "neighbors", "college", *store).out
    said = call(capfd, "evaluate", "v.txt", "--json", "card.json")
    assert said.code == 0, said.err
    assert said.out.startswith("v.txt: ")
    assert "association tests on report words" in said.out
    assert Scorecard.from_json(Path("card.json").read_text()).value("weat", "7", "all")
    shutil.copy("v.txt", "other.txt")
    words = ["evaluate", "v.txt", "--baseline", "other.txt", "--groups", "weat"]
    assert call(capfd, *words, "--json", "card.json").code == 0
    assert len(json.loads(Path("card.json").read_text())) == 2


def test_running_it_again_trains_nothing_and_other_settings_are_refused(
    builtin, tmp_path, monkeypatch, capfd
):
    folder = Path(shutil.copytree(builtin, tmp_path / "copy"))
    monkeypatch.chdir(folder)
    before = {run.run_id for run in children(folder)}
    assert "settings.window" in refused(capfd, *BUILTIN, "--window", "3").sentence
    note, _, said = call(capfd, *BUILTIN).out.partition("\n\n")
    assert note.startswith("nothing was left to train")
    assert said == (builtin / PRINTED).read_text(encoding="utf-8")
    assert {run.run_id for run in children(folder)} == before


def test_an_interrupted_sweep_goes_on_to_the_same_end(builtin, own_folder):
    """Ctrl-C, then SIGKILL in mid-sweep: the same λs, scores and file as without them."""
    command = ["-m", "debiaslab", *BUILTIN]
    for stop, code in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        with Path("stopped.log").open("w") as log:
            process = forking.begin(command, stderr=log)
        wait_for_running_trial(own_folder, process)
        process.send_signal(stop)
        ended, errors = process.wait(), Path("stopped.log").read_text(encoding="utf-8")
        assert ended == code, errors[-2000:]
        assert "Traceback" not in errors
        if stop == signal.SIGINT:
            assert "the same command again" in errors
            assert all(run.status != "RUNNING" for run in children(own_folder))
    done = forking.run(command)
    assert done.returncode == 0, done.stderr[-2000:]
    assert noise(done.stderr) == []
    runs = children(own_folder)
    assert all(run.status != "RUNNING" for run in runs)
    assert outcomes(runs) == outcomes(children(builtin))
    ours, theirs = (folder / "submissions" / "small.csv" for folder in (own_folder, builtin))
    assert ours.read_bytes() == theirs.read_bytes()


def outcomes(runs: list[RunInfo]) -> list[tuple[str, str, float, float]]:
    return sorted(
        (run.params["weight"], run.params["seed"], run.metrics["score"], run.metrics["bias_tune"])
        for run in runs
        if run.status == "FINISHED"
    )


def wait_for_running_trial(folder: Path, process: forking.Process) -> None:
    """Wait until a trial run that was not there before is being trained."""
    seen = len(trials(folder))

    def trains() -> bool:
        assert process.poll() is None, f"no trial started: {Path('stopped.log').read_text()}"
        found = trials(folder)
        return len(found) > seen and found[-1].status == "RUNNING"

    until(trains)


def trials(folder: Path) -> list[RunInfo]:
    if not (folder / "mlruns" / "mlflow.db").is_file():
        return []
    store = Store.open(folder / "mlruns", create=False)
    study = store.find_study("small")
    return [] if study is None else store.runs(study.run_id, kind="trial")
