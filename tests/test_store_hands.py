"""Stores through other hands: renamed, moved and deleted in MLflow; and studies deleted by us."""

from __future__ import annotations

import os
import shlex
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import optuna
import pytest

from debiaslab import open_study
from debiaslab.metrics import Scorecard
from debiaslab.results import read_sides
from debiaslab.study.claims import Claims
from debiaslab.study.search_storage import open_storage
from debiaslab.tracking import Store
from debiaslab.tracking.names import EXPERIMENT, HOME_TAG
from debiaslab.vectors.embeddings import Embeddings
from tests import forking
from tests.command_line import call, refused

VECTORS = Embeddings(["he", "she", "nurse"], np.eye(3, dtype=np.float32))


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.chdir(tmp_path)
    return Store.open()


def make_study(store: Store, name: str = "small", seeds: int = 1, **tags: str) -> list[str]:
    """Make a study of a baseline and two trials without any training; return its runs."""
    parent = store.study(name, create=True, params={}, tags=tags, description="")
    made = []
    for seed in range(1, seeds + 1):
        for trial, score in ((None, 1.0), (0, 0.5), (1, 0.7)):
            made.append(make_run(store, parent, trial, score, seed))
    log = store.resume(parent)
    log.tags({"debiaslab.best_run": made[1]})
    log.finish()
    return [parent, *made]


def make_run(store: Store, parent: str, trial: int | None, score: float, seed: int) -> str:
    kind = "baseline" if trial is None else "trial"
    tags = {"debiaslab.kind": kind, "debiaslab.trial": "" if trial is None else trial}
    params = {"strategy": "projection", "weight": trial or 0, "seed": seed, "corpus": "toy"}
    with store.start(
        f"{kind} {trial}", parent=parent, params=params, tags=tags, dataset=None
    ) as log:
        log.metrics({"score": score, "bias_tune": score})
        log.json(Scorecard("toy", ()).to_dict(), "scorecard.json")
        log.file(VECTORS.save(Path("vectors.npz")), "vectors")
    return log.run_id


def mlflow(store: Store):
    from mlflow import MlflowClient

    return MlflowClient(store.uri)


def rename_run(store: Store, run_id: str, name: str) -> None:
    mlflow(store).update_run(run_id, name=name)


# Renamed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", [False, True], ids=["", "made by an older version"])
def test_studies_of_a_renamed_experiment_are_found_and_go_on(store, capfd, old):
    parent, _baseline, *_ = make_study(store)
    if old:
        mlflow(store).delete_experiment_tag(store.experiment_id, HOME_TAG)
    mlflow(store).rename_experiment(store.experiment_id, "my thesis")
    for again in (Store.read(), Store.open()):
        assert [each.study for each in again.studies()] == ["small"]
        assert len(again.runs(parent)) == 3
        assert again.best("small").metrics["score"] == 0.5
    again = Store.open()
    assert again.experiment_id == store.experiment_id
    assert again.study("small", create=True, params={}, tags={}, description="") == parent
    assert "small" in call(capfd, "studies").out
    assert call(capfd, "export", "--study", "small").code == 0
    assert "nothing is left over" in call(capfd, "prune-store").out


def test_studies_of_two_experiments_are_one_list(store, capfd):
    """As when a version that looked for the experiment by name made a second one."""
    first = make_study(store)
    mlflow(store).rename_experiment(store.experiment_id, "before")
    root = (Path("mlruns").resolve() / "artifacts").as_uri()
    second = mlflow(store).create_experiment(EXPERIMENT, root)
    both = Store.open()
    assert both.experiment_id == second
    others = make_study(both, "other")
    assert [each.study for each in both.studies()] == ["small", "other"]
    run = make_run(both, first[0], 2, 0.1, 1)
    assert both.run(run).experiment == store.experiment_id  # beside the rest of its study
    assert both.run_named(first[1][:10]).run_id == first[1]
    for folder in Path("mlruns/artifacts").iterdir():
        os.utime(folder, (0, 0))
    assert call(capfd, "prune-store", "--yes").code == 0
    assert all(both.artifact(each, "scorecard.json").exists() for each in (first[1], others[1]))


def test_prune_store_keeps_the_files_and_runs_of_others(store, capfd):
    make_study(store)
    client = mlflow(store)
    root = (Path("mlruns").resolve() / "artifacts").as_uri()
    theirs = client.create_experiment("somebody's", root)
    runs = [client.create_run(theirs) for _ in range(2)]
    for run in runs:
        client.log_text(run.info.run_id, "kept", "a.txt")
        client.set_terminated(run.info.run_id, "KILLED")
    client.delete_experiment(theirs)
    for stage in ("deleted", "active"):
        for folder in Path("mlruns/artifacts").iterdir():
            os.utime(folder, (0, 0))
        assert "nothing is left over" in call(capfd, "prune-store", "--yes").out, stage
        client.restore_experiment(theirs) if stage == "deleted" else None
    text = client.download_artifacts(runs[0].info.run_id, "a.txt", str(Path.cwd()))
    assert Path(text).read_text() == "kept"


def test_the_name_that_studies_shows_is_the_one_that_commands_take(store, capfd):
    parent, _baseline, best, _ = make_study(store)
    rename_run(store, parent, "chapter four")
    rename_run(store, best, "the good one")
    shown = call(capfd, "studies").out.splitlines()[1].split()[0]
    assert shown == "small"
    for words in (
        ["status", shown],
        ["export", "--study", shown],
        ["neighbors", "he", "--study", shown],
    ):
        assert call(capfd, *words).code == 0, words
    assert open_study(shown).name == "small"
    for words in (["export", "--study"], ["status"], ["resume"], ["archive"]):
        more = ["a.zip"] if words == ["archive"] else []
        assert "did you mean 'small'" in refused(capfd, *words, "chapter four", *more).sentence
    assert "is the study 'small'" in refused(capfd, "evaluate", "--run", parent).sentence


# Deleted --------------------------------------------------------------------------------------


def test_a_deleted_experiment_comes_back_by_the_command_that_is_named(store, capfd):
    make_study(store)
    mlflow(store).delete_experiment(store.experiment_id)
    for words in (["studies"], ["prune-store", "--yes"]):
        sentence = refused(capfd, *words).sentence
        assert f"the experiment {EXPERIMENT!r} in" in sentence
    command = sentence.partition("try: ")[2].partition(",")[0]
    name, _, uri = shlex.split(command)[0].partition("=")
    done = forking.run(shlex.split(command)[2:], env={**os.environ, name: uri})
    assert done.returncode == 0, done.stderr
    assert open_study("small").best.weight == 0


@pytest.mark.parametrize("gone", [[2], [2, 3], [1]], ids=["best", "both trials", "baseline"])
def test_a_deleted_run_is_no_crash(store, capfd, gone):
    made = make_study(store)
    for index in gone:
        store.remove(made[index])
    said = call(capfd, "export", "--study", "small")
    assert "Traceback" not in said.err
    if gone == [2, 3]:
        assert said.code == 2
        assert "no trial of the study 'small' has finished" in said.err
    else:
        assert said.code == 0, said.err
    if gone == [2]:
        assert f"the best run {made[2][:8]} of the study 'small' was deleted" in said.err
        assert open_study("small").best.run_id == made[3]
    assert open_study("small").frame()["seed"].tolist() == [1] * (3 - len(gone))


def test_a_deleted_run_of_a_comparison_leaves_its_cell_empty(store):
    parent, baseline, run, _ = make_study(store, **{"debiaslab.comparison": "true"})
    side = {"stage": "in", "control": False, "tuning_runs": 0, "tuning_seconds": 0}
    sides = [
        {"strategy": "baseline", "weight": None, "runs": [baseline], **side},
        {"strategy": "projection", "weight": 0.5, "runs": [run], **side},
    ]
    store.writer(parent).json(sides, "sides.json")
    store.remove(run)
    with pytest.warns(UserWarning, match=f"{run[:8]} of the comparison was deleted"):
        first, second = read_sides(Store.read(), parent)
    assert first.runs == (baseline,)
    assert second.runs == second.cards == (None,)


# A process that is dead -----------------------------------------------------------------------


def test_studies_shows_what_a_dead_process_left_as_killed(store, capfd):
    parent = make_study(store)[0]
    leave_open(store, parent, str(os.getpid()), "long ago")
    assert "KILLED" in call(capfd, "studies").out
    assert store.run(parent).status == "RUNNING"  # looking changes nothing
    leave_open(store, parent, str(os.getpid()), None)
    assert "RUNNING" in call(capfd, "studies").out


def leave_open(store: Store, run_id: str, pid: str, started: str | None, host: str = "") -> None:
    log = store.resume(run_id)
    if started is not None:
        own = store.run(run_id).tags["debiaslab.process"].split()[0]
        log.tags({"debiaslab.process": f"{host or own} {pid} {started}"})
        log.flush()


# delete ---------------------------------------------------------------------------------------


def rows(table: str) -> int:
    with closing(sqlite3.connect("mlruns/mlflow.db")) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


KINDS = {
    "sweep": {},
    "comparison": {"debiaslab.comparison": "true"},
    "planted": {"debiaslab.planting": "true"},
    "group": {"debiaslab.group": "g"},
}


@pytest.mark.parametrize("tags", KINDS.values(), ids=KINDS)
def test_delete_removes_a_study_and_nothing_else(store, capfd, tags):
    others = make_study(store, "other")
    made = make_study(store, **tags)
    model = store.log_model(made[2], VECTORS, example=[("he", "she")])
    store.register("small", made[2], model, "note")
    store.save_view("small", made[0])
    storage = open_storage(Path("mlruns"))
    for name in ("small", "other"):
        optuna.create_study(study_name=name, storage=storage).add_trials([])
    with Claims(storage.engine, "small") as claims:
        claims.take("baseline 1")
        name = "g" if "debiaslab.group" in tags else "small"
        kept = "nothing was removed: the study small: 3 runs"
        assert kept in refused(capfd, "delete", name).sentence
        assert len(store.studies()) == 2
        said = call(capfd, "delete", name, "--yes")
        assert said.code == 0, said.err
    assert "removed the study small: 3 runs" in said.out
    assert [each.study for each in store.studies()] == ["other"]
    assert {path.name for path in Path("mlruns/artifacts").iterdir()} <= {*others, "models"}
    assert not list(Path("mlruns/artifacts").glob("models/*"))
    assert (rows("runs"), rows("logged_models"), rows("model_versions")) == (4, 0, 0)
    assert optuna.get_all_study_names(open_storage(Path("mlruns"))) == ["other"]
    assert f"sharedViewState.{made[0]}" not in str(
        mlflow(store).get_experiment(store.experiment_id).tags
    )
    assert "there is no study" in refused(capfd, "delete", name, "--yes").sentence
    assert make_study(store)[0] not in made  # the name is free again


def test_a_study_that_runs_is_not_deleted(store, capfd):
    parent, baseline, *_ = make_study(store)
    log = store.resume(baseline)
    sentence = refused(capfd, "delete", "small", "--yes").sentence
    assert f"is running: process {os.getpid()}" in sentence
    log.finish()
    leave_open(store, parent, "12", "then", host="another.host")
    assert "may be running on another.host" in refused(capfd, "delete", "small", "--yes").sentence
    assert len(store.runs(parent)) == 3
    assert call(capfd, "delete", "small", "--yes", "--dead-elsewhere").code == 0
    assert store.studies() == []


def test_delete_asks_at_a_terminal(store, capfd, monkeypatch):
    make_study(store)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    for answer, left in (("no", 1), ("", 1), ("yes", 0)):
        monkeypatch.setattr("builtins.input", lambda question, answer=answer: answer)
        assert call(capfd, "delete", "small").code == (2 if left else 0)
        assert len(store.studies()) == left
