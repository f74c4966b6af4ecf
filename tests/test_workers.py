"""Several processes in one study: nothing lost, nothing twice, whoever is killed and whenever."""

from __future__ import annotations

import itertools
import multiprocessing.forkserver
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest
import sqlalchemy
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.metrics import Scorecard
from debiaslab.study import claims as claims_module
from debiaslab.study import worker
from debiaslab.study.cell import Cell, digest_of
from debiaslab.study.claims import Claims
from debiaslab.study.comparing import Settled, rows_of
from debiaslab.study.executors import Processes
from debiaslab.study.objective import BaselineReference, Outcome
from debiaslab.study.plan import ComparisonPlan, Entry, Plan, SearchSettings
from debiaslab.study.run import FinishedRun, Site
from debiaslab.study.search import Search
from debiaslab.study.sweeping import DrawnTrials
from debiaslab.study.worker import CellList, ListedCells, Worker
from debiaslab.system.provenance import Process, this_process
from debiaslab.tracking import VECTORS, Store
from debiaslab.tracking.names import BETWEEN_SEEDS
from debiaslab.vectors.embeddings import Embeddings
from tests import forking
from tests.command_line import write_toy
from tests.waiting import until

needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL and fork")

# Claims ---------------------------------------------------------------------------------------


@pytest.fixture
def engine(tmp_path: Path) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'claims.db'}")


def stranger(engine: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch, what: str) -> Claims:
    """Return the claims of a process of another machine, which has taken ``what``."""
    with monkeypatch.context() as there:
        there.setattr(claims_module, "this_process", lambda: Process("elsewhere", 1, "x"))
        other = Claims(engine, "study")
        assert other.take(what) is not None
    return other


def test_a_claim_is_one_participants_until_it_is_released(engine):
    first, second = Claims(engine, "study"), Claims(engine, "study")
    claim = first.take("trial 0")
    assert claim is not None
    assert claim.before is None
    with first.held(claim):
        assert second.take("trial 0") is None
        assert first.take("trial 0") is None  # nor twice by the same
        assert second.take("trial 1") is not None
        assert Claims(engine, "another study").take("trial 0") is not None
        assert first.still_mine(claim)
    assert second.take("trial 0") is not None
    assert not first.still_mine(claim)


def test_of_many_that_want_a_claim_at_once_one_gets_it(engine):
    everybody = [Claims(engine, "study") for _ in range(8)]
    start, got = threading.Barrier(8), []

    def want(each: Claims) -> None:
        start.wait()
        got.append(each.take("trial 0"))

    threads = [threading.Thread(target=want, args=(each,)) for each in everybody]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(claim is not None for claim in got) == 1


def test_the_claims_of_a_dead_process_of_this_machine_are_taken_over_at_once(engine, monkeypatch):
    dead = Process(this_process().host, 2**22 + 1, "boot:1")
    with monkeypatch.context() as there:
        there.setattr(claims_module, "this_process", lambda: dead)
        assert Claims(engine, "study").take("trial 0") is not None
    claim = Claims(engine, "study").take("trial 0")
    assert claim is not None
    assert claim.before == dead


def test_a_process_of_another_machine_is_given_up_when_its_heart_stands_still(engine, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(claims_module.time, "monotonic", lambda: clock[0])
    other = stranger(engine, monkeypatch, "trial 0")
    mine = Claims(engine, "study")
    assert mine.take("trial 0") is None
    clock[0] = claims_module.LEASE - 1
    assert mine.take("trial 0") is None
    other._beat()
    clock[0] += claims_module.LEASE - 1  # since the beat was seen to move: nothing yet
    assert mine.take("trial 0") is None
    clock[0] += claims_module.LEASE - 1
    assert mine.take("trial 0") is None
    clock[0] += 2
    claim = mine.take("trial 0")
    assert claim is not None
    assert claim.before == Process("elsewhere", 1, "x")


def test_released_claims_include_those_left_at_the_end(engine):
    with Claims(engine, "study") as first:
        assert first.take("trial 0") is not None
    assert Claims(engine, "study").take("trial 0") is not None


# Participants, killed at random moments -------------------------------------------------------

SEEDS = (1, 2)
TRIALS = 8
PLAN = Plan(
    strategy="projection", trials=TRIALS, seeds=SEEDS, search=SearchSettings(sampler="random")
)
WEIGHTS = (0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 8.0)
COMPARED = CellList(
    rows_of(
        ComparisonPlan((Entry("tying", 1.0),), seeds=SEEDS),
        [Settled("projection", (), weight) for weight in WEIGHTS],
    )
)
RUNS = {"sweep": (1 + TRIALS) * len(SEEDS), "comparison": (1 + len(WEIGHTS)) * len(SEEDS)}
KILLS = {"sweep": 32, "comparison": 18}
MOST = 300  # statements a participant makes, at most, before it is killed


def vectors_of(weight: float, seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng([seed, int(weight * 1e6)])
    return rng.normal(size=(2, 3)).astype(np.float32)


def pretend(
    site: Site, cell: Cell, *, begun: Callable[[], object], **unused: object
) -> FinishedRun:
    """Log a run as `train_cell` does, of vectors that λ and the seed alone say, in little time."""
    weight, seed = cell.weight, cell.seed
    outcome = Outcome(weight, None, 1.0, None, weight + seed)
    reference = BaselineReference({"test/tune": 1.0}, {"tune": 0.5})
    with (
        tempfile.TemporaryDirectory() as folder,
        site.store.start(
            "pretended", parent=site.parent, params=cell.params, tags=cell.tags, dataset=None
        ) as log,
    ):
        begun()
        log.metrics(asdict(outcome))
        vectors = Embeddings(("a", "b"), vectors_of(weight, seed))
        log.file(vectors.save(Path(folder) / Path(VECTORS).name), str(Path(VECTORS).parent))
        log.json(asdict(reference), "yardstick.json")
        log.json(Scorecard("", ()).to_dict(), "scorecard.json")
    return FinishedRun(log.run_id, cell.trial, weight, seed, outcome, reference)


def participate(root: Path, kind: str, statements: int | None, in_a_run: bool) -> None:
    """Take part in the study, which is made when there is none.

    With ``statements`` the process is killed when it is about to make one more in a database than
    these, of MLflow's or Optuna's, once it has opened both: at any moment of its work. With
    ``in_a_run`` those that it makes before its first run are not counted.
    """
    counting = threading.Event()
    worker.train_cell = partial(pretend, begun=counting.set)  # in a forked process of its own
    worker._between = lambda *_: Scorecard("", ())
    store = Store.open(root)
    parent = store.study("study", create=True, params={}, tags={}, description="")
    search = Search(root, "study", {}, PLAN.search_space, PLAN.search)
    source: Any = DrawnTrials(PLAN, search) if kind == "sweep" else ListedCells(COMPARED, root)
    store.reconcile(parent)
    left = itertools.count(-1 if statements is None else statements, -1)
    if not in_a_run:
        counting.set()

    def kill_in_the_end(*unused: object) -> None:
        if counting.is_set() and next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", kill_in_the_end)
    sqlalchemy.event.listen(sqlalchemy.Engine, "commit", kill_in_the_end)
    with Claims(source.engine, "study") as claims:
        site = Site(store, root, None, "study", parent)  # type: ignore[arg-type]
        Worker(site, source, claims, lambda runs, here: None).run()
    store.reconcile(parent)


def start(root: Path, kind: str, statements: int | None = None, in_a_run: bool = False) -> Any:
    """Start a participant: forked, since what it needs takes seconds to import."""
    asked = (root, kind, statements, in_a_run)
    process = get_context("fork").Process(target=participate, args=asked)
    process.start()
    return process


@needs_kill
@pytest.mark.parametrize("kind", ["sweep", "comparison"])
def test_participants_killed_at_random_moments_leave_what_an_undisturbed_one_leaves(kind, tmp_path):
    """Workers that come, are killed and come again: all that one does alone, once, and no more."""
    alone, root = tmp_path / "alone", tmp_path / "killed"
    undisturbed = start(alone, kind)
    undisturbed.join(300)
    assert undisturbed.exitcode == 0
    rng, killed = random.Random(6), 0
    workers = [  # one of them makes the store
        start(root, kind, 0, in_a_run=True),
        start(root, kind, rng.randrange(MOST)),
    ]
    while killed < KILLS[kind]:
        victim = next((each for each in workers if not each.is_alive()), None)
        if victim is None:
            wait([each.sentinel for each in workers])
            continue
        workers.remove(victim)
        assert victim.exitcode == -signal.SIGKILL, "the study was whole before its time"
        killed += 1
        workers.append(start(root, kind, rng.randrange(MOST) if killed < KILLS[kind] - 1 else None))
    for each in workers:
        each.join(300)
        assert each.exitcode == 0

    stores = [Store.open(folder, create=False) for folder in (alone, root)]
    runs = [store.runs(store.study_named("study").run_id) for store in stores]
    finished = [[run for run in each if run.status == "FINISHED"] for each in runs]
    cells = [Counter(digest_of(run.params) for run in each) for each in finished]
    assert cells[1] == cells[0]
    assert set(cells[1].values()) == {1}
    assert len(cells[1]) == RUNS[kind]
    assert {run.status for run in runs[1]} == {"FINISHED", "KILLED"}
    for run in finished[1]:
        vectors = Embeddings.load(stores[1].artifact(run.run_id, VECTORS))
        whole = vectors_of(float(run.params["weight"]), int(run.params["seed"]))
        assert np.array_equal(vectors.vectors, whole)
    if kind == "comparison":
        between = [BETWEEN_SEEDS in stores[1].artifacts(run.run_id) for run in finished[1]]
        assert sum(between) == len(SEEDS)
        return
    searches = [Search(folder, "study", {}, PLAN.search_space) for folder in (alone, root)]
    tried = [{p: (t.params, t.values) for p, t in each.counted.items()} for each in searches]
    assert tried[1] == tried[0]
    assert sorted(tried[1]) == list(range(TRIALS))
    assert not searches[1].study.get_trials(states=(optuna.trial.TrialState.RUNNING,))


@pytest.mark.parametrize("last", ["complete", "prune", "fail", "interrupt"])
def test_who_was_taken_for_dead_cannot_touch_what_another_did(tmp_path, last):
    """A machine that slept for longer than a lease wakes up in a trial that is another's now."""
    settings = SearchSettings(sampler="random", min_retention=0.9)
    slept, other = (Search(tmp_path, "study", {}, PLAN.search_space, settings) for _ in range(2))
    lost = slept.propose(0)
    other.set_aside(0)
    own = other.propose(0)
    slept.report(lost, 0, 5.0)
    slept.constrain(lost, 0.5)
    end = {"complete": [5.0], "fail": ["it diverged"]}
    getattr(slept, last)(lost, *end.get(last, []))
    assert slept.finished == []
    other.complete(own, 1.0)
    assert {p: t.value for p, t in slept.counted.items()} == {0: 1.0}
    assert own.weight == lost.weight  # the λ of a position is its own, whoever draws it


# Real trainings -------------------------------------------------------------------------------


def test_more_threads_than_cores_are_refused():
    cores = os.cpu_count() or 1
    allowed = rf"allowed: 1 to {cores} .*of {cores} cores"
    with pytest.raises(
        UserError, match=rf"--workers was {cores + 1}, with 1 thread each; {allowed}"
    ):
        Processes(cores + 1).check(threads=1)
    with pytest.raises(UserError, match="with 1000 threads each"):
        Processes(2).check(threads=1000)


@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="no fork")
def test_a_server_of_forks_that_has_ended_is_said_in_one_sentence(monkeypatch):
    def ended(process: object) -> None:
        raise EOFError("unexpected EOF")  # as it comes from reading what the server answers

    monkeypatch.setattr(multiprocessing.forkserver, "ensure_running", lambda: None)
    monkeypatch.setattr(multiprocessing.context.ForkServerProcess, "start", ended)
    share: Any = SimpleNamespace(job=SimpleNamespace(threads=1))
    store: Any = None
    with pytest.raises(UserError, match=r"process they are forked from has ended; .*same command"):
        Processes(1).run(share, store, lambda runs: None)


def test_what_workers_are_forked_from_has_imported_all_and_runs_no_thread():
    code = (
        "import debiaslab.study.preload, gc, sys, threading\n"
        "needed = {'torch', 'mlflow.pyfunc', 'optuna', 'gensim', 'sklearn.svm', 'alembic.command'\n"
        ", 'matplotlib.axes', 'numba.np.arrayobj'}\n"  # the last: a kernel has been made
        "frozen = gc.get_freeze_count() > 100_000\n"
        "print(needed - set(sys.modules), threading.active_count(), frozen)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set()", "1", "True"]


def children(pid: int) -> list[int]:
    """Return the workers of a sweep: what the server of forks that ``pid`` started has forked."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1])
    return [child for child, parent in parents.items() if parents.get(parent) == pid]


@needs_kill
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="two workers need two cores")
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see the workers")
def test_a_driver_and_then_a_worker_are_killed_and_the_same_command_goes_on(tmp_path):
    write_toy(tmp_path)
    command = ["-m", "debiaslab", "sweep", "toy.txt", "--dim", "8", "--epochs", "1"]
    command += ["--min-count", "1", "--retention-weight", "0", "--study", "small"]
    command += ["--trials", "4", "--seeds", "2", "--sampler", "random", "--workers", "2"]
    logs = [tmp_path / "first.log", tmp_path / "second.log"]
    Store.open(tmp_path / "elsewhere")  # MLflow is imported now, not while the sweep goes by

    def begin(log: Path) -> forking.Process:
        with log.open("wb") as out:
            return forking.begin(command, cwd=tmp_path, stdout=out, stderr=out)

    def running() -> list[Any]:
        if not (tmp_path / "mlruns" / "mlflow.db").is_file():
            return []
        store = Store.open(tmp_path / "mlruns", create=False)
        return [run for run in store.all_runs() if run.status == "RUNNING" and run.kind != "study"]

    driver = begin(logs[0])
    until(running)
    workers = children(driver.pid)
    assert len(workers) == 2
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))

    driver = begin(logs[1])
    workers = until(lambda: len(found := children(driver.pid)) == 2 and found)
    until(running)
    os.kill(workers[0], signal.SIGKILL)
    assert driver.wait(300) == 0, logs[1].read_text()
    said = logs[1].read_text()
    assert "1 of 2 workers died (exit codes -9); the others did their work" in said

    store = Store.open(tmp_path / "mlruns", create=False)
    study = store.study_named("small")
    assert study.status == "FINISHED"
    runs = store.runs(study.run_id)
    assert "RUNNING" not in {run.status for run in runs}
    done = [run for run in runs if run.status == "FINISHED"]
    cells = Counter((run.tags["debiaslab.trial"], run.params["seed"]) for run in done)
    wanted = {(trial, seed) for trial in ("", "0", "1", "2", "3") for seed in ("1", "2")}
    assert set(cells) == wanted
    assert set(cells.values()) == {1}
    plan = Plan(strategy="projection")
    drawn = Search(
        tmp_path / "alone", "alone", {}, plan.search_space, SearchSettings(sampler="random")
    )
    for position in range(4):  # the λs are those of one process alone
        weight = drawn.propose(position).weight
        assert {r.params["weight"] for r in done if r.tags["debiaslab.trial"] == str(position)} == {
            repr(weight)
        }
