"""A sweep on a real Dask cluster of local processes, one of which is killed in the middle."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from types import SimpleNamespace

import pytest

from debiaslab.corpus import Corpus, CorpusSettings
from debiaslab.errors import UserError
from debiaslab.sgns import TrainSettings
from debiaslab.study import cluster, sweep
from debiaslab.study import cluster as dask_cluster
from debiaslab.study.cluster import DaskCluster
from debiaslab.study.kept import kept_study
from debiaslab.study.objective import Objective
from debiaslab.study.plan import Plan
from debiaslab.study.status import known_trials
from debiaslab.tracking import Store
from tests.command_line import call, refused, runs
from tests.dask_work import FailsOnce, here, tells
from tests.toys import toy_text
from tests.waiting import until

pytest.importorskip("distributed", reason="Dask is not installed: pip install 'debiaslab[dask]'")
TRIALS, SEEDS = 2, (1,)


@pytest.fixture(scope="module")
def client():
    with cluster.connected(workers=2) as client:
        yield client


def test_a_killed_worker_costs_nothing(tmp_path, client, monkeypatch, capfd):
    """SIGKILL in the middle of a training: every cell is there, once, and no run stays open."""
    (tmp_path / "toy.txt").write_text(toy_text(600))
    corpus = Corpus.build(
        [tmp_path / "toy.txt"], CorpusSettings(min_count=1), cache=tmp_path / "cache"
    )
    plan = Plan(
        trials=TRIALS,
        seeds=SEEDS,
        settings=TrainSettings(dim=8, epochs=1),
        objective=Objective(retention_weight=0),
        name="killed",
    )
    victim = min(client.run(here).values())
    killed = threading.Event()

    def kill_one(share, store, done):
        def counted(number):
            if not killed.is_set():
                killed.set()
                os.kill(victim, signal.SIGKILL)
            done(number)

        return DaskCluster(client.scheduler.address).run(share, store, counted)

    class Killing:
        run = staticmethod(kill_one)

    root = tmp_path / "mlruns"
    sweep(corpus, plan, root=root, submissions=tmp_path, progress=False, executor=Killing())
    assert killed.is_set()
    assert victim not in client.run(here).values()
    trials = known_trials(root, "killed")
    assert sorted(trials) == list(range(TRIALS))
    assert {trial.state.name for trial in trials.values()} == {"COMPLETE"}
    kept = runs(root)
    assert {run.status for run in kept} <= {"FINISHED", "KILLED"}
    done = Counter(
        (run.tags["debiaslab.trial"], run.params["seed"])
        for run in kept
        if run.status == "FINISHED" and run.kind in ("trial", "baseline")
    )
    numbers = ["", *map(str, range(TRIALS))]
    assert done == {(number, str(seed)): 1 for number in numbers for seed in SEEDS}

    monkeypatch.chdir(tmp_path)  # a study that began in Python goes on by its name, on the cluster
    address = client.scheduler.address
    words = ["resume", "killed", "--trials", "3", "--executor", "dask", "--scheduler", address]
    said = call(capfd, *words)
    assert said.code == 0, said.err
    last = [run for run in runs(root) if run.tags.get("debiaslab.trial") == "2"]
    assert [run.status for run in last] == ["FINISHED"]
    owner = int(last[0].tags["debiaslab.process"].split()[1])
    assert owner in client.run(here).values()
    kept, _ = kept_study(Store.open(root), "killed")
    assert (kept.executor, kept.scheduler, kept.budget.trials) == ("dask", address, 3)


def test_a_cluster_that_does_not_answer_is_refused_before_the_work(capfd, own_folder, monkeypatch):
    """More of what is refused in test_study_commands and test_dask_corpus."""
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    (own_folder / "toy.txt").write_text(toy_text(5))
    words = ["--executor", "dask", "--scheduler", "tcp://127.0.0.1:9"]
    assert "no Dask scheduler answers" in refused(capfd, "sweep", "toy.txt", *words).sentence
    assert not (own_folder / "data").exists()


def test_copies_tell_and_end(client):
    heard: list[int] = []
    cluster.run_copies(client, tells, 3, heard.append)
    until(lambda: len(heard) == 3)
    assert heard == [7, 7, 7]


def test_a_copy_that_fails_ends_the_work_and_the_others(tmp_path, client):
    """The other copy goes on until it next has something to tell."""
    with pytest.raises(UserError, match=r"no more \(on the Dask worker"):
        cluster.run_copies(client, FailsOnce(tmp_path), 2, lambda _: None)
    until((tmp_path / "stopped").exists)
    assert "the command that began this work has ended" in (tmp_path / "stopped").read_text()


def test_a_local_store_is_refused_on_other_hosts(client, monkeypatch):
    monkeypatch.setattr(dask_cluster, "platform", SimpleNamespace(node=lambda: "another-host"))
    with pytest.raises(UserError, match=r"sqlite file of this machine.*MLFLOW_TRACKING_URI"):
        dask_cluster._refuse_other_hosts(client)
