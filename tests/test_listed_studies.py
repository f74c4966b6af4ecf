"""Comparisons and planted doses as studies: workers, kills, resume, status, plan, archive."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from debiaslab.results import open_study
from debiaslab.study.cell import digest_of
from debiaslab.tracking import Store
from debiaslab.tracking.names import CELL_TAG, REPORT, SESSION_TAG, SETTLED, STUDY_FILE
from tests import forking
from tests.command_line import call, write_toy
from tests.expecting import holds
from tests.shared import Shared, perform
from tests.toys import neutral_text
from tests.waiting import until

needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")

TOY = ("toy.txt", "--dim", "8", "--epochs", "1", "--min-count", "1")
COMPARE = (
    *("compare", *TOY, "--strategies", "projection@1,pairwise,leace", "--trials", "2"),
    *("--tuning-seeds", "1", "--seeds", "2", "--study", "sided", "--retention-weight", "0"),
)
PLANTED = (
    *("planted", "dosed.txt", *TOY[1:], "--doses=-1,0,1", "--seeds", "1", "--study", "dosed"),
)
STUDIES = [("sided", COMPARE), ("dosed", PLANTED)]
KILLS = 10


def make(folder: Path) -> None:
    """A finished comparison and a finished planted-bias control."""
    write_toy(folder)
    (folder / "dosed.txt").write_text(neutral_text(1600), encoding="utf-8")
    for _, command in STUDIES:
        perform(*command)


@pytest.fixture
def home(shared: Shared) -> Path:
    return shared.folder("listed", make)


@pytest.fixture
def own(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a copy of the folder."""
    monkeypatch.chdir(shutil.copytree(home, tmp_path / "own"))
    return tmp_path / "own"


def cells(folder: Path, study: str) -> dict[str, list[str]]:
    """Return the vectors' bytes of the finished runs of a study, by cell."""
    store = Store.open(folder, create=False)
    found: dict[str, list[str]] = {}
    for run in store.runs(store.study_named(study).run_id):
        if run.status == "FINISHED":
            found.setdefault(digest_of(run.params), []).append(run.run_id)
    return found


@needs_kill
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="two workers need two cores")
def test_a_comparison_of_two_workers_killed_ten_times_is_one_that_was_not(home, tmp_path):
    write_toy(tmp_path)
    command = ["-m", "debiaslab", *COMPARE, "--workers", "2"]
    rng, log = random.Random(6), tmp_path / "log"

    def begun() -> int:
        if not (tmp_path / "mlruns" / "mlflow.db").is_file():
            return 0
        return len(Store.open(tmp_path / "mlruns", create=False).all_runs())

    def moved_on(driver: forking.Process, before: int) -> bool:
        return begun() > before or driver.poll() is not None

    for _ in range(KILLS):
        before = begun()
        with log.open("wb") as out:
            driver = forking.begin(command, cwd=tmp_path, stdout=out, stderr=out, session=True)
        until(partial(moved_on, driver, before))
        try:
            driver.wait(rng.random())
        except subprocess.TimeoutExpired:
            os.killpg(driver.pid, signal.SIGKILL)  # driver, workers and what forks them
        driver.wait()
    done = forking.run(command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    stores = [folder / "mlruns" for folder in (home, tmp_path)]
    alone, killed = (cells(store, "sided") for store in stores)
    assert killed.keys() == alone.keys()
    assert {len(runs) for runs in killed.values()} == {1}
    ours, theirs = (open_study("sided", root=store) for store in stores)
    for a, b in zip(ours.sides, theirs.sides, strict=True):
        assert (a.label, a.outcomes) == (b.label, b.outcomes)
        assert [card and card.records for card in a.cards] == [
            card and card.records for card in b.cards
        ]
        assert None not in a.cards
    assert not list((tmp_path / "mlruns" / "checkpoints").iterdir())


@pytest.mark.parametrize(
    ("study", "command", "said"),
    [(*STUDIES[0], "7 strategies × 2 seeds + 2 baselines"), (*STUDIES[1], "3 doses × 1")],
)
def test_status_shows_every_cell_and_plan_counts_them_and_trains_nothing(
    home, study, command, said, capfd, monkeypatch
):
    monkeypatch.chdir(home)
    done = cells(home / "mlruns", study)
    answer = call(capfd, "status", study)
    assert answer.code == 0
    holds(answer.out, f"{len(done)} done of {len(done)}", *(run[:8] for (run,) in done.values()))
    assert "next:" not in answer.out
    answer = call(capfd, *command, "--plan")
    assert answer.code == 0, answer.err
    there = f"({len(done)} of them are in the store)"
    holds(answer.out, said, there, "nothing was trained")
    assert cells(home / "mlruns", study) == done


@pytest.mark.parametrize("study", ["sided", "dosed"])
def test_an_archived_study_is_restored_and_resumed_without_what_it_lost(
    home, study, tmp_path, capfd, monkeypatch
):
    monkeypatch.chdir(home)
    there = tmp_path / "there"
    assert call(capfd, "archive", study, str(tmp_path / "one.zip")).code == 0
    restored = call(capfd, "restore", str(tmp_path / "one.zip"), "--store", str(there))
    assert f"resume {study}" in restored.out
    before = cells(there, study)
    assert before.keys() == cells(home / "mlruns", study).keys()
    store = Store.open(there, create=False)
    digest, (lost,) = list(before.items())[-1]
    store.remove(lost)
    status = call(capfd, "status", study, "--store", str(there))
    holds(status.out, "1 missing", f"resume {study}")
    answer = call(capfd, "resume", study, "--store", str(there))
    assert answer.code == 0, answer.err
    after = cells(there, study)
    assert after.keys() == before.keys()
    assert after | {digest: before[digest]} == before  # all but one are the runs they were
    assert {each.study for each in store.studies()} == {study}  # λ as settled: nothing is tuned


def test_numbers_of_a_cell_count_by_their_value():
    one = {"strategy": "projection", "weight": "0.1", "seed": "1", "cover": "all"}
    assert digest_of(one) == digest_of({**one, "weight": "1e-1", "seed": 1})
    assert digest_of(one) != digest_of({**one, "weight": "0.2"})
    assert digest_of(one) == digest_of({**one, "lr": "0.025", "planted.words": "a, b"})


@pytest.mark.parametrize(("study", "command"), STUDIES)
def test_runs_of_an_older_version_are_found_by_what_they_say(own, study, command, capfd):
    """They have no digest of their cell, and their study keeps neither a file nor its λs."""
    with closing(sqlite3.connect(own / "mlruns" / "mlflow.db")) as database:
        database.execute("delete from tags where key in (?, ?)", (CELL_TAG, SESSION_TAG))
        database.commit()
    parent = Store.open("mlruns", create=False).study_named(study).run_id
    for file in (STUDY_FILE, SETTLED):
        (own / "mlruns" / "artifacts" / parent / file).unlink(missing_ok=True)
    assert study in call(capfd, "status", study).out
    before = cells(own / "mlruns", study)
    for words in (command, ("resume", study)):
        answer = call(capfd, *words)
        assert answer.code == 0, answer.err
        assert cells(own / "mlruns", study) == before


@pytest.mark.parametrize(
    ("study", "said"), [("sided", "control, gender-blind floor: "), ("dosed", "chosen")]
)
def test_a_study_leaves_a_page_that_says_what_its_command_said(home, study, said):
    store = Store.open(home / "mlruns", create=False)
    parent = store.study_named(study).run_id
    assert said in store.artifact(parent, REPORT).read_text(encoding="utf-8")


def test_a_study_whose_run_was_deleted_says_how_its_runs_come_back(
    home, tmp_path, capfd, monkeypatch
):
    shutil.copytree(home, tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")
    store = Store.open("mlruns", create=False)
    parent = store.study_named("dosed").run_id
    store.remove(parent)
    answer = call(capfd, *PLANTED)
    assert answer.code == 0, answer.err
    assert f"mlflow runs restore --run-id {parent}" in answer.err
    assert len(cells(tmp_path / "own" / "mlruns", "dosed")) == 3  # trained again
