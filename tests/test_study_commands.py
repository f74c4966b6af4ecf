"""plan, status, resume, archive, restore and prune-store on small studies of toy text."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest

from debiaslab.commands.stores import next_command
from debiaslab.corpus import Corpus, CorpusSettings
from debiaslab.settings.study import StudyFile
from debiaslab.sgns import Checkpoints
from debiaslab.sgns.checkpoint import key_of
from debiaslab.sgns.engine import State
from debiaslab.study import archive as archive_module
from debiaslab.study.kept import keep_corpus, kept_study
from debiaslab.study.run import owner_of
from debiaslab.study.spec import changed
from debiaslab.system.provenance import this_process
from debiaslab.tracking import NOTE_TAG, VECTORS, RunInfo, Store
from debiaslab.tracking.names import PROCESS_TAG
from tests.command_line import call, refused, write_toy
from tests.expecting import holds
from tests.shared import Shared, perform

Capture = pytest.CaptureFixture[str]
PAIR = """
name: pair
corpus: {files: [toy.txt], min_count: 1}
trainer: {dim: 8, epochs: 1}
strategies: [projection, tying]
objective: {retention_weight: 0}
seeds: 2
budget: {trials: 2}
"""


def make(folder: Path) -> None:
    """Sweep a study file with two strategies."""
    write_toy(folder)
    (folder / "pair.yaml").write_text(PAIR, encoding="utf-8")
    perform("sweep", "pair.yaml")


@pytest.fixture(autouse=True)
def made(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = shared.folder("pair", make)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def own(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a copy of the folder, which a test may spoil."""
    folder = tmp_path / "own"
    shutil.copytree(made, folder)
    monkeypatch.chdir(folder)
    return folder


def values(folder: str = "mlruns") -> dict[tuple[str, ...], dict[str, float]]:
    """Return what every run of a store measured, by study, trial, λ and seed."""
    store = Store.open(folder, create=False)
    found = {}
    for study in store.studies():
        for run in store.runs(study.run_id):
            key = (study.study, run.tags["debiaslab.trial"], run.params["weight"])
            numbers = {k: v for k, v in run.metrics.items() if "second" not in k}
            found[(*key, run.params["seed"])] = numbers
    return found


def children(name: str, folder: str = "mlruns") -> list[RunInfo]:
    store = Store.open(folder, create=False)
    return store.runs(store.study_named(name).run_id)


# plan -----------------------------------------------------------------------------------------


def test_plan_counts_runs_and_trains_nothing(tmp_path, capfd):
    before = values()
    store = tmp_path / "none"  # in that of the study three seeds are another study, and refused
    words = ("--trials", "5", "--seeds", "3", "--store", str(store))
    said = call(capfd, "plan", "pair.yaml", *words)
    assert said.code == 0, said.err
    assert not store.exists()
    counted = "5 trials × 3 seeds + 3 baselines = 18"
    holds(said.out, counted, "pair-projection", "pair-tying", "words/s", "in all    about")
    assert values() == before


def test_plan_knows_what_is_done_by_the_store_that_the_environment_names_too(
    made, tmp_path, capfd, monkeypatch
):
    said = call(capfd, "plan", "pair.yaml").out
    done = "2 trials × 2 seeds + 2 baselines = 6 (6 of them are in the store)"
    holds(said, done, "time      about 0 seconds")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{made / 'mlruns' / 'mlflow.db'}")
    said = call(capfd, "plan", "pair.yaml", "--store", str(tmp_path / "none"))
    assert said.out.count("(6 of them are in the store)") == 2
    assert not (tmp_path / "none").exists()


# status and resume ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--scheduler foo:bar", "--scheduler was 'foo:bar', of a Dask cluster; try: --executor"),
        ("--set scheduler=tcp://1.2.3.4:5", "'tcp://1.2.3.4:5', of a Dask cluster"),
        ("--workers 5000", "--workers was 5000, with 1 thread each"),
        ("--store toy.txt", "the store toy.txt is a file"),
        ("--store toy.txt/below", "cannot write toy.txt/below"),
        ("--study " + "a" * 300, "bytes; allowed: up to 200 bytes"),
        ("--window 3", "'pair-projection' was made with other settings (settings.window: 5 → 3)"),
        ("--set objective.tests=[math-arts]", "math-arts"),
    ],
)
def test_plan_refuses_what_sweep_refuses_in_the_same_words(words, said, capfd):
    refused_alike(capfd, said, words=words.split())


def refused_alike(capfd: Capture, *said: str, words: Sequence[str] = ()) -> None:
    answers = [refused(capfd, name, "pair.yaml", *words).sentence for name in ("plan", "sweep")]
    holds(answers[0], *said, none_of=["s3cret"])
    assert answers[0] == answers[1]


@pytest.mark.parametrize("address", ["foo:bar", "tcp:/ann:s3cret@host:8786"])
def test_plan_refuses_an_address_that_no_cluster_has(address, capfd):
    pytest.importorskip("distributed", reason="Dask is not installed")
    words = ("--executor", "dask", "--scheduler", address)
    refused_alike(capfd, "such as tcp://10.0.0.1:8786", words=words)


def test_a_search_database_that_is_none_is_refused_without_its_password(capfd, monkeypatch):
    for address, shown in (
        ("postgres//ann:s3cret@host/db", "postgres//ann:***@host/db"),
        ("sqlite://ann:s3cret@host/db", "sqlite://***@host/db"),  # SQLAlchemy says more lines
    ):
        monkeypatch.setenv("DEBIASLAB_OPTUNA_STORAGE", address)
        allowed = "allowed: an address such as postgresql+psycopg://host/database"
        refused_alike(capfd, f"DEBIASLAB_OPTUNA_STORAGE names {shown}", allowed)


@pytest.mark.parametrize("address", ["htp://ann:s3cret@host:5000", "ann:s3cret@host"])
def test_a_tracking_address_that_is_none_is_told_what_one_looks_like(address, capfd, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    allowed = "allowed: an http(s) server, sqlite:///"
    said = refused(capfd, "plan", "pair.yaml").sentence
    holds(said, "MLFLOW_TRACKING_URI=", allowed, none_of=["s3cret"])


def test_status_of_a_finished_group_and_of_one_of_its_studies(capfd):
    said = call(capfd, "status", "pair").out
    assert said.count("6 done of 6") == 2
    assert "resume" not in said
    alone = call(capfd, "status", "pair-tying").out
    assert alone.count("done of 6") == 1
    assert "pair-projection" not in alone
    assert "did you mean 'pair'" in refused(capfd, "status", "pare").sentence


def test_what_comes_next_can_be_pasted_whatever_things_are_called():
    said = next_command("resume", "our study", store="a store of ours")
    assert said == "python -m debiaslab resume 'our study' --store 'a store of ours'"
    assert next_command("ui", store="mlruns") == "python -m debiaslab ui"


def asked(name: str) -> int:
    return kept_study(Store.open("mlruns", create=False), name)[0].budget.trials


@pytest.mark.usefixtures("own")
def test_resume_trains_what_is_missing_and_more_trials(capfd):
    store = Store.open("mlruns", create=False)
    *_, last = children("pair-tying")
    expected = values()
    store.remove(last.run_id)
    said = call(capfd, "status", "pair").out
    holds(said, "5 done, 1 missing of 6", "next: python -m debiaslab resume pair")
    assert call(capfd, "resume", "pair").code == 0
    assert values() == expected
    again = call(capfd, "sweep", "pair.yaml")
    assert again.out.count("nothing was left to train") == 2
    # a study that goes on alone leaves its group whole, and takes part in what that is asked for
    more = call(capfd, "resume", "pair-projection", "--trials", "3")
    assert more.code == 0, more.err
    assert "nothing was left" not in more.out
    assert "8 done of 8" in call(capfd, "status", "pair-projection").out
    assert "cells     6 done of 6" in call(capfd, "status", "pair").out  # of tying
    assert [asked(name) for name in ("pair-projection", "pair-tying", "pair")] == [3, 2, 2]
    assert call(capfd, "resume", "pair").code == 0
    assert len(children("pair-tying")) == 6
    assert call(capfd, "resume", "pair", "--trials", "4").code == 0
    assert {asked(name) for name in ("pair-projection", "pair-tying", "pair")} == {4}
    more = call(capfd, "sweep", "pair.yaml", "--trials", "5")
    assert more.code == 0, more.err
    assert "nothing was left" not in more.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--executor daks", "--executor was 'daks'; allowed: local, dask; did"),
        ("--scheduler tcp://127.0.0.1:9", "of a Dask cluster; try: --executor dask"),
        ("--executor dask --scheduler here:1", "--scheduler was 'here:1'; allowed: the address"),
    ],
)
def test_resume_refuses_an_executor_that_is_none(options, message, capfd):
    before = values()
    assert message in refused(capfd, "resume", "pair", *options.split()).sentence
    assert values() == before


def test_another_executor_forgets_what_was_said_of_the_one_before():
    there = StudyFile(executor="dask", scheduler="tcp://10.0.0.1:8786", workers=64)
    here = changed(there, {"executor": "local"})
    assert (here.executor, here.scheduler, here.workers) == ("local", None, 1)
    fewer = changed(there, {"executor": "dask", "workers": 8})
    assert (fewer.scheduler, fewer.workers) == (there.scheduler, 8)
    assert changed(there, {}) == there


@pytest.mark.usefixtures("own")
def test_a_strategy_that_was_never_begun_is_missing(capfd):
    store = Store.open("mlruns", create=False)
    study = store.study_named("pair-tying")
    for run in [*store.runs(study.run_id), study]:
        store.remove(run.run_id)
    said = call(capfd, "status", "pair")
    assert "6 done of 6" in said.out
    assert "cells     0 done" in said.out


@contextmanager
def hidden(path: Path) -> Iterator[None]:
    """Take a file away for a while: a study keeps the absolute path of its text."""
    elsewhere = path.with_name("hidden.txt")
    path.rename(elsewhere)
    try:
        yield
    finally:
        elsewhere.rename(path)


@pytest.mark.usefixtures("own")
def test_resume_finds_a_text_that_has_moved_and_refuses_another(made, capfd, monkeypatch):
    Path("toy.txt").rename("moved.txt")
    with hidden(made / "toy.txt"):
        shutil.rmtree("data")
        assert "there is no file" in refused(capfd, "resume", "pair").sentence
        assert call(capfd, "resume", "pair", "moved.txt").code == 0
    write_toy(Path(), "other.txt", documents=150)
    sentence = refused(capfd, "resume", "pair", "other.txt").sentence
    assert "the text of 'pair' was another (fingerprint of the corpus: " in sentence
    assert "try: python -m debiaslab resume pair FILE…, or sweep with another --study" in sentence
    monkeypatch.setattr("debiaslab.commands.study.corpus_of", lambda study: 1 / 0)  # takes long
    assert "--workers was 5000" in refused(capfd, "resume", "pair", "--workers", "5000").sentence


@pytest.mark.usefixtures("own")
def test_resume_needs_no_text_where_the_cache_or_the_store_has_what_was_made_of_it(made, capfd):
    store = Store.open("mlruns", create=False)
    text = Corpus.build(["toy.txt"], CorpusSettings(min_count=1), cache="data/cache")
    keep_corpus(store, store.study_named("pair-tying").run_id, text)
    with hidden(made / "toy.txt"):
        assert call(capfd, "resume", "pair-tying", "--trials", "3").code == 0
        shutil.rmtree("data")
        assert call(capfd, "resume", "pair-tying", "--trials", "4").code == 0
        (fetched,) = Path("data/cache").glob("fetched-*")
        assert text.fingerprint in (fetched / "meta.json").read_text(encoding="utf-8")
        shutil.rmtree("data")
        assert "there is no file" in refused(capfd, "resume", "pair-projection").sentence
    assert "10 done of 10" in call(capfd, "status", "pair-tying").out


# archive and restore --------------------------------------------------------------------------


def test_a_restored_study_is_what_it_was_and_goes_on_alike(own, tmp_path, capfd, monkeypatch):
    zipped = tmp_path / "the pair.zip"
    assert "debiaslab restore 'the pair.zip'" in call(capfd, "archive", "pair", str(zipped)).out
    written = zipped.read_bytes()
    sentence = refused(capfd, "archive", "pair-tying", str(zipped)).sentence
    assert f"try: python -m debiaslab archive pair-tying '{tmp_path}/the pair-2.zip'" in sentence
    assert zipped.read_bytes() == written
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy("toy.txt", elsewhere)
    before = values()
    series = Store.open("mlruns").series(children("pair-tying")[0].run_id, "loss")
    assert call(capfd, "resume", "pair-tying", "--trials", "4").code == 0
    longer = values()
    monkeypatch.chdir(elsewhere)
    said = call(capfd, "restore", str(zipped))
    assert said.code == 0, said.err
    assert values() == before
    store = Store.open("mlruns")
    assert store.series(children("pair-tying")[0].run_id, "loss") == series
    assert {run.status for run in children("pair-tying")} == {"FINISHED"}
    best = store.best("pair-tying")
    assert VECTORS in store.artifacts(best.run_id)
    assert best.run_id in {run.run_id for run in children("pair-tying")}
    assert len(store.datasets(best.run_id)) == 1
    parent = store.study_named("pair-tying")
    linked = re.findall(r"(?:runs/|viewStateShareKey=)(\w+)", parent.tags[NOTE_TAG])
    assert len(linked) == 4
    assert set(linked) == {parent.run_id}
    served = mlflow.MlflowClient(store.uri, store.uri).get_model_version_by_alias
    assert served("pair-tying", "best").run_id == best.run_id
    assert "6 done of 6" in call(capfd, "status", "pair-tying").out
    # the search goes on with the λs that it goes on with where it came from
    assert call(capfd, "resume", "pair-tying", "toy.txt", "--trials", "4").code == 0
    assert values() == longer
    assert "has a study" in refused(capfd, "restore", str(zipped)).sentence


def rezipped(source: Path, target: Path, change: Any) -> Path:
    """Write the archive anew with ``change`` applied to its entries."""
    with zipfile.ZipFile(source) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return target


@pytest.fixture(scope="module")
def zipped(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("zip") / "tying.zip"
    root = shared.folder("pair", make) / "mlruns"
    archive_module.archive(Store.open(root), root, "pair-tying", path, progress=False)
    return path


def test_an_entry_that_points_outside_or_is_a_link_is_refused(zipped, tmp_path, capfd):
    bad, store = tmp_path / "bad.zip", tmp_path / "store"
    for name in ("../evil", "/etc/evil", "artifacts/../../evil", "a\\..\\b", "C:evil", "x//y"):
        rezipped(zipped, bad, lambda entries, name=name: entries.update({name: b"x"}))
        said = refused(capfd, "restore", str(bad), "--store", str(store)).sentence
        assert "outside its own folder" in said
    shutil.copy(zipped, bad)
    link = zipfile.ZipInfo("artifacts/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(bad, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "which is a link" in refused(capfd, "restore", str(bad), "--store", str(store)).sentence
    assert not store.exists()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, capfd):
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("artifacts/zeros", "w", force_zip64=True) as entry,
    ):
        for _ in range(120):
            entry.write(bytes(1 << 20))
    assert bomb.stat().st_size < 1 << 20
    said = refused(capfd, "restore", str(bomb), "--store", str(tmp_path / "store"))
    assert "125,829,120 bytes, more than 100 times its own size" in said.sentence
    assert not (tmp_path / "store").exists()


def test_damage_is_found(zipped, tmp_path, capfd):
    store = str(tmp_path / "store")

    def changed(entries: dict[str, bytes]) -> None:
        name = next(each for each in entries if each.endswith("vectors.npz"))
        entries[name] = entries[name][:-1]

    def newer(entries: dict[str, bytes]) -> None:
        entries["manifest.json"] = json.dumps({"version": 99}).encode()

    def odd(entries: dict[str, bytes]) -> None:
        content = json.loads(entries["studies.json"])
        content["studies"][0]["parent"]["status"] = ["x"]
        entries["studies.json"] = json.dumps(content).encode()
        manifest = json.loads(entries["manifest.json"])
        digest = hashlib.sha256(entries["studies.json"]).hexdigest()
        manifest["files"]["studies.json"] = digest
        entries["manifest.json"] = json.dumps(manifest).encode()

    for change, said in (
        (changed, "is not what was archived"),
        (newer, "version 99"),
        (odd, "status"),
        (lambda entries: entries.pop("manifest.json"), "is not an archive of a study"),
        (lambda entries: entries.pop("studies.json"), "is missing"),
    ):
        bad = rezipped(zipped, tmp_path / "bad.zip", change)
        assert said in refused(capfd, "restore", str(bad), "--store", store).sentence
    cut = tmp_path / "cut.zip"
    cut.write_bytes(zipped.read_bytes()[:-5000])
    assert "not a whole zip file" in refused(capfd, "restore", str(cut), "--store", store).sentence
    assert not Path(store).exists()


def test_a_restoration_that_was_cut_short_is_not_seen_and_is_done_again(
    zipped, tmp_path, capfd, monkeypatch
):
    from debiaslab.study import archive as restoring

    whole, calls = restoring._restore_run, []

    def cut(*args: Any, **kinds: Any) -> str:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(*args, **kinds)

    store = str(tmp_path / "store")
    with monkeypatch.context() as patch:
        patch.setattr(restoring, "_restore_run", cut)
        refused(capfd, "restore", str(zipped), "--store", store, code=130)
    assert Store.open(store).studies() == []
    assert call(capfd, "restore", str(zipped), "--store", store).code == 0
    assert len(children("pair-tying", store)) == 6
    said = call(capfd, "prune-store", "--store", store, "--yes")
    assert "removed 2 runs" in said.out
    assert len(children("pair-tying", store)) == 6


# prune-store ----------------------------------------------------------------------------------


def test_prune_store_says_first_and_removes_only_what_crashed(own, capfd):
    store = Store.open("mlruns")
    before = values()
    study = store.study_named("pair-tying")
    dead = replace(this_process(), started="0:0")
    owner = {PROCESS_TAG: f"{dead.host} {dead.pid} {dead.started}"}
    tags = {"debiaslab.kind": "trial", "debiaslab.trial": "7"}
    crashed = store.start(
        "crashed", parent=study.run_id, params={}, tags={**tags, **owner}, dataset=None
    )
    crashed.text("half", "half.txt")
    alive = store.start("alive", parent=study.run_id, params={}, tags=tags, dataset=None)
    failed = store.start("failed", parent=study.run_id, params={}, tags=tags, dataset=None)
    failed.finish("FAILED", "the loss became nan")
    stray = own / "mlruns" / "artifacts" / ("a" * 32)
    stray.mkdir()
    temporary = own / "submissions" / ".pair.csv.abcd1234"
    temporary.write_text("half")
    fresh = own / "submissions" / ".pair.csv.wxyz1234"
    fresh.write_text("being written")
    old = time.time() - 7200
    for path in (stray, temporary):
        os.utime(path, (old, old))
    said = call(capfd, "prune-store").out
    holds(said, "crashed", "nothing was removed; next: python -m debiaslab prune-store --yes")
    assert stray.is_dir()
    said = call(capfd, "prune-store", "--yes").out
    assert "removed 1 runs, 2 files and folders, 0 checkpoints" in said
    assert [path.exists() for path in (stray, temporary, fresh)] == [False, False, True]
    assert not list((own / "mlruns" / "artifacts").rglob("half.txt"))
    names = {run.name for run in children("pair-tying")}
    assert names & {"crashed", "alive", "failed"} == {"alive", "failed"}
    alive.finish("FAILED")
    assert call(capfd, "prune-store", "--yes", "--failed").code == 0
    assert values() == before
    nothing = "nothing is left over: looked at the runs, files and checkpoints of mlruns"
    assert nothing in call(capfd, "prune-store").out


def cut_short(folder: Path, owner: dict[str, str], seed: int) -> Path:
    """Leave the checkpoint of a training that was killed."""
    checkpoint = Checkpoints(folder, every=0.0, shared=True)
    checkpoint.owner.update(owner)
    with checkpoint.opened({"seed": seed}) as slot:
        assert slot is not None
        slot.save(State({}, {"vectors": np.zeros(3)}))
    return folder / f"{key_of({'seed': seed})}.npz"


def test_prune_store_keeps_the_checkpoints_that_a_study_would_go_on_from(own, capfd):
    store = Store.open("mlruns")
    folder = own / "mlruns" / "checkpoints"
    ended, open_ = (store.study_named(f"pair-{name}") for name in ("tying", "projection"))
    store.resume(open_.run_id).finish("KILLED", "interrupted by Ctrl-C")
    done = next(run for run in store.runs(open_.run_id) if run.kind == "trial")
    missing = {**done.params, "weight": "0.5"}
    gone = store.study("gone", create=True, params={}, tags={}, description="")
    store.remove(gone)
    left = [
        cut_short(folder, owner_of(ended.run_id, missing), 1),
        cut_short(folder, owner_of(open_.run_id, done.params), 2),
        cut_short(folder, owner_of(gone, missing), 3),
    ]
    kept = [
        cut_short(folder, owner_of(open_.run_id, missing), 4),
        cut_short(folder, owner_of("f" * 32, missing), 5),
        cut_short(folder, {}, 6),  # by a version that did not say
    ]
    damaged, fresh = folder / "0123.damaged", folder / "4567.lock"
    damaged.write_text("half")
    fresh.write_text("")
    os.utime(damaged, (time.time() - 7200,) * 2)
    holds(
        call(capfd, "prune-store").out,
        "0.5, seed 1 of pair-projection, which can be resumed (--checkpoints",
        "0.5, seed 1 of pair-tying, which has ended",
        f"{left[2].name}: of a study that was deleted",
        "4 checkpoints",
    )
    assert all(path.is_file() for path in (*left, *kept, damaged))

    with Checkpoints(folder, shared=True).opened({"seed": 3}):  # a training in progress
        removed = "removed 0 runs, 0 files and folders, 3 checkpoints"
        assert removed in call(capfd, "prune-store", "--yes").out
        assert left[2].is_file()
    assert not any(path.exists() for path in (*left[:2], damaged))
    assert all(path.is_file() for path in (*kept, fresh))
    assert call(capfd, "prune-store", "--yes", "--checkpoints").code == 0
    assert [path.name for path in folder.iterdir()] == [fresh.name]
