"""One study by workers that share only servers: PostgreSQL for the search, MLflow for runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from debiaslab.study.search_storage import VARIABLE, open_storage
from debiaslab.study.status import known_trials
from debiaslab.tracking import Store, free_port
from tests import forking
from tests.command_line import call, refused, write_toy
from tests.expecting import holds
from tests.waiting import TrackingServer, until

SECRET = "open-sesame"
SWEEP = ["sweep", "toy.txt", "--dim", "8", "--epochs", "1", "--min-count", "1"]
SWEEP += ["--retention-weight", "0", "--study", "shared", "--trials", "4", "--seeds", "1"]
SWEEP += ["--sampler", "random"]
# The command, which stays in its first trial until it may go on.
HELD = """
import pathlib, sys, time
from debiaslab.cli import main
from debiaslab.sgns.trainer import LossMonitor
update = LossMonitor.update
def held(monitor, block, epoch):
    while block.penalty and not pathlib.Path("../go").exists():
        time.sleep(0.05)
    update(monitor, block, epoch)
LossMonitor.update = held
sys.exit(main(sys.argv[1:]))
"""


def programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs: Debian keeps them off the path."""
    there = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    found = shutil.which("initdb") or (there[0] if there else None)
    return None if found is None else Path(found).parent


pytestmark = [
    pytest.mark.skipif(programs() is None, reason="PostgreSQL's server is not installed"),
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL"),
]


def as_postgres(*command: object) -> list[str]:
    """Return a command as it must be run here: the server refuses to be root's."""
    words = [str(word) for word in command]
    return ["runuser", "-u", "postgres", "--", *words] if os.geteuid() == 0 else words


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Start a cluster of our own on a free port of this machine; yield its address."""
    pytest.importorskip("psycopg", reason="psycopg (debiaslab[postgres]) is not installed")
    bin_, port = programs(), free_port(0)
    assert bin_ is not None
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        password, data = folder / "password", folder / "data"
        password.write_text(SECRET)
        password.chmod(0o644)
        init = as_postgres(
            bin_ / "initdb", "-D", data, "-A", "scram-sha-256", "-U", "lab", f"--pwfile={password}"
        )
        subprocess.run(init, check=True, capture_output=True, cwd=folder)
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {folder}"
        control = [bin_ / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
        begin = as_postgres(*control, "-o", options, "start")
        subprocess.run(begin, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        try:
            yield f"postgresql+psycopg://lab:{SECRET}@127.0.0.1:{port}/postgres"
        finally:
            stop = as_postgres(*control, "-m", "immediate", "stop")
            subprocess.run(stop, check=True, capture_output=True, cwd=folder)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Start an MLflow server that keeps and serves artifacts too; yield its address."""
    (tmp_path / "server").mkdir()
    server = TrackingServer(tmp_path / "server")
    server.begin()
    try:
        until(server.answers)
        yield server.address
    finally:
        server.kill()


def test_two_workers_share_a_study_through_servers_and_one_is_killed(
    database, server, tmp_path, monkeypatch, capfd
):
    """Two folders as on two hosts: one command is killed while it trains, the other goes on."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setenv(VARIABLE, database)
    workers = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        write_toy(folder)
        with (folder / "log").open("wb") as log:
            command = ["-c", HELD, *SWEEP]
            workers.append(forking.begin(command, cwd=folder, stdout=log, stderr=log))

    def trying() -> list[Any]:
        store = Store.open(tmp_path / "none")
        return [run for run in store.all_runs() if run.status == "RUNNING" and run.kind == "trial"]

    run = until(trying)[0]
    owner = int(run.tags["debiaslab.process"].split()[1])
    victim = next(worker for worker in workers if worker.pid == owner)
    (other,) = (worker for worker in workers if worker is not victim)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    (tmp_path / "go").touch()
    logs = {
        worker: tmp_path / name / "log"
        for worker, name in zip(workers, ("one", "two"), strict=True)
    }
    assert other.wait(400) == 0, logs[other].read_text()

    store = Store.open(tmp_path / "none")
    runs = store.runs(store.study_named("shared").run_id)
    assert store.run(run.run_id).status == "KILLED"
    assert "RUNNING" not in {each.status for each in runs}
    done = [each for each in runs if each.status == "FINISHED"]
    assert Counter(each.tags["debiaslab.trial"] for each in done) == dict.fromkeys(
        ("", "0", "1", "2", "3"), 1
    )
    assert sorted(known_trials(tmp_path, "shared")) == [0, 1, 2, 3]
    assert not (tmp_path / "one" / "mlruns" / "optuna.db").exists()
    for name in ("one", "two"):  # the third host has not got the text: the study has, encoded
        (tmp_path / name / "toy.txt").unlink()
        shutil.rmtree(tmp_path / name / "data")
    third = tmp_path / "three"
    third.mkdir()
    monkeypatch.chdir(third)
    joined = call(capfd, "resume", "shared")
    assert joined.code == 0, joined.err
    assert Counter(each.status for each in store.runs(store.study_named("shared").run_id)) == (
        Counter(each.status for each in runs)
    )
    assert [*third.glob("data/cache/fetched-*")]
    said = "".join(log.read_text() for log in logs.values()) + joined.out + joined.err
    assert SECRET not in said
    for each in (*runs, store.study_named("shared")):
        assert SECRET not in str(each)


def test_a_wrong_password_is_told_without_it(database, own_folder, monkeypatch, capfd):
    write_toy(own_folder)
    monkeypatch.setenv(VARIABLE, database.replace(SECRET, "wrong-secret"))
    told = refused(capfd, *SWEEP)
    holds(told.err, "cannot be used", "password authentication failed", none_of=["wrong-secret"])
    assert "wrong-secret" not in told.out


def test_an_address_without_a_driver_says_what_to_install(tmp_path, monkeypatch):
    from debiaslab.errors import UserError

    monkeypatch.setenv(VARIABLE, f"nosuchbase://lab:{SECRET}@127.0.0.1/x")
    with pytest.raises(
        UserError, match=r"cannot be used here.*pip install 'debiaslab\[postgres\]'"
    ) as e:
        open_storage(tmp_path)
    assert SECRET not in str(e.value)
