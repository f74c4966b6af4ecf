"""Real Dask clusters of local processes build corpora and sweep, and lose workers while they do."""

from __future__ import annotations

import filecmp
import os
import shutil
import signal
import threading
from collections import Counter
from functools import partial
from multiprocessing import get_context
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from types import SimpleNamespace

import pytest

from debiaslab.corpus import Corpus, CorpusSettings
from debiaslab.corpus import cache as entries
from debiaslab.errors import UserError
from debiaslab.sgns import TrainSettings
from debiaslab.study import cluster, sweep
from debiaslab.study.cluster import DaskCluster, connected, map_on
from debiaslab.study.kept import kept_study
from debiaslab.study.objective import Objective
from debiaslab.study.plan import Plan
from debiaslab.study.status import known_trials
from debiaslab.tracking import Store, free_port
from tests import dask_work
from tests.command_line import call, refused, runs
from tests.dask_work import FailsOnce, here, tells
from tests.test_shards import same, written
from tests.toys import toy_text
from tests.waiting import until

dask = pytest.importorskip("dask", reason="Dask is not installed: pip install 'debiaslab[dask]'")
distributed = pytest.importorskip(
    "distributed", reason="Dask is not installed: pip install 'debiaslab[dask]'"
)
TRIALS, SEEDS = 2, (1,)


@pytest.fixture(scope="module", autouse=True)
def forked_workers():
    """Let workers be forked from a process that has imported what they need: that takes seconds."""
    context = get_context("forkserver")
    context.set_forkserver_preload(
        ["debiaslab.study.preload", "distributed.nanny", "tests.dask_work"]
    )
    ensure_running()
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        yield


@pytest.fixture(scope="module")
def client():
    with connected(workers=2) as client:
        yield client


@pytest.fixture
def texts(tmp_path) -> tuple[Path, list[Path]]:
    return written(tmp_path, toy_text(2_500, seed=3).splitlines(keepends=True))


def test_a_cluster_builds_what_one_process_builds(tmp_path, texts, client):
    whole, files = texts
    chosen = CorpusSettings(min_count=3)
    alone = Corpus.build(files, chosen, cache=tmp_path / "alone", progress=False)
    together = Corpus.build(
        files, chosen, cache=tmp_path / "cluster", progress=False, mapper=partial(map_on, client)
    )
    assert alone.path.name == together.path.name
    names = {file.name for file in alone.path.iterdir()}
    assert names == {file.name for file in together.path.iterdir()}
    names.remove(entries.CHECKED)  # the time of the shards
    equal, differing, missing = filecmp.cmpfiles(alone.path, together.path, names, shallow=False)
    assert (set(equal), differing, missing) == (names, [], [])
    assert same(Corpus.build([whole], chosen, cache=tmp_path / "alone", progress=False), together)


def test_the_work_of_a_killed_worker_is_done_again(tmp_path, client):
    results = list(map_on(client, partial(dask_work.dies_once, tmp_path / "died"), range(8)))
    assert (tmp_path / "died").exists()
    assert results == [(i, i**2) for i in range(8)]


def test_what_kills_every_worker_is_given_up():
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        connected(workers=1) as client,
        pytest.raises(UserError, match="several workers died of it"),
    ):
        list(map_on(client, dask_work.dies, [1]))


def test_what_fails_on_a_worker_says_where(tmp_path, client):
    with pytest.raises(UserError, match=r"this text is not one; try: another \(on .* tcp://127"):
        list(map_on(client, dask_work.refuses, [1]))
    with pytest.raises(UserError, match=r"tcp://127.* cannot use .*gone.*No such file.*same path"):
        list(map_on(client, dask_work.opens, [tmp_path / "gone"]))
    monkeyed = partial(cluster._called, dask_work.opens, "1.0")
    with pytest.raises(UserError, match=r"knows Unicode .*, the one here 1\.0"):
        client.submit(monkeyed, tmp_path).result()


def test_a_text_that_cannot_be_read_leaves_nothing(tmp_path, texts, client):
    _, files = texts
    files[2].write_bytes(b"caf\xe9 bar\n" * 50)
    with pytest.raises(UserError, match=r"part-2.txt is not valid UTF-8.*on the Dask worker"):
        Corpus.build(
            files, cache=tmp_path / "cache", progress=False, mapper=partial(map_on, client)
        )
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [entries.MEMO]


def test_the_command_with_a_scheduler(tmp_path, texts, client, monkeypatch, capfd):
    _, files = texts
    monkeypatch.chdir(tmp_path)  # the workers are elsewhere: relative paths are made absolute
    names = [file.name for file in files]
    alone = call(capfd, "corpus", *names)
    shutil.rmtree("data")
    address = client.scheduler.address
    together = call(capfd, "corpus", *names, "--executor", "dask", "--scheduler", address)
    assert (alone.code, together.code) == (0, 0), together.err
    assert together.out == alone.out
    assert "fingerprint" in alone.out


def test_nobody_at_the_address(monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    nobody = connected(f"tcp://127.0.0.1:{free_port(0)}")
    with pytest.raises(UserError, match=r"no Dask scheduler answers at tcp://127.*dask sched"):
        nobody.__enter__()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("localhost", "--scheduler was .*such as tcp://"),
        ("tcp://", "--scheduler was .*such as tcp://"),
        ("http://127.0.0.1:80", "--scheduler was .*such as tcp://"),
        ("tcp://a b:1", "--scheduler was .*such as tcp://"),
        ("tcp://me:secret@127.0.0.1:1", "--scheduler was .*such as tcp://"),
        ("tls://127.0.0.1:1", r"no TLS certificate here; try: distributed\.comm\.tls"),
    ],
)
def test_an_address_that_is_none(address, said):
    with pytest.raises(UserError, match=said) as refusal:
        connected(address).__enter__()
    assert "secret" not in str(refusal.value)


def test_a_scheduler_without_workers():
    with distributed.LocalCluster(
        n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as empty:
        cluster_of_none = connected(empty.scheduler_address)
        with pytest.warns(UserWarning, match=r"no worker yet: waiting for one.*dask worker tcp"):
            client = cluster_of_none.__enter__()
        empty.scale(1)
        assert list(map_on(client, len, ["ab"])) == [2]
        cluster_of_none.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--executor daks", "did you mean 'dask'"),
        ("--workers 2", "of a Dask cluster; try: --executor dask"),
        ("--scheduler tcp://127.0.0.1:1", "of a Dask cluster; try: --executor dask"),
        ("--executor dask --workers 2 --scheduler tcp://127.0.0.1:1", "one of them"),
        ("--executor dask --phrases out.txt", "learned in one process"),
    ],
)
def test_options_that_do_not_fit(options, message, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in refused(capfd, "corpus", *options.split()).sentence


# Sweeps ---------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--executor daks", "--executor was 'daks'; allowed: local, dask; did you mean 'dask'?"),
        ("--scheduler tcp://127.0.0.1:9", "of a Dask cluster; try: --executor dask"),
        ("--executor dask --scheduler here:1", "--scheduler was 'here:1'; allowed: the address"),
        ("--executor dask --scheduler tcp://127.0.0.1:9", "no Dask scheduler answers"),
    ],
)
def test_a_cluster_that_is_none_is_refused_before_the_work(
    options, message, capfd, own_folder, monkeypatch
):
    """More of what is refused above and in test_study_commands."""
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    (own_folder / "toy.txt").write_text(toy_text(5))
    assert message in refused(capfd, "sweep", "toy.txt", *options.split()).sentence
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
    assert "the command that started this work has ended" in (tmp_path / "stopped").read_text()


def test_a_local_store_is_refused_on_other_hosts(client, monkeypatch):
    monkeypatch.setattr(cluster, "platform", SimpleNamespace(node=lambda: "another-host"))
    with pytest.raises(UserError, match=r"sqlite file of this machine.*MLFLOW_TRACKING_URI"):
        cluster._refuse_other_hosts(client)
