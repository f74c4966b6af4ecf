"""What commands do to files: none overwrites what it reads or what a store holds, none loses what
it was asked for when nobody reads what it prints, and every one takes odd names."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from debiaslab.cli import COMMANDS, command_class, main
from debiaslab.commands.options import Input, Output, StoreFolder
from debiaslab.leaderboard.export import default_pairs
from debiaslab.system.files import LONGEST_NAME
from debiaslab.tracking import Store
from debiaslab.tracking.names import check_study_name, default_study_name
from debiaslab.vectors.embeddings import Embeddings
from tests.command_line import TINY, Said, bad_advice, call, parser_of, refused, runs, write_toy
from tests.toys import neutral_text

pytestmark = pytest.mark.usefixtures("own_folder")
Capture = pytest.CaptureFixture[str]
SMALL = ["toy.txt", *TINY, "--min-count", "1"]
LISTS = """
name: own
version: "1"
citation: ours
lists:
  up: {words: [word1, word2, word3, word4]}
  down: {words: [word5, word6, word7, word8]}
tests:
  own-test: {X: up, Y: down, A: male_terms, B: female_terms}
"""
FILES = {
    "phrases.txt": "united states\n",
    "sim.csv": "word1,word2,score\nman,woman,1\nboy,girl,2\nson,mother,3\nhe,she,4\n",
    "questions.txt": ": family\nman woman boy girl\n",
    "lists.yaml": LISTS,
    "pairs.csv": "word1,word2\nman,woman\nboy,girl\n",
    "submission.csv": "word1,word2\nman,woman\nboy,girl\n",
    "s.yaml": "corpus: {files: [submissions/of-file.csv], min_count: 1}\nname: of-file\n",
    "two.yaml": "name: two\nstrategies: [projection, pairwise]\n",
    "neutral.txt": neutral_text(1600),
}


@pytest.fixture(scope="module")
def world(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished study and one file of every kind that a command reads."""
    folder = tmp_path_factory.mktemp("world") / "world"
    shutil.copytree(small, folder)
    Store.open(folder / "mlruns")  # knows where it lies now
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["export", "--study", "small", "--out", "a.kv"]) == 0
        assert main(["archive", "small", "small.zip"]) == 0
    vectors = Embeddings.load(folder / "a.kv")
    shutil.copy(folder / "a.kv", folder / "b.kv")
    np.save(folder / "v.npy", vectors.vectors)
    words = "".join(f"{word}\n" for word in vectors.words)
    for name, content in {**FILES, "v.words.txt": words, "w.txt": words}.items():
        (folder / name).write_text(content, encoding="utf-8")
    similarities = np.random.default_rng(0).uniform(-1, 1, len(default_pairs()))
    lines = [f"{a},{b},{s:.8f}" for (a, b), s in zip(default_pairs(), similarities, strict=True)]
    (folder / "s.csv").write_text("\n".join(["word1,word2,sim", *lines, ""]), encoding="utf-8")
    for name in ("comparison.txt", "planted.md", "bench-threads.csv", "text.csv", "of-file.csv"):
        there = folder / "submissions" if name in ("text.csv", "of-file.csv") else folder
        shutil.copy(folder / "toy.txt", there / name)
    (folder / "sets").mkdir()
    shutil.copy(folder / "sim.csv", folder / "sets")
    (folder / "link.txt").symlink_to("toy.txt")
    (folder / "hard.txt").hardlink_to(folder / "toy.txt")
    return folder


@pytest.fixture
def copy(world: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a copy of the world."""
    folder = own_folder / "copy"
    shutil.copytree(world, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder


def digests(folder: Path) -> dict[str, str]:
    """Return what every file holds; of a database, whose pages move when it is closed, its kind."""
    return {
        str(path.relative_to(folder)): str(path.read_bytes()[:16])
        if path.suffix == ".db"
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm", ".lock"))
    }


# An output is something that is read, or inside a store ---------------------------------------

TRAIN = ["train", *SMALL]
COMPARE = ["compare", "comparison.txt", *TINY, "--min-count", "1", "--strategies", "hard"]
ONE = ["--strategies", "hard", "--seeds", "1"]
UNMEASURED = ["--retention-weight", "0"]  # the toy text has no word similarity
READ = [
    ([*TRAIN, "--out", "toy.txt"], "--out toy.txt is a file"),
    ([*TRAIN, "--out", "link.txt"], "--out link.txt is the file toy.txt"),
    ([*TRAIN, "--out", "hard.txt"], "--out hard.txt is the file toy.txt"),
    ([*TRAIN, "--out", "./sets/../toy.txt"], "--out sets/../toy.txt is the file toy.txt"),
    ([*TRAIN, "--init", "a.kv", "--out", "a.kv"], "--out a.kv is a file"),
    ([*TRAIN, "--mwes", "phrases.txt", "--out", "phrases.txt"], "--out phrases.txt is a file"),
    (["evaluate", "a.kv", "--json", "a.kv"], "--json a.kv is a file"),
    (["evaluate", "a.kv", "--baseline", "b.kv", "--csv", "b.kv"], "--csv b.kv is a file"),
    (["evaluate", "a.kv", "--similarity", "sim.csv", "--csv", "sim.csv"], "--csv sim.csv is a"),
    (["evaluate", "a.kv", "--similarity", "sets", "--csv", "sets/sim.csv"], "--csv sets/sim.csv"),
    (["evaluate", "a.kv", "--analogies", "questions.txt", "--json", "questions.txt"], "--json q"),
    (["evaluate", "a.kv", "--lexicon", "lists.yaml", "--json", "lists.yaml"], "--json lists.yaml"),
    (["evaluate", "v.npy", "--words", "w.txt", "--csv", "w.txt"], "--csv w.txt is a file"),
    (["evaluate", "v.npy", "--csv", "v.words.txt"], "--csv v.words.txt is a file"),  # not named
    (["evaluate", "a.kv", "b.kv", "--compare-csv", "b.kv"], "--compare-csv b.kv is a file"),
    (["test", "a.kv", "--against", "b.kv", "--csv", "b.kv"], "--csv b.kv is a file"),
    (["reliability", "a.kv", "b.kv", "--json", "b.kv"], "--json b.kv is a file"),
    (["reliability", "a.kv", "--lexicon", "lists.yaml", "--json", "lists.yaml"], "--json lists"),
    (["score", "submissions/small.csv", "--csv", "submissions/small.csv"], "--csv submissions/"),
    (["corpus", "toy.txt", "--phrases", "toy.txt"], "--phrases toy.txt is a file"),
    (["corpus", "toy.txt", "--mwes", "phrases.txt", "--phrases", "phrases.txt"], "--phrases phr"),
    (["debias", "a.kv", "--strategy", "hard", "--out", "a.kv"], "--out a.kv is a file"),
    (["debias", "v.npy", "--strategy", "hard", "--out", "v.words.txt"], "--out v.words.txt is a"),
    (["export", "--study", "small", "--pairs", "pairs.csv", "--out", "pairs.csv"], "--out pairs"),
    (["export", "--study", "small", "--pairs", "submission.csv"], "--out submission.csv is a"),
    ([*COMPARE, "--out", "."], "--out comparison.txt is a file"),  # written in the folder
    (["planted", "planted.md", *TINY, "--min-count", "1", "--out", "."], "--out planted.md is a"),
    (["bench", "threads", "bench-threads.csv"], "--out bench-threads.csv is a file"),
    (["floor", *SMALL, "--out", "toy.txt"], "--out toy.txt is a file"),
    (["sweep", "submissions/text.csv", *TINY, "--study", "text"], "the CodaLab file submissions/"),
    (["sweep", "s.yaml"], "the CodaLab file submissions/of-file.csv is a file"),
    (["plan", "s.yaml"], "the CodaLab file submissions/of-file.csv is a file"),
]
STORE = [
    ([*TRAIN, "--out", "mlruns/v.kv"], "--out mlruns/v.kv is inside the store mlruns"),
    ([*TRAIN, "--checkpoint", "mlruns/saved"], "--checkpoint mlruns/saved is inside the store"),
    ([*TRAIN, "--tensorboard", "mlruns"], "--tensorboard mlruns is inside the store mlruns"),
    ([*TRAIN, "--store", "new", "--out", "new/v.kv"], "--out new/v.kv is inside the store new"),
    (["evaluate", "a.kv", "--json", "mlruns/mlflow.db"], "is inside the store mlruns"),
    (["evaluate", "a.kv", "--csv", "mlruns/optuna.db"], "is inside the store mlruns"),
    (["evaluate", "a.kv", "--csv", "data/cache/sources.json"], "is inside the cache of corpora"),
    (["evaluate", "a.kv", "--store", "new", "--csv", "mlruns/artifacts/x"], "the store mlruns"),
    (["test", "a.kv", "--against", "b.kv", "--csv", "mlruns/t.csv"], "is inside the store mlruns"),
    (["reliability", "a.kv", "--json", "mlruns/artifacts/a.json"], "is inside the store mlruns"),
    (["score", "submissions/small.csv", "--csv", "mlruns/mlflow.db-wal"], "is inside the store"),
    (["corpus", "toy.txt", "--phrases", "data/cache/phrases.txt"], "is inside the cache"),
    (["debias", "a.kv", "--strategy", "hard", "--out", "mlruns/d.kv"], "is inside the store"),
    (["export", "--study", "small", "--out", "mlruns/v.npz"], "is inside the store mlruns"),
    ([*COMPARE, "--out", "mlruns"], "--out mlruns is inside the store mlruns"),
    (["planted", *SMALL, "--out", "mlruns/artifacts"], "is inside the store mlruns"),
    (["floor", *SMALL, "--out", "data/cache/floor.md"], "is inside the cache of corpora"),
    (["report", "--study", "small", "--out", "mlruns/report.html"], "is inside the store mlruns"),
    (["archive", "small", "mlruns/small.zip"], "mlruns/small.zip is inside the store mlruns"),
    (["bundle", "--out", "mlruns/competition"], "is inside the store mlruns"),
    (["bench", "threads", "toy.txt", "--out", "mlruns"], "is inside the store mlruns"),
]
TWICE = [
    (["evaluate", "a.kv", "--json", "o", "--csv", "./o"], "--json o and --csv o are one file"),
    (
        ["evaluate", "a.kv", "b.kv", "--compare-csv", "c.csv", "--csv", "c.correlations.csv"],
        "--csv c.correlations.csv and --compare-csv c.correlations.csv are one file",
    ),
]


def name_of(case: object) -> str | None:
    return "-".join(case)[:60].replace("/", "_") if isinstance(case, list) else ""


@pytest.mark.parametrize(("words", "said"), [*READ, *STORE, *TWICE], ids=name_of)
def test_what_would_be_lost_is_refused_before_any_work(words, said, world, monkeypatch, capfd):
    monkeypatch.chdir(world)
    before = digests(world)
    answer = refused(capfd, *words)
    assert said in answer.sentence
    assert answer.out == ""
    assert digests(world) == before


def test_a_store_that_the_variable_names(copy, monkeypatch, capfd):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{copy}/runs.db")
    for out in ("runs.db", "runs.db-wal", "artifacts/x.json"):
        assert (
            "is inside the store runs.db"
            in refused(capfd, "evaluate", "a.kv", "--quick", "--json", out).sentence
        )
    assert call(capfd, "evaluate", "a.kv", "--quick", "--json", "beside.json").code == 0


def test_who_works_in_the_folder_of_a_store_may_write_there(copy, monkeypatch, capfd):
    monkeypatch.chdir("mlruns")
    words = ["evaluate", "../a.kv", "--quick", "--json"]
    assert call(capfd, *words, "o.json").code == 0
    assert (copy / "mlruns/o.json").is_file()
    for own in ("mlflow.db", "artifacts/o.json", "checkpoints/o.json"):
        assert "is inside the store" in refused(capfd, *words, own).sentence


def test_a_device_is_not_replaced_by_a_file(copy, capfd):
    os.mkfifo("pipe")
    words = ["evaluate", "a.kv", "--quick", "--json", "pipe"]
    assert "pipe is not a regular file" in refused(capfd, *words).sentence


# Every path is declared -----------------------------------------------------------------------

PATHS = {"FILE", "OUT", "DIR", "FOLDER", "CSV", "CORPUS", "LISTS", "VECTORS", "FILE.zip"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_path_of_a_command_says_whether_it_is_read_or_written(command):
    for action in parser_of(command)._actions:
        if isinstance(action.metavar, str) and set(action.metavar.split("|")) & PATHS:
            kind = action.type("x") if callable(action.type) else None
            store = action.dest == "store"
            assert isinstance(kind, Input | Output | StoreFolder) or store, action.dest


# Nobody reads what is printed -----------------------------------------------------------------

ENDS = {  # command → arguments, and the files it must leave
    "corpus": (["toy.txt", "--phrase-threshold", "0", "--phrases", "o/p.txt"], {"o/p.txt"}),
    "train": ([*SMALL, "--out", "o/v.kv"], {"o/v.kv"}),
    "sweep": (
        ["two.yaml", *SMALL, "--trials", "1", "--seeds", "1", *UNMEASURED],
        {
            f"submissions/two-{name}"
            for name in ("projection.csv", "projection.zip", "pairwise.csv")
        },
    ),
    "plan": (SMALL, set()),
    "status": (["small"], set()),
    "resume": (["small", "--trials", "3"], set()),
    "archive": (["small", "o/s.zip"], {"o/s.zip"}),
    "restore": (["small.zip", "--store", "other"], {"other/mlflow.db", "other/optuna.db"}),
    "reproduce": (["RUN"], set()),
    "delete": (["small", "--yes"], set()),
    "prune-store": (["--yes"], set()),
    "compare": (
        [*SMALL, *ONE, "--no-controls", "--out", "o", *UNMEASURED],
        {f"o/comparison.{ending}" for ending in ("txt", "csv", "md", "tex")},
    ),
    "report": (["--study", "small", "--out", "o/r.html"], {"o/r.html"}),
    "floor": ([*SMALL, "--seeds", "1", "--out", "o/f.md"], {"o/f.md"}),
    "planted": (
        ["neutral.txt", *SMALL[1:], "--seeds", "1", "--doses", "0,1", "--out", "o"],
        {f"o/planted.{ending}" for ending in ("txt", "md", "csv", "png")},
    ),
    "export": (["--study", "small", "--out", "o/s.csv"], {"o/s.csv"}),
    "evaluate": (
        ["a.kv", "b.kv", "--quick", "--json", "o/j", "--csv", "o/c", "--compare-csv", "o/t.csv"],
        {"o/j", "o/c", "o/t.csv"},
    ),
    "test": (["a.kv", "--against", "b.kv", "--csv", "o/t.csv"], {"o/t.csv"}),
    "debias": (["a.kv", "--strategy", "hard", "--out", "o/d.kv"], {"o/d.kv"}),
    "reliability": (["a.kv", "--json", "o/r.json"], {"o/r.json"}),
    "neighbors": (["man", "--vectors", "a.kv"], set()),
    "lexicon": (["check", "--vectors", "a.kv"], set()),
    "strategies": ([], set()),
    "metrics": ([], set()),
    "studies": ([], set()),
    "score": (["s.csv", "--csv", "o/b.csv"], {"o/b.csv"}),
    "bundle": (["--out", "o"], {"o/bundle.zip", "o/competition.yaml"}),
    "bench": (["threads", "toy.txt", "--threads", "1", "--out", "o"], {"o/bench-threads.csv"}),
    "ui": ([], set()),
}
assert set(ENDS) == set(COMMANDS)


@contextmanager
def no_reader(*names: str) -> Iterator[None]:
    """Let nobody read stdout or stderr."""
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.MonkeyPatch.context() as patch, os.fdopen(writing, "w") as stream:
        for name in names:
            patch.setattr(sys, name, stream)
        yield


ODD = "2026-05-01T10:30\udcff"  # a name that a camera or a log gives, with a byte of Latin-1
ODD_INPUTS = ("toy.txt", "a.kv", "b.kv", "s.csv", "small.zip", "neutral.txt", "two.yaml")


def with_odd_names(command: str) -> tuple[list[str], set[str]]:
    """Rename what a command reads; return its arguments, and the files it must leave."""
    Path("o").mkdir()
    words, left = ENDS[command]
    odd = []
    for word in words:
        if word in ODD_INPUTS:
            Path(word).rename(f"{ODD}{word}")
            word = f"{ODD}{word}"
        odd.append(word.replace("o/", f"o/{ODD}"))
    named = "o" not in words  # otherwise what is in the folder has the names it always has
    left = {each.replace("o/", f"o/{ODD}", 1) if named else each for each in left}
    return [runs()[1].run_id if word == "RUN" else word for word in odd], left


@pytest.mark.usefixtures("copy")
@pytest.mark.parametrize(
    ("command", "read"),
    [(command, read) for command in COMMANDS for read in (True, False)],
)
def test_every_command_takes_odd_names_and_loses_no_file_when_nobody_reads_what_it_prints(
    command, read, monkeypatch, capfd
):
    monkeypatch.setattr("debiaslab.bench._LEAST_WORDS", 10_000)
    monkeypatch.setattr("debiaslab.commands.report._serve", lambda *_: 0)
    words, left = with_odd_names(command)
    if read:
        assert call(capfd, command, *words).code == 0
    else:
        with no_reader("stdout", "stderr"):
            assert main([command, *words]) == 0
    assert {name for name in left if not Path(name).is_file()} == set()
    assert not [name for name in digests(Path()) if name.startswith("o/.")]


def test_a_full_disk_under_stdout_loses_no_file_either(copy, capfd):
    with open("/dev/full", "w") as full, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", full)
        assert main(["reliability", "a.kv", "--json", "r.json"]) == 2
    assert Path("r.json").stat().st_size > 0
    assert "the output cannot be written: No space left" in capfd.readouterr().err


def test_leftovers_are_removed_though_nobody_reads_the_list(copy):
    left = Path("submissions/.small.csv.abcd1234")
    left.write_text("half")
    os.utime(left, (0, 0))
    with no_reader("stdout"):
        assert main(["prune-store", "--yes"]) == 0
    assert not left.exists()


# Names of studies ------------------------------------------------------------------------------

NO_NAMES = ["a/b", "a:b", "a\\b", ".a", "a\nb", " ", "a\udcff"]


@pytest.mark.parametrize(
    ("command", "name"),
    [(c, name) for c in ("sweep", "compare", "floor", "planted") for name in NO_NAMES],
)
def test_a_name_that_is_none_is_refused_before_there_is_a_study(command, name, tmp_path, capfd):
    write_toy(tmp_path)
    Path("neutral.txt").write_text(FILES["neutral.txt"], encoding="utf-8")
    options = ["--strategies", "projection"] if command == "compare" else []
    text = "neutral.txt" if command == "planted" else "toy.txt"
    answer = refused(capfd, command, text, *SMALL[1:], *options, "--study", name)
    assert f"the name of the study was {name!r}" in answer.sentence
    assert not (tmp_path / "mlruns").exists() or runs() == []


@pytest.mark.parametrize("stem", ["2026-05-01T10:30", "a\\b", "x\udcff", "e" * 240, "tab\there"])
def test_every_text_gives_a_default_name_that_is_valid(stem):
    name = default_study_name("cds+projection", stem, "0123456789")
    check_study_name(name)
    assert name.endswith("-012345")
    assert len(f"{name}.zip".encode()) <= LONGEST_NAME
    assert default_study_name("tying", "enwiki-106", "c95120ff") == "tying-enwiki-106-c95120"


def test_a_label_is_blamed_for_a_name_that_it_spoils(tmp_path, capfd):
    write_toy(tmp_path)
    lines = "name: good\nstrategies: [{name: projection, label: a/b}, pairwise]\n"
    Path("two.yaml").write_text(lines)
    assert "the label of a strategy" in refused(capfd, "sweep", "two.yaml", "toy.txt").sentence


# A study is named by its place or by --study ---------------------------------------------------


@pytest.mark.parametrize("command", ["status", "resume", "archive", "report", "export"])
def test_a_study_is_named_both_ways(command, monkeypatch):
    asked: list[str] = []
    found = command_class(command)
    monkeypatch.setattr(found, "run", lambda self: asked.append(self.study) or iter(()))
    rest = {"archive": ["o.zip"], "export": ["--out", "o.npz"]}.get(command, [])
    option = ["--study", "small"]
    ways = ["small", *rest], [*option, *rest], ["--study=small", *rest], [*rest, *option]
    for words in ways:
        assert main([command, *words]) == 0
    assert asked == ["small"] * len(ways)


@pytest.mark.parametrize("command", ["status", "resume", "archive", "report", "export"])
def test_a_study_that_is_named_both_ways_is_the_same(command, copy, capfd):
    rest = {"archive": ["o.zip"], "export": ["--out", "o.npz"]}.get(command, [])
    option, firsts = ["--study", "small"], set()
    for words in (["small", *rest], [*option, *rest], ["--study=small", *rest], [*rest, *option]):
        answer = call(capfd, command, *words)
        assert answer.code == 0, answer.err
        firsts.add(answer.out.splitlines()[0])
        Path("o.zip").unlink(missing_ok=True)
    assert len(firsts) == 1


# A folder that was deleted, or in which nothing can be written ----------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_a_deleted_working_folder_is_one_sentence(command, tmp_path, monkeypatch, capfd):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    answer = refused(capfd, command, *ENDS[command][0])
    assert "the folder that this shell works in cannot be used" in answer.sentence
    monkeypatch.chdir(tmp_path)


WRITERS = sorted(
    command for command, (words, _) in ENDS.items() if any(word.startswith("o") for word in words)
)


@pytest.mark.parametrize("command", WRITERS)
def test_a_folder_that_cannot_be_written_is_told_before_any_work(
    command, world, monkeypatch, capfd
):
    monkeypatch.chdir(world)
    words = [re.sub("^(o|other)(?=/|$)", "/proc", word) for word in ENDS[command][0]]
    answer = refused(capfd, command, *words)
    assert "/proc" in answer.sentence
    assert answer.out == ""


@pytest.mark.parametrize("bad", ["--nothing", "python -m debiaslab nothing"])
def test_advice_that_nothing_takes_is_noticed(bad):
    known = "--trials 3, or python -m debiaslab status NAME --store elsewhere"
    assert bad_advice("compare", Said(2, "", f"debiaslab: x; try: {known}\n")) == []
    assert bad_advice("compare", Said(2, "", f"debiaslab: x; try: {bad}\n")) == [bad.split()[-1]]
