"""Optuna's side of a study: the same λs whatever interrupts it, and what counts as tried."""

from __future__ import annotations

import math
import signal
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from debiaslab.regularizers import LogUniform
from debiaslab.study import search as search_module
from debiaslab.study.search import Proposal, Search, check_same_study
from debiaslab.system.provenance import Process, this_process
from tests import forking
from tests.expecting import refuses

SPACE = LogUniform(1e-3, 1e1)
IDENTITY: dict[str, Any] = {"corpus": "a" * 64, "settings": {"dim": 100}, "seeds": [1, 2]}
TRIALS = 6  # two of them after the random start, so that TPE has a say


def open_search(folder: Path, name: str = "study", **identity: Any) -> Search:
    return Search(folder, name, {**IDENTITY, **identity}, {"weight": SPACE})


def score_of(weight: float) -> float:
    """Return a made-up score with its least value at λ = 0.1."""
    return (math.log10(weight) + 1) ** 2


def try_next(search: Search) -> float:
    proposal = search.propose()
    search.complete(proposal, score_of(proposal.weight))
    return proposal.weight


def tried(search: Search) -> list[float]:
    return [trial.params["weight"] for trial in search.finished]


def running(search: Search) -> list[int]:
    trials = search.study.get_trials(states=(TrialState.RUNNING,))
    return [trial.number for trial in trials]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    search = open_search(tmp_path_factory.mktemp("whole"))
    return [try_next(search) for _ in range(TRIALS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store that many studies share: making the database takes most of the time."""
    return tmp_path_factory.mktemp("store")


# The λs ---------------------------------------------------------------------------------------


def test_lambdas_lie_in_the_space_and_cover_it(folder):
    space = LogUniform(1e-5, 1e-2)
    search = Search(folder, "narrow", IDENTITY, {"weight": space})
    weights = []
    for _ in range(12):
        proposal = search.propose()
        weights.append(proposal.weight)
        search.complete(proposal, score_of(proposal.weight))
    assert all(space.low <= weight <= space.high for weight in weights)
    assert len(set(weights)) == 12
    # drawn on a logarithmic scale: uniform draws would almost all be in the last decade
    assert np.median(np.log10(weights[:4])) < -2.5


def test_trials_are_numbered_from_zero_and_all_count(uninterrupted, folder):
    search = open_search(folder, "numbers")
    for number in range(3):
        proposal = search.propose()
        assert proposal.number == number
        search.complete(proposal, score_of(proposal.weight))
    assert tried(search) == uninterrupted[:3]
    assert [t.value for t in search.finished] == [score_of(w) for w in uninterrupted[:3]]


def test_the_scores_guide_the_search(folder, uninterrupted):
    """After the random start the λs depend on the scores, and gather where these are low."""

    def mean_distance(best: float, name: str) -> float:
        search, weights = open_search(folder, name), []
        for _ in range(25):
            proposal = search.propose()
            search.complete(proposal, abs(math.log10(proposal.weight) - best))
            weights.append(proposal.weight)
        assert weights[:4] == uninterrupted[:4]
        return float(np.mean([abs(math.log10(weight) - best) for weight in weights[10:]]))

    # uniform over 4 decades: 1 from the middle, about 1.7 from a point near the edge
    assert mean_distance(-1.0, "middle") < 0.7
    assert mean_distance(-2.8, "edge") < 0.9


def test_two_studies_of_one_store_do_not_mix(folder, uninterrupted):
    first = open_search(folder, "first", seeds=[1])
    second = open_search(folder, "second", seeds=[2])
    weights = [try_next(search) for _ in range(3) for search in (first, second)]
    assert weights[0::2] == weights[1::2] == uninterrupted[:3]
    assert len(first.finished) == len(second.finished) == 3


# Interruptions --------------------------------------------------------------------------------


def go_on(folder: Path, name: str) -> list[float]:
    """Continue a study in a new Search until it has all its trials; return every λ that counts."""
    search = open_search(folder, name)
    while len(search.finished) < TRIALS:
        try_next(search)
    return tried(search)


@pytest.mark.parametrize("position", range(TRIALS))
def test_a_search_killed_anywhere_goes_on_as_if_nothing_had_happened(
    folder, uninterrupted, position, monkeypatch
):
    name = f"killed at {position}"
    search = open_search(folder, name)
    for _ in range(position):
        try_next(search)
    orphan = owned_by(monkeypatch, search, dead_process())
    assert (orphan.number, orphan.weight) == (position, uninterrupted[position])
    assert running(search) == [orphan.trial.number]
    assert running(open_search(folder, name)) == []  # set aside
    assert go_on(folder, name) == uninterrupted


def test_ctrl_c_in_every_trial_twice_changes_nothing(folder, uninterrupted):
    for weight in uninterrupted:
        search = open_search(folder, "ctrl-c")  # opened anew for each trial
        for _ in range(2):
            cut_short = search.propose()
            assert cut_short.weight == weight
            search.interrupt(cut_short)
        try_next(search)
    assert go_on(folder, "ctrl-c") == uninterrupted


def dead_process() -> Process:
    """Return a process of this host that has ended: this one's id with another start."""
    return replace(this_process(), started="0:0")


def owned_by(monkeypatch: pytest.MonkeyPatch, search: Search, owner: Process) -> Proposal:
    with monkeypatch.context() as patch:
        patch.setattr(search_module, "this_process", lambda: owner)
        return search.propose()


def test_two_that_set_the_same_trial_aside_at_once_do_no_harm(folder, monkeypatch):
    """The other ends it after this one has looked, and before it writes."""
    search = open_search(folder, "at-once")
    proposal, tell = search.propose(), optuna.Study.tell

    def late(study: optuna.Study, trial: optuna.Trial, **how: Any) -> None:
        tell(study, trial, **how)
        raise optuna.exceptions.UpdateFinishedTrialError

    monkeypatch.setattr(optuna.Study, "tell", late)
    search.interrupt(proposal)
    assert (running(search), search.finished) == ([], [])


def test_what_was_interrupted_comes_again_and_what_failed_counts_and_does_not(folder):
    search = open_search(folder, "counts")
    first = search.propose()
    search.interrupt(first)
    assert search.finished == []
    failed = search.propose()
    assert (failed.weight, failed.number) == (first.weight, first.number)
    search.fail(failed, "the loss became nan")
    (trial,) = search.finished
    assert trial.state == TrialState.FAIL
    assert trial.user_attrs["reason"] == "the loss became nan"
    assert tried(search) == [failed.weight]
    following = search.propose()
    assert following.number == failed.number + 1 == 1
    assert following.weight != failed.weight  # the same λ would fail again
    search.complete(following, 1.0)
    assert len(open_search(folder, "counts").finished) == 2  # as recorded


def test_a_sweep_with_failures_resumes_alike_too(folder):
    def step(search: Search) -> float:
        proposal = search.propose()
        if proposal.weight > 1:  # too strong: cannot be trained
            search.fail(proposal, "diverged")
        else:
            search.complete(proposal, score_of(proposal.weight))
        return proposal.weight

    whole = open_search(folder, "failures")
    expected = [step(whole) for _ in range(TRIALS)]
    assert any(weight > 1 for weight in expected)
    weights = []
    for _ in range(TRIALS):
        search = open_search(folder, "failures, resumed")
        search.interrupt(search.propose())
        weights.append(step(search))
    assert weights == expected


# Orphans --------------------------------------------------------------------------------------


@pytest.mark.parametrize("owner", ["this process", "another host"])
def test_the_trial_of_a_process_that_may_live_is_left_alone(folder, monkeypatch, owner):
    name = f"alive: {owner}"
    here = this_process()
    process = here if owner == "this process" else replace(here, host="elsewhere", started="0:0")
    search = open_search(folder, name)
    pending = owned_by(monkeypatch, search, process)
    other = open_search(folder, name)
    assert running(other) == [pending.trial.number]
    assert other.finished == []
    search.complete(pending, 0.5)  # its owner can still finish it
    assert [trial.value for trial in other.finished] == [0.5]


def test_the_trial_of_another_process_does_not_change_the_lambdas(
    folder, uninterrupted, monkeypatch
):
    """A container that is killed comes back under another host name and finds its own trial."""
    search = open_search(folder, "elsewhere")
    elsewhere = replace(this_process(), host="elsewhere")
    left = [owned_by(monkeypatch, search, elsewhere).trial.number for _ in range(3)]
    assert go_on(folder, "elsewhere") == uninterrupted
    assert running(open_search(folder, "elsewhere")) == left


KILLED_IN_A_TRIAL = """
import os, signal, sys
from pathlib import Path
from tests.test_search import open_search, try_next

search = open_search(Path(sys.argv[1]))
for _ in range(5):
    try_next(search)
print(repr(search.propose().weight), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_process_leaves_a_study_that_goes_on_where_it_was(tmp_path, uninterrupted):
    killed = forking.run(["-c", KILLED_IN_A_TRIAL, tmp_path])
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    assert float(killed.stdout) == uninterrupted[5]
    left = optuna.load_study(study_name="study", storage=f"sqlite:///{tmp_path / 'optuna.db'}")
    states = [trial.state for trial in left.get_trials()]
    assert states == [TrialState.COMPLETE] * 5 + [TrialState.RUNNING]
    search = open_search(tmp_path)
    assert running(search) == []
    assert tried(search) == uninterrupted[:5]  # nothing that was recorded is lost
    assert go_on(tmp_path, "study") == uninterrupted


# Identity and bad values ----------------------------------------------------------------------


def test_the_same_identity_continues_and_another_is_refused_by_name(folder, monkeypatch):
    search = open_search(folder, "mine")
    weight = try_next(search)
    assert tried(open_search(folder, "mine")) == [weight]
    orphan = owned_by(monkeypatch, search, dead_process())
    with refuses(r"'mine' .*settings\.dim: 100 → 50.*--study") as refused:
        open_search(folder, "mine", settings={"dim": 50})
    assert "corpus" not in str(refused.value)
    with refuses(r"corpus: aaaaaaaaaaaa… → bbbbbbbbbbbb…; seeds: \[1, 2\]"):
        open_search(folder, "mine", corpus="b" * 64, seeds=[1])
    assert running(search) == [orphan.trial.number]  # a refusal leaves the study as it was
    assert tried(open_search(folder, "mine")) == [weight]


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_refused(folder, score):
    search = open_search(folder, f"score {score}")
    proposal = search.propose()
    with pytest.raises(ValueError, match="finite"):
        search.complete(proposal, score)
    assert search.finished == []
    search.complete(proposal, 1.0)  # nothing was recorded, so the trial is still open
    assert [trial.value for trial in search.finished] == [1.0]


@pytest.mark.parametrize("name", ["what?", "100%", "a%20b", "a b", "naïve#1"])
def test_the_database_is_in_its_folder_whatever_that_is_called(tmp_path, name):
    weight = try_next(open_search(tmp_path / name))
    assert (tmp_path / name / "optuna.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert tried(open_search(tmp_path / name)) == [weight]


def test_looking_whether_a_study_is_the_same_makes_nothing_on_a_server_either(
    tmp_path, monkeypatch
):
    folder, server = tmp_path / "mlruns", tmp_path / "server.db"
    check_same_study(folder, "study", {**IDENTITY, "corpus": "a"})
    monkeypatch.setenv("DEBIASLAB_OPTUNA_STORAGE", f"sqlite:///{server}")
    check_same_study(folder, "study", {**IDENTITY, "corpus": "a"})
    assert not folder.exists()
    with sqlite3.connect(server) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == []
    open_search(folder, corpus="a")
    check_same_study(folder, "study", {**IDENTITY, "corpus": "a"})
    with refuses("made with other settings"):
        check_same_study(folder, "study", {**IDENTITY, "corpus": "b"})
