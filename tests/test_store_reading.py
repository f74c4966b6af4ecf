"""Looking changes nothing: stores of other versions of MLflow, read-only ones, locked ones."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy

from debiaslab.errors import UserError
from debiaslab.results import open_study
from debiaslab.study import search_storage
from debiaslab.tracking import Store, database
from tests import forking
from tests.command_line import call, refused
from tests.expecting import holds
from tests.old_stores import (
    NEXT_TO_LAST,
    OF_MLFLOW_3_1,
    contents,
    copy_store,
    made_by_newer,
    made_by_older,
    revision_of,
)

READING = {
    "studies": ["studies"],
    "status": ["status", "small"],
    "report": ["report", "--study", "small", "--out", "r.html"],
    "export": ["export", "--study", "small", "--out", "s.csv"],
    "neighbors": ["neighbors", "--study", "small", "he"],
    "evaluate": ["evaluate", "--run", "RUN", "--quick"],
    "archive": ["archive", "small", "a.zip"],
    "prune-store": ["prune-store"],
}


@pytest.fixture(scope="module")
def made(small: Path) -> Path:
    """The store of one small finished study."""
    return small / "mlruns"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture(scope="module")
def asked(made: Path) -> dict[str, list[str]]:
    """The words of every reading command."""
    best = Store.read(made).best("small").run_id
    return {
        command: [best if word == "RUN" else word for word in words]
        for command, words in READING.items()
    }


# Stores of other versions ---------------------------------------------------------------------


def test_reading_leaves_an_older_store_as_it_is(made, asked, tmp_path, capfd):
    old = made_by_older(made, tmp_path / "old")
    before = contents(old)
    for command, words in asked.items():
        said = call(capfd, *words, "--store", str(old))
        assert said.code == 0, said.err
        assert contents(old) == before, command
        if command == "report":
            assert "not kept with the study: an older MLflow wrote this store" in said.out


@pytest.mark.parametrize("revision", [OF_MLFLOW_3_1, NEXT_TO_LAST])
def test_an_older_store_is_read_whole_and_written_after_the_command_that_is_named(
    made, tmp_path, capfd, revision
):
    old = made_by_older(made, tmp_path / "an old store", revision)
    before = contents(old)
    there, here = open_study("small", old), open_study("small", made)
    assert there.best.run_id == here.best.run_id
    assert there.frame().equals(here.frame())
    assert (there.best.embeddings().vectors == here.best.embeddings().vectors).all()
    for words in (["resume", "small"], ["ui"], ["prune-store", "--yes"]):
        sentence = refused(capfd, *words, "--store", str(old)).sentence
        assert "written by an older MLflow than the installed" in sentence
    assert contents(old) == before | {".opening.lock": contents(old)[".opening.lock"]}
    assert revision_of(old) == revision
    command = shlex.split(sentence.partition("then: ")[2])
    assert command[0] == "python"
    done = forking.run(command[1:])
    assert done.returncode == 0, done.stderr
    assert Store.open(old, create=False).best("small").run_id == here.best.run_id


def test_a_newer_store_says_which_mlflow_to_install(made, tmp_path, capfd):
    new = made_by_newer(made, tmp_path / "new")
    before = contents(new)
    asked = ("studies", "export", "archive", "prune-store")
    commands = [[*READING[command], "--store", str(new)] for command in asked]
    for words in commands:
        sentence = refused(capfd, *words).sentence
        newer = "was written by a newer MLflow than the installed"
        holds(sentence, newer, none_of=["upgrade"])
        assert sentence.endswith(f"pip install 'mlflow>{database.version('mlflow')}'")
        assert contents(new) == before
    for file in new.glob("artifacts/*/artifacts/provenance.json"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace('"mlflow": "3', '"mlflow": "33'), encoding="utf-8")
    for words in commands:
        assert "pip install 'mlflow==33." in refused(capfd, *words).sentence


def test_a_search_of_another_optuna(made, tmp_path, capfd):
    store = copy_store(made, tmp_path / "store")
    for revision in ("v3.0.0.d", "v99.0.0.a"):
        with closing(sqlite3.connect(store / "optuna.db")) as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
            connection.commit()
        before = (store / "optuna.db").read_bytes()
        words = ["status", "small", "--store", str(store)]
        if revision == "v99.0.0.a":
            sentence = refused(capfd, *words).sentence
            assert "was written by a newer Optuna than the installed" in sentence
            assert "pip install 'optuna>" in sentence
            assert (store / "optuna.db").read_bytes() == before
            return
        assert call(capfd, *words).code == 0
        assert (store / "optuna.db").read_bytes() == before
        with pytest.raises(UserError, match="older Optuna") as refusal:
            search_storage.open_storage(store)
        command = shlex.split(str(refusal.value).partition("then: ")[2])
        program = Path(sys.executable).with_name(command[0])
        subprocess.run([str(program), *command[1:]], check=True, capture_output=True)
        search_storage.open_storage(store).engine.dispose()


# Stores that may not be written ---------------------------------------------------------------


COMMANDS = """
import ctypes, json, os, subprocess, sys
from debiaslab.cli import main
store, commands = sys.argv[1], json.loads(sys.argv[2])
user = os.geteuid()
NEWNS, NEWUSER = 0x20000, 0x10000000
assert ctypes.CDLL(None).unshare(NEWNS | NEWUSER) == 0
open("/proc/self/uid_map", "w").write(f"0 {user} 1")
for options in (["--bind", store], ["-o", "remount,bind,ro"]):
    subprocess.run(["mount", *options, store], check=True)
for words in commands:
    print("@@@", main(words), flush=True)
"""


def read_only(store: Path, commands: list[list[str]]) -> tuple[list[str], str]:
    """Run commands on a store that lies on a file system mounted for reading only.

    Returns:
        What each printed, its exit code at the end, and what they said of what went wrong.
    """
    done = forking.run(["-c", COMMANDS, store, json.dumps(commands)])
    return re.findall(r"(.*?@@@ \w+)\n", done.stdout, re.DOTALL), done.stderr


needs_namespaces = pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run(
        ["unshare", "--map-root-user", "--mount", "true"], capture_output=True
    ).returncode
    != 0,
    reason="user namespaces are needed to mount a folder for reading only",
)


@needs_namespaces
def test_a_read_only_store_serves_reading_commands_and_refuses_to_be_written(made, asked, tmp_path):
    store = copy_store(made, tmp_path / "a store")
    where = ["--store", str(store)]
    before = contents(store)
    words = [[*asked[command], *where] for command in ("status", "report", "export", "archive")]
    said, errors = read_only(store, [*words, ["resume", "small", *where]])
    assert contents(store) == before
    assert [each.split()[-1] for each in said] == ["0"] * 4 + ["2"], errors
    assert "3 done of 3" in said[0]
    assert "not kept with the study: this store may not be written" in said[1]
    holds(errors, "Read-only file system", none_of=["Traceback"])


def test_what_a_crash_left_in_the_log_is_read_from_a_read_only_store(made, tmp_path, monkeypatch):
    store = copy_store(made, tmp_path / "store")
    with closing(sqlite3.connect(store / "mlflow.db")) as writer:
        writer.execute("PRAGMA journal_mode = WAL").fetchone()
        writer.execute("UPDATE tags SET value = 'logged' WHERE key = 'debiaslab.corpus'")
        writer.commit()
        left = {name: (store / name).read_bytes() for name in ("mlflow.db", "mlflow.db-wal")}
    for name, data in left.items():
        (store / name).write_bytes(data)
    before = contents(store)
    monkeypatch.setattr(database, "may_write", lambda file: False)
    study = Store.read(store).study_named("small")
    assert study.tags["debiaslab.corpus"] == "logged"
    assert contents(store) == before


def test_a_moved_store_is_read_where_it_is_and_mended_when_it_is_written(made, tmp_path, capfd):
    moved = tmp_path / "moved"
    shutil.copytree(made, moved)
    with closing(sqlite3.connect(moved / "mlflow.db")) as settled:
        settled.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    before = contents(moved)
    store = Store.read(moved)
    assert store.untouchable is not None
    best = store.best("small").run_id
    assert store.artifact(best, "scorecard.json").is_relative_to(moved)
    assert contents(moved) == before
    with pytest.raises(RuntimeError, match="writes nothing"):
        store.describe(best, "no")
    Store.open(moved)
    assert Store.read(moved).untouchable is None


def test_looking_at_a_store_without_studies_makes_none(tmp_path, capfd):
    """Such as one of another program, in whose experiments nothing is ours."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    client.create_experiment("somebody's")
    assert "no studies yet" in call(capfd, "studies", "--store", str(tmp_path)).out
    names = [each.name for each in client.search_experiments()]
    assert sorted(names) == ["Default", "somebody's"]
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "mlflow.db").touch()
    assert "no tracking store" in refused(capfd, "studies", "--store", "../none").sentence


# A best run that somebody deleted --------------------------------------------------------------


def test_when_the_best_run_was_deleted_the_best_of_the_others_is_taken(made, tmp_path, capfd):
    store = copy_store(made, tmp_path / "store")
    opened = Store.open(store)
    best = opened.best("small").run_id
    opened.remove(best)
    for command in ("report", "export", "neighbors"):
        said = call(capfd, *READING[command], "--store", str(store))
        assert said.code == 0, said.err
        assert f"the best run {best[:8]} of the study 'small' was deleted" in said.err


# Stores that another program holds ------------------------------------------------------------


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let everything wait 0.3 s for a lock, MLflow too, which has 20 s written in its code."""

    def hurry(
        connection: object, cursor: object, statement: str, parameters: object, *more: object
    ) -> tuple[str, object]:
        return statement.replace("busy_timeout = 20000", "busy_timeout = 300"), parameters

    monkeypatch.setattr(database, "PATIENCE", 0.3)
    monkeypatch.setattr(search_storage, "_PATIENCE", 0.3)
    engine = sqlalchemy.engine.Engine
    sqlalchemy.event.listen(engine, "before_cursor_execute", hurry, retval=True)
    yield
    sqlalchemy.event.remove(engine, "before_cursor_execute", hurry)


def hold(file: Path) -> sqlite3.Connection:
    """Hold a database as another program does, such as one that rewrites it."""
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    return connection


@pytest.mark.usefixtures("short_patience")
@pytest.mark.parametrize("held", ["mlflow.db", "optuna.db"])
@pytest.mark.parametrize("command", ["studies", "status", "resume"])
def test_a_store_that_another_program_holds(made, tmp_path, capfd, held, command):
    store = copy_store(made, tmp_path / "store")
    words = [command] if command == "studies" else [command, "small"]
    if command == "resume":
        words.append(str(made.parent / "toy.txt"))
    with closing(hold(store / held)):
        if command == "studies" and held == "optuna.db":
            assert call(capfd, *words, "--store", str(store)).code == 0
            return
        sentence = refused(capfd, *words, "--store", str(store)).sentence
    assert sentence.startswith(f"another program holds the store: {store / held} stayed locked")
    assert "for 1 s" in sentence
    assert "close what has it open" in sentence
    assert "autoflush" not in sentence


@pytest.mark.usefixtures("short_patience")
def test_a_store_that_another_program_writes_to_meanwhile(made, tmp_path):
    store = copy_store(made, tmp_path / "store")
    opened = Store.open(store)
    best = opened.best("small").run_id
    with closing(sqlite3.connect(store / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UserError, match="another program holds the store") as refusal:
            opened.describe(best, "note")
    assert f"{store / 'mlflow.db'} stayed locked for 1 s" in str(refusal.value)
    assert "autoflush" not in str(refusal.value)
    opened.describe(best, "note")


def test_a_lock_file_that_another_process_keeps(made, tmp_path, monkeypatch):
    from filelock import FileLock

    store = copy_store(made, tmp_path / "store")
    monkeypatch.setattr(database, "_LOCK_SECONDS", 0.2)
    with FileLock(store / database.LOCK), pytest.raises(UserError, match="holds the store"):
        Store.open(store)


# Servers that answer with something else ------------------------------------------------------


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, str], None]]:
    """Return what sets the answer of a server that answers everything alike."""
    answer = [200, ""]

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(answer[0]))
            self.end_headers()
            self.wfile.write(str(answer[1]).encode())

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answering) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{running.server_port}")

        def says(status: int, text: str) -> None:
            answer[:] = [status, text]

        yield says
        running.shutdown()


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (401, "You are not authenticated.", "asks for a login (401); try: set MLFLOW_TRACKING_"),
        (403, "Permission denied", "refuses this (403): "),
        (403, "Invalid Host header - possible DNS rebinding", "--allowed-hosts"),
        (404, "<html>no such page</html>", "is not an MLflow server"),
        (200, "<html>Please log in</html>", "is not an MLflow server"),
        (500, "oops", "the server's own log says why"),
        (403, '{"error_code": "PERMISSION_DENIED", "message": "no"}', "refuses this (403)"),
    ],
)
def test_what_a_server_answers_is_said_as_it_is(server, capfd, monkeypatch, status, text, expected):
    server(status, text)
    holds(refused(capfd, "studies").sentence, expected, none_of=["check that the server runs"])
    if status == 401:
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "wrong")
        assert "does not accept the login" in refused(capfd, "studies").sentence
