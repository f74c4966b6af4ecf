"""The tracking store, against a real sqlite store of MLflow."""

import errno
import json
import logging
import math
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
import urllib.request
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from debiaslab.errors import UserError
from debiaslab.system.provenance import Process, _started, surely_dead, this_process
from debiaslab.tracking import DatasetInfo, Store, free_port, records, ui_command, ui_environment
from debiaslab.tracking.database import prepare, rebase
from debiaslab.vectors.embeddings import Embeddings
from tests import forking
from tests.expecting import refuses
from tests.waiting import answers, until

CORPUS = DatasetInfo("enwiki-106", "ab" * 32, "/data/x.bz2", {"document": "string"}, {"tokens": 9})


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    # A blank, a hash and an accent: all are special in a URI.
    return tmp_path_factory.mktemp("my störe #1") / "mlruns"


@pytest.fixture(scope="module")
def store(root):
    return Store.open(root)


@pytest.fixture
def study(store, request):
    return make_study(store, re.sub(r"[:\\]", "", request.node.name))


def make_study(store, name):
    return store.study(name, create=True, params={"a": 1}, tags={"t": "u"}, description="# Why")


def start(store, parent, name="trial 0", **tags):
    kind = {"debiaslab.kind": "trial"}
    return store.start(name, parent=parent, params={}, tags={**kind, **tags}, dataset=None)


def test_a_study_is_made_once_and_found_by_name(store):
    first = make_study(store, 'it\'s "odd" λ')
    assert make_study(store, 'it\'s "odd" λ') == first
    found = store.find_study('it\'s "odd" λ')
    assert found.run_id == first
    assert found.params == {"a": "1"}
    assert found.tags["mlflow.note.content"] == "# Why"
    assert found.kind == "study"
    assert store.find_study("other") is None
    assert store.newest_study() in store.studies()


def test_an_unknown_study_names_the_nearest(store):
    make_study(store, "quickstart")
    with refuses("did you mean 'quickstart'"):
        store.study("quickstrat", create=False, params={}, tags={}, description="")
    with refuses("the name of the study was '  '; allowed"):
        make_study(store, "  ")


def test_a_run_is_read_back_whole(store, study):
    with start(store, study, "trial 1 · λ=0.31", **{"debiaslab.seed": 2}) as log:
        log.params({"weight": 0.31, "none": None})
        log.history([(step, {"loss": 1 / (step + 1)}) for step in range(1500)])
        log.metrics({"score": np.float32(0.5)}, step=9)
        log.text("hello λ", "notes/a.txt")
        log.json({"b": [1, 2]}, "card.json")
    run = store.run(log.run_id)
    assert (run.name, run.status, run.kind) == ("trial 1 · λ=0.31", "FINISHED", "trial")
    assert run.params == {"weight": "0.31", "none": "None"}
    assert run.metrics == {"loss": 1 / 1500, "score": 0.5}
    assert run.tags["debiaslab.seed"] == "2"
    assert run.end >= run.start
    assert [step for step, _ in store.series(log.run_id, "loss")] == list(range(1500))
    assert store.artifact(log.run_id, "notes/a.txt").read_text(encoding="utf-8") == "hello λ"
    assert json.loads(store.artifact(log.run_id, "card.json").read_text()) == {"b": [1, 2]}
    assert store.runs(study) == [run]
    assert store.runs(study, "baseline") == []


def test_files_and_bytes(store, study, tmp_path):
    (tmp_path / "v.npz").write_bytes(b"x")
    with start(store, study) as log:
        log.file(tmp_path / "v.npz", "vectors")
        log.binary(b"y", "figures/empty.png")
        log.binary(b"z", "top")
    expected = ["figures", "figures/empty.png", "top", "vectors", "vectors/v.npz"]
    assert store.artifacts(log.run_id) == expected


def test_an_artifact_that_cannot_be_written_whole_stays_what_it_was(store, study, monkeypatch):
    def full(file, data):
        with file.open("wb") as half:
            half.write(data[:1])
        raise OSError(errno.ENOSPC, "No space left on device", str(file))

    with start(store, study) as log:
        log.text("whole", "notes.txt")
        monkeypatch.setattr(Path, "write_bytes", full)
        with refuses("no space left"):
            log.text("another", "notes.txt")
    assert store.artifact(log.run_id, "notes.txt").read_text() == "whole"
    assert store.artifacts(log.run_id) == ["notes.txt"]


def test_the_files_of_a_run_are_on_the_disk_before_it_is_finished(store, study, monkeypatch):
    reached = {}

    def status():
        return store.run(log.run_id).status

    monkeypatch.setattr(records, "sync", lambda file: reached.update({file.name: status()}))
    with start(store, study) as log:
        log.text("a", "a.txt")
        log.binary(b"b", "figures/b.png")
        assert not reached
    assert reached == {"a.txt": "RUNNING", "b.png": "RUNNING"}
    assert status() == "FINISHED"


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("bad λ"), "FAILED", "ValueError: bad λ"),
        (UserError("the loss is NaN"), "FAILED", "the loss is NaN"),
        (KeyboardInterrupt(), "KILLED", "Ctrl-C"),
        (SystemExit(3), "KILLED", "SystemExit"),
    ],
)
def test_an_exception_closes_the_run_with_a_reason(store, study, error, status, reason):
    log = start(store, study)
    log.metrics({"loss": 1.0})
    with pytest.raises(type(error)), log:
        raise error
    run = store.run(log.run_id)
    assert run.status == status
    assert reason in run.tags["debiaslab.reason"]
    assert run.metrics == {"loss": 1.0}  # what was measured before is kept
    assert ("traceback.txt" in store.artifacts(log.run_id)) == isinstance(error, ValueError)


def pruned(log):
    log.finish("KILLED", "pruned")
    return ValueError("pruned")


def test_finish_within_the_block_is_kept(store, study):
    log = start(store, study)
    with pytest.raises(ValueError, match="pruned"), log:
        raise pruned(log)
    run = store.run(log.run_id)
    assert (run.status, run.tags["debiaslab.reason"]) == ("KILLED", "pruned")


def test_resume_takes_a_run_up_again(store, study):
    with store.resume(study) as log:
        assert store.run(study).status == "RUNNING"
        assert store.run(study).end is None
        log.metrics({"trials": 3})
    assert store.run(study).status == "FINISHED"
    writer = store.writer(study)
    writer.metrics({"trials": 4})
    writer.flush()
    assert store.run(study).metrics == {"trials": 4.0}


def test_what_is_no_number_is_never_logged_as_one(store, study):
    with start(store, study) as log:
        log.metrics({"a": math.nan, "b": None, "c": math.inf, "d": 1.0})
        with pytest.raises(ValueError, match="nan"):
            log.json({"x": math.nan}, "x.json")
    run = store.run(log.run_id)
    assert run.metrics == {"d": 1.0}
    assert run.tags["debiaslab.not_measured"] == "a, b, c"
    listed = json.loads(store.artifact(log.run_id, "not_measured.json").read_text())
    assert listed == {"a": "nan", "b": "not measured", "c": "inf"}


def test_a_long_param_is_cut_and_kept_whole_beside(store, study):
    long = "x" * 10_000
    params = {"p": long, **{f"p{i}": i for i in range(250)}}  # more than one batch takes
    log = store.start("t", parent=study, params=params, tags={"t": long}, dataset=None)
    log.finish()
    run = store.run(log.run_id)
    assert len(run.params) == 251
    assert run.params["p249"] == "249"
    assert len(run.params["p"]) <= 6000
    assert run.params["p"].endswith("(cut; whole value in params_long.json)")
    assert run.tags["t"].endswith("(cut)")
    kept = json.loads(store.artifact(log.run_id, "params_long.json").read_text())
    assert kept == {"p": long}


def test_credentials_never_reach_the_store(store, study):
    secret = "postgresql://ann:hunter2@db/x"
    params = {"storage": secret}
    with (
        pytest.raises(ValueError, match="hunter2"),
        store.start("t", parent=study, params=params, tags={"u": secret}, dataset=None) as log,
    ):
        raise ValueError(f"cannot reach {secret}")
    shown = str(store.run(log.run_id))
    trace = store.artifact(log.run_id, "traceback.txt").read_text()
    assert "hunter2" not in shown + trace
    assert "postgresql://***@db/x" in shown


def test_the_dataset_is_an_input_of_the_run(store, study):
    log = store.start("t", parent=study, params={}, tags={}, dataset=CORPUS)
    log.finish()
    assert store.datasets(log.run_id) == [CORPUS]
    assert store.datasets(study) == []


def test_best_is_the_named_run_or_the_lowest_score(store):
    parent = make_study(store, "best")
    with refuses("no trial"):
        store.best("best")
    runs = {}
    for score in (0.7, 0.2, 0.5):
        with start(store, parent) as log:
            log.metrics({"score": score})
        runs[score] = log.run_id
    assert store.best("best").run_id == runs[0.2]
    store.writer(parent).tags({"debiaslab.best_run": runs[0.5]})
    assert store.best("best").run_id == runs[0.5]


def test_unknown_runs_and_artifacts(store, study):
    with start(store, study) as log:
        log.text("x", "report.html")
    for call, said in (
        (lambda: store.run(log.run_id[:-1] + "z"), f"did you mean '{log.run_id}'"),
        (lambda: store.run(""), "debiaslab studies"),
        (lambda: store.artifact(log.run_id, "report.htm"), r"did you mean 'report.html'"),
        (lambda: store.artifact(log.run_id, "../../mlflow.db"), "no artifact"),
        (lambda: store.runs("x' or '1'='1"), "not a run id"),
    ):
        with refuses(said):
            call()


def test_reconcile_closes_the_runs_of_a_killed_process_only(store, root):
    parent = make_study(store, "killed")
    ours = start(store, parent, "ours, alive")
    other = start(store, parent, "of another host")
    other.tags({"debiaslab.process": "elsewhere 1 boot:1"})
    run_id, victim = killed_while_it_runs(store, root, parent)
    assert store.reconcile(parent) == 1
    closed = store.run(run_id)
    assert closed.status == "KILLED"
    assert str(victim) in closed.tags["debiaslab.reason"]
    assert closed.metrics == {"loss": 2.0}
    assert store.run(parent).status == "KILLED"
    assert store.run(ours.run_id).status == "RUNNING"
    assert store.run(other.run_id).status == "RUNNING"
    assert store.reconcile(parent) == 0


VICTIM = """
import sys, time
from debiaslab.tracking import Store
root, parent = sys.argv[1:]
store = Store.open(root)
with store.resume(parent), store.start(
    "victim", parent=parent, params={}, tags={}, dataset=None
) as log:
    log.metrics({"loss": 2.0})
    log.flush()
    print(log.run_id, flush=True)
    time.sleep(120)
"""


def killed_while_it_runs(store, root, parent):
    """Kill a process within a run; return the ids of the run and of the process."""
    reading, writing = os.pipe()
    with open(reading) as said, open(writing, "w") as out:
        victim = forking.begin(["-c", VICTIM, root, parent], stdout=out)
        run_id = said.readline().strip()
        assert store.reconcile(parent) == 0
        assert store.run(run_id).status == "RUNNING"
        victim.send_signal(signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    return run_id, victim.pid


def test_a_process_id_used_again_is_another_process_and_an_unreaped_one_is_dead():
    here = this_process()
    assert not surely_dead(here)
    assert surely_dead(replace(here, started="0:0"))
    assert not surely_dead(replace(here, started="0:0", host="elsewhere"))
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        process = Process(here.host, child.pid, _started(child.pid))
        assert not surely_dead(process)
        child.kill()
        until(lambda: surely_dead(process))


def test_a_moved_folder_is_rebased(store, root, tmp_path):
    parent = make_study(store, "moving")
    with start(store, parent) as log:
        log.text("here", "a/b.txt")
    model = store.log_model(log.run_id, small(), example=[("he", "she")])
    moved = tmp_path / "ein anderer Ort" / "runs"
    shutil.copytree(root, moved)
    shutil.copytree(root, tmp_path / "runs2")
    with sqlite3.connect(moved / "mlflow.db") as connection:  # a neighbour whose name begins alike
        outside = (root.parent / "mlruns2" / "x").as_uri()
        connection.execute(
            "INSERT INTO experiments (name, artifact_location, lifecycle_stage, workspace) "
            "VALUES ('o', ?, 'active', 'default')",
            (outside,),
        )
    connection.close()
    there = Store.open(moved)
    path = there.artifact(log.run_id, "a/b.txt")
    assert path.is_relative_to(moved)
    assert path.read_text() == "here"
    locations = stored_locations(moved / "mlflow.db")
    assert locations.pop(outside)
    ours = [each for each in locations if each.startswith("file:")]
    assert len(ours) >= 3
    assert all(each.startswith(moved.as_uri() + "/") for each in ours)
    assert any(model.removeprefix("models:/") in each for each in ours)
    assert there.studies() == store.studies()
    assert rebase(moved / "mlflow.db") == 0  # a second time there is nothing to do
    with start(there, parent) as again:
        again.text("new", "c.txt")
    assert there.artifact(again.run_id, "c.txt").is_relative_to(moved)
    # the folder it was copied from is as it was
    assert store.artifact(log.run_id, "a/b.txt").is_relative_to(root)


def test_a_second_name_of_the_same_folder_is_no_move(store, root, tmp_path):
    make_study(store, "linked")
    (tmp_path / "link").symlink_to(root, target_is_directory=True)
    before = stored_locations(root / "mlflow.db")
    assert Store.open(tmp_path / "link").uri == store.uri
    assert stored_locations(root / "mlflow.db") == before


def stored_locations(database):
    queries = (
        "SELECT artifact_location FROM experiments UNION SELECT artifact_uri FROM runs "
        "UNION SELECT artifact_location FROM logged_models"
    )
    with sqlite3.connect(database) as connection:
        found = {row[0]: True for row in connection.execute(queries)}
    connection.close()
    return found


def small():
    words = ["he", "she", "new york", "naïve\n", "zero"]
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 2], [-3, 0], [0, 0]], dtype=np.float32)
    return Embeddings(words, vectors)


def test_the_model_predicts_and_leaves_mlflow_as_it_was(store, study, tmp_path):
    import mlflow
    import pandas as pd

    with start(store, study) as log:
        pass
    before = mlflow.get_tracking_uri()
    uri = store.log_model(log.run_id, small(), example=[("he", "she")], fallback=-0.5)
    assert mlflow.active_run() is None
    assert mlflow.get_tracking_uri() == before
    pairs = [("he", "she"), ("he", "naïve\n"), ("new york", "she"), ("he", "nope"), ("he", "zero")]
    frame = pd.DataFrame(pairs, columns=["word1", "word2"])
    model_id = uri.removeprefix("models:/")
    (folder,) = store_models(store, model_id)
    assert not list(folder.rglob("*.pkl"))
    model = mlflow.pyfunc.load_model(str(folder))
    assert model.predict(frame)["sim"].tolist() == pytest.approx([0.6, -1, 0.8, -0.5, 0])
    assert model.metadata.signature.inputs.input_names() == ["word1", "word2"]
    assert model.metadata.metadata["fallback"] == -0.5
    frame.to_json(tmp_path / "pairs.json")
    code = """
        import sys, mlflow, pandas as pd
        sys.modules["debiaslab"] = None  # as on a machine where it is not installed
        model = mlflow.pyfunc.load_model(sys.argv[1])
        print(*model.predict(pd.read_json(sys.argv[2], dtype=False))["sim"].round(3))
    """
    command = [sys.executable, "-c", textwrap.dedent(code), uri, str(tmp_path / "pairs.json")]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": store.uri}
    shown = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert shown.stdout.split() == ["0.6", "-1.0", "0.8", "-0.5", "0.0"], shown.stderr


def store_models(store, model_id):
    base = Path(store.uri.removeprefix("sqlite:///")).parent / "artifacts" / "models"
    return list(base.glob(f"{model_id}/artifacts"))


def test_importing_tracking_imports_nothing_heavy_and_opening_a_store_says_nothing(tmp_path):
    code = "import sys, debiaslab.tracking; print({'mlflow', 'torch'} & set(sys.modules))\n"
    code += "debiaslab.tracking.Store.open('mlruns').studies()"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert (shown.stdout, shown.stderr) == ("set()\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["mlruns"]


def test_folders_that_are_no_store(tmp_path):
    with refuses("debiaslab sweep"):
        Store.open(tmp_path / "mlruns", create=False)
    assert not (tmp_path / "mlruns").exists()
    (tmp_path / "mlflow.db").write_bytes(b"not a database, but long enough to be read" * 50)
    with refuses("not an MLflow database"):
        Store.open(tmp_path)
    with refuses(r"'\?' or '%'"):  # a path the driver would misread
        Store.open(tmp_path / "what?")


def test_the_tracking_uri_of_the_environment_is_honoured(monkeypatch, store):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    assert Store.open("elsewhere").uri == store.uri
    for uri in ("file:///tmp/mlruns", "./mlruns", "sqlite://", "sqlite:///:memory:"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        with refuses("MLFLOW_TRACKING_URI"):
            Store.open()


@pytest.mark.parametrize("scheme", ["http", "postgresql"])
def test_a_server_that_is_not_there_fails_fast_without_its_password(monkeypatch, scheme, caplog):
    port = free_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{scheme}://ann:hunter2@127.0.0.1:{port}")
    started = time.monotonic()
    with caplog.at_level(logging.DEBUG), pytest.raises(UserError) as failure:
        Store.open()
    assert time.monotonic() - started < 15
    assert f"{scheme}://***@127.0.0.1:{port}" in str(failure.value)
    assert "hunter2" not in str(failure.value)
    assert failure.value.__cause__ is None


def test_ui_command_and_environment(store, monkeypatch):
    command = ui_command(store, port=5123)
    assert command[:4] == [sys.executable, "-m", "mlflow", "server"]
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert store.uri in command
    assert ui_environment(store)["MLFLOW_DISABLE_TELEMETRY"] == "true"
    database = SimpleNamespace(uri="postgresql://ann:hunter2@db/x")
    assert not any("hunter2" in part for part in ui_command(database))
    assert ui_environment(database)["MLFLOW_BACKEND_STORE_URI"] == database.uri
    with refuses(r"has its own UI; try: open https://\*\*\*@h"):
        ui_command(SimpleNamespace(uri="https://ann:hunter2@h"))


def test_a_real_server_serves_the_ui_and_takes_runs(tmp_path, monkeypatch):
    port = free_port(5711)
    behind = Store.open(tmp_path / "behind")
    base = f"http://127.0.0.1:{port}"
    command, environment = ui_command(behind, port=port), ui_environment(behind)
    log = (tmp_path / "server.log").open("w")
    with log:
        server = forking.begin(command[1:], env=environment, stdout=log, stderr=log)
        try:
            until(lambda: answers(f"{base}/health"))
            assert b'<div id="root"' in urllib.request.urlopen(base, timeout=10).read()
            monkeypatch.setenv("MLFLOW_TRACKING_URI", base)
            use_a_server(Store.open())
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def use_a_server(store):
    assert not store.local
    parent = make_study(store, "remote")
    with store.start("t", parent=parent, params={"p": 1}, tags={}, dataset=CORPUS) as log:
        log.metrics({"score": 1.0})
        log.text("over the wire", "a/b.txt")
    assert store.runs(parent)[0].metrics == {"score": 1.0}
    path = store.artifact(log.run_id, "a/b.txt")
    assert path.read_text() == "over the wire"
    assert store.datasets(log.run_id) == [CORPUS]
    assert store.log_model(log.run_id, small(), example=[("he", "she")]).startswith("models:/m-")
    assert store.reconcile(parent) == 0
    with refuses("no run"):
        store.run("0" * 32)


def test_free_port_avoids_a_port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port(port) == port


def test_link_names_experiment_and_run(store, study):
    link = store.link(study, "http://ann:pw@127.0.0.1:5000/")
    page = f"#/experiments/{store.experiment_id}/runs/{study}?workflowType=machine_learning"
    assert link == f"http://***@127.0.0.1:5000/{page}"


def test_two_processes_may_open_a_new_store_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("debiaslab.tracking.store.prepare", prepare)  # tables are made again
    both = [get_context("fork").Process(target=Store.open, args=(tmp_path,)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(100)
    assert [process.exitcode for process in both] == [0, 0]


def test_a_copy_of_a_store_writes_into_itself(tmp_path):
    """In one process too, though the run of the copy has the id of the one it was copied from."""
    first = Store.open(tmp_path / "first")
    log = first.start("t", parent=None, params={}, tags={}, dataset=None)
    with log:
        log.text("one", "a.txt")
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    for root, text in (("second", "two"), ("first", "three")):
        Store.open(tmp_path / root).writer(log.run_id).text(text, "a.txt")
    read = [
        Store.open(tmp_path / root).artifact(log.run_id, "a.txt").read_text()
        for root in ("first", "second")
    ]
    assert read == ["three", "two"]
