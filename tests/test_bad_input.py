"""What a user can get wrong: one sentence, exit code 2 (130 for Ctrl-C), nothing recorded lost."""

from __future__ import annotations

import errno
import gzip
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from debiaslab import lexicons
from debiaslab.cli import main
from debiaslab.corpus import Corpus
from debiaslab.sgns import Block
from debiaslab.sgns.trainer import LossMonitor
from debiaslab.system.files import writing_error
from debiaslab.tracking import RunWriter, Store
from debiaslab.vectors import embeddings
from debiaslab.vectors.embeddings import Embeddings
from tests import forking
from tests.command_line import STUDY, TINY, call, refused, runs, write_toy
from tests.expecting import holds
from tests.toys import FEMALE, MALE, toy_text
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("own_folder")
Capture = pytest.CaptureFixture[str]
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
TRAIN = ["train", "toy.txt", *TINY, "--min-count", "1"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of files that are all wrong in their own way, and toy.txt, which is right."""
    folder = tmp_path_factory.mktemp("files")
    text = write_toy(folder).read_bytes()
    contents: dict[str, bytes] = {
        "empty.txt": b"",
        "blank.txt": b"\n \n\n",
        "short.txt": b"one two three\n",
        "latin.txt": b"caf\xe9 au lait\n",
        "binary.txt": bytes(range(256)) * 8,
        "cut.txt.gz": gzip.compress(text)[:3000],
        "fake.txt.gz": text,
        "gz.txt": gzip.compress(text),
        "long-phrase.txt": b"a b c d e f g h i j k l\n",
        "headers.csv": b"left,right\nman,woman\n",
        "ragged.csv": b"word1,word2\nman\n",
        "no-pairs.csv": b"word1,word2\n",
        "ragged-vectors.txt": b"3 2\nman 1 2\nwoman 3\nhe 1 2\n",
        "vectors.txt": b"3 2\nman 1 2\nwoman 3 4\nhe 1 2\n",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    words = ["man", "woman", "he"]
    whole = Embeddings(words, np.ones((3, 4))).save(folder / "vectors.kv").read_bytes()
    (folder / "cut.kv").write_bytes(whole[: len(whole) // 2])
    (folder / "folder").mkdir()
    return folder


@pytest.fixture
def no_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test fail when the corpus is encoded: the mistake could be known before."""

    def build(*_: object, **__: object) -> None:
        pytest.fail("the corpus was encoded first")

    monkeypatch.setattr(Corpus, "build", build)


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test fail when anything is trained: the mistake could be known before."""

    def train(*_: object, **__: object) -> None:
        pytest.fail("a training was started first")

    monkeypatch.setattr("debiaslab.study.run.train", train)


# What is wrong with files and arguments -------------------------------------------------------

CORPUS = [
    ("nofile.txt", "there is no file"),
    ("shrt.txt", "did you mean 'short.txt'?"),
    ("no/such/folder.txt", "the folder no/such does not exist"),
    ("empty.txt", "is empty; allowed: text, one document a line"),
    ("blank.txt", "the text holds no words"),
    ("folder", "is a directory; allowed: text, one document a line; try: name its files: "),
    ("latin.txt", "not valid UTF-8 at line 1"),
    ("binary.txt", "is a binary file"),
    ("cut.txt.gz", "cut short"),
    ("fake.txt.gz", "does not hold gz data"),
    ("gz.txt", "its name does not end in .gz"),
    ("/dev/null", "is not a regular file"),
    ("short.txt", "no word of 3 is seen 5 times or more (the most frequent 1 times); try: "),
    ("toy.txt --min-count 0", "--min-count must be at least 1, got 0"),
    ("toy.txt --min-count many", "--min-count: 'many' cannot be used"),
    ("toy.txt --min-count 1" + "0" * 30, "no word of"),
    ("toy.txt --rare keep", "--rare was 'keep'; allowed: drop, unk"),
    ("toy.txt --mwes nofile", "there is no file nofile"),
    ("toy.txt --mwes empty.txt", "is empty"),
    ("toy.txt --mwes folder", "is a directory"),
    ("toy.txt --mwes latin.txt", "not valid UTF-8"),
    ("toy.txt --mwes long-phrase.txt", "has 12 words; allowed: 2 to 11 words"),
    ("toy.txt --min-cont 3", "did you mean '--min-count'?"),
]
TRAINING = [
    ("--dim 0", "--dim must be from 1 to 1,024, got 0"),
    ("--dim 1.5", "--dim: '1.5' cannot be used; allowed: a whole number"),
    ("--window 99", "--window must be from 1 to 20, got 99"),
    ("--negatives 0", "--negatives must be from 1 to 20, got 0"),
    ("--epochs 0", "--epochs must be from 1 to 10,000, got 0"),
    ("--subsample 2", "--subsample must be from 0 to 1, got 2.0"),
    ("--lr nan", "--lr was nan"),
    ("--lr quick", "--lr: 'quick' cannot be used; allowed: a number"),
    ("--optimizer sgdd", "did you mean 'sgd'?"),
    ("--engine quick", "--engine was 'quick'; allowed: fast, reference"),
    ("--layout x", "allowed: word2vec, homework"),
    ("--device gpu", "--device was 'gpu', which cannot be used here; allowed: cpu"),
    ("--device meta", "try: --device cpu"),
    ("--threads 4096", f"--threads must be from 1 to {os.cpu_count()}, got 4096"),
    ("--patience 0", "--patience must be from 1 to 10,000, got 0"),
    ("--batch-size 0", "--batch-size must be from 1 to 1,048,576, got 0"),
    ("--dynamic --fixed", "--fixed: not allowed with argument --dynamic"),
    ("--cover most", "--cover was 'most'; allowed: tune, vocabulary, all"),
    ("--strategy projektion", "did you mean 'projection'?; try: python -m debiaslab strategies"),
    ("--knob direction", "'direction' is not NAME=VALUE"),
    ("--strategy projection --knob direktion=mean", "did you mean 'direction'?"),
    ("--store empty.txt", "the store empty.txt is a file; allowed: a folder"),
    ("--mwes nofile --dim 0", "--dim must be from 1 to 1,024, got 0"),
]
TRAIN_ONLY = [
    ("--seed -1", "--seed must be from 0 to 2,147,483,647, got -1"),
    ("--strategy projection --weight -1", "--weight must be at least 0, got -1.0"),
    ("--strategy projection --weight nan", "--weight was nan; allowed: a number from 0"),
    ("--weight inf", "--weight was inf; allowed: a number from 0"),
    ("--weight much", "--weight: 'much' cannot be used; allowed: a number"),
    ("--out vectors.vec", "allowed: .txt, .bin, .kv, .npz"),
    ("--out vectors", "try: vectors.kv"),
    ("--out folder", "folder has no ending"),
    ("--out empty.txt/vectors.kv", "cannot write empty.txt/vectors.kv"),
    ("--out " + "a" * 300 + ".kv", "has 303 bytes; allowed: up to 200 bytes"),
    ("--init nofile", "there is no file nofile"),
    ("--init empty.txt", "is empty"),
    ("--init binary.txt", "is not a vector file"),
    ("--init cut.kv", "cut"),
    ("--init vectors.txt --dim 8", "have dimension 2, this training 8; try: --dim 2"),
    ("--tensorboard empty.txt", "cannot write empty.txt"),
    ("--tensorboard empty.txt/events", "empty.txt is a file, not a folder"),
]
SWEEP_ONLY = [
    ("--strategy none", "strategy 'none' has no λ to search; allowed: adversarial"),
    ("--knob weight=1", "λ is not a knob"),
    ("--trials 0", "--trials must be from 1 to 100,000, got 0"),
    ("--trials 1e9", "--trials: '1e9' cannot be used"),
    ("--seeds -1", "--seeds must be from 1 to 1,000, got -1"),
    ("--seeds 1000000000", "--seeds must be from 1 to 1,000, got 1000000000"),
    ("--bias-weight nan", "--bias-weight was nan"),
    ("--retention-weight -1", "--retention-weight must be at least 0, got -1.0"),
    ("--bias-weight 0 --retention-weight 0", "0"),
    ("--study ../outside", "allowed: a name without slashes"),
    ("--study " + "a" * 300, "has 304 bytes; allowed: up to 200 bytes"),
]
EVALUATE = [  # more of them in test_cli_evaluate
    ("vector.kv", "did you mean 'vectors.kv'?"),
    ("empty.txt", "is empty"),
    ("cut.kv", "cut"),
    ("binary.txt", "is not a vector file"),
    ("ragged-vectors.txt", "line 3 of ragged-vectors.txt has 1 numbers"),
    ("vectors.kv --json empty.txt/card.json", "cannot write empty.txt/card.json"),
    ("vectors.kv --seed -1", "--seed must be from 0 to 2,147,483,647, got -1"),
]
NEIGHBORS = [
    ("", "the following arguments are required: WORD"),
    ("man", "no vectors were named; allowed: exactly one of --vectors, --run, --study"),
    ("man --vectors vectors.kv --study x", "--vectors and --study were given together"),
    ("man --vectors nofile", "there is no file nofile"),
    ("mam --vectors vectors.kv", "did you mean 'man'?"),
    ("man --vectors vectors.kv -n 0", "-n must be at least 1, got 0"),
    ("man --vectors vectors.kv --compare nofile.kv", "there is no file nofile.kv"),
    ("man --study small", "there is no tracking store at"),
    ("king --vectors vectors.kv --analogy man", "'man' is not two words, such as man,woman"),
    ("king --vectors vectors.kv --analogy man,womam", "the word 'womam' is not among the"),
]
EXPORT = [
    ("", "no vectors were named; allowed: exactly one of --study, --run"),
    ("--study small --run x", "--study and --run were given together"),
    ("--study small --out s.xls", "--out was s.xls; allowed: .csv, .zip (CodaLab), .txt, .bin,"),
    ("--study small --format kvv", "did you mean 'kv'?"),
    ("--study small --format npz --out s.csv", "do not go together; try: --out s.npz"),
    ("--study small --out folder/../empty.txt/s.csv", "is a file, not a folder"),
    ("--study small --missing nan", "--missing was nan; allowed: a number from -1"),
    ("--study small --missing 2", "--missing must be from -1 to 1, got 2.0"),
    ("--study small --pairs headers.csv", "allowed: the header word1,word2"),
    ("--study small --pairs ragged.csv", "line 2 of ragged.csv has 1 columns"),
    ("--study small --pairs no-pairs.csv", "holds no pairs"),
    ("--study small --pairs empty.txt", "is empty"),
    ("--study small --pairs latin.txt", "not UTF-8"),
    ("--study small --pairs folder", "is a directory"),
    ("--study small --pairs nofile.csv", "there is no file nofile.csv"),
    ("--study small", "there is no tracking store at"),
]
OTHERS = [
    ("studies", "there is no tracking store at"),
    ("studies --store empty.txt", "the store empty.txt is a file"),
    ("studies extra", "extra is not understood"),
    ("ui", "there is no tracking store at"),
    ("ui --port 0", "--port must be from 1 to 65,535, got 0"),
    ("ui --port 99999", "--port must be from 1 to 65,535, got 99999"),
    ("strategies --all", "--all is not understood"),
    ("bench", "the following arguments are required: SUBJECT; try"),
    ("bench thread", "did you mean 'threads'?"),
    ("bench batchsize", "did you mean 'batch-size'?"),
    ("bench threads nofile.txt", "there is no file nofile.txt"),
    ("bench threads --threads none", "--threads: 'none' cannot be used"),
    ("bench batch-size --seconds -1", "--seconds must be above 0, got -1.0"),
    ("bench batch-size toy.txt --out empty.txt", "empty.txt is a file, not a folder"),
    ("tran toy.txt", "there is no command 'tran'; allowed: corpus, train"),
    ("sweeep", "did you mean 'sweep'?; try: python -m debiaslab --help"),
]


def listed(command: str, cases: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(f"{command} {words}".strip(), said) for words, said in cases]


SLIPS = [
    *(*listed("corpus", CORPUS), *listed("evaluate", EVALUATE), *listed("neighbors", NEIGHBORS)),
    *(*listed("export", EXPORT), *OTHERS),
]
EARLY = [
    *listed("train toy.txt", TRAINING + TRAIN_ONLY),
    *listed("sweep toy.txt", TRAINING + SWEEP_ONLY),
    ("train nofile.txt", "there is no file nofile.txt"),
    ("sweep nofile.txt", "there is no file nofile.txt"),
    ("sweep toy.txt --stategy tying", "did you mean '--strategy'?"),
]


@pytest.mark.parametrize(
    ("words", "said", "early"),
    [*((*each, False) for each in SLIPS), *((*each, True) for each in EARLY)],
)
def test_a_slip_is_one_sentence_and_known_before_the_corpus_is_encoded(
    words, said, early, files, monkeypatch, capfd, request
):
    if early:
        request.getfixturevalue("no_encoding")
    monkeypatch.chdir(files)
    answer = refused(capfd, *words.split())
    assert said in answer.sentence
    assert answer.out == ""
    assert not Path("mlruns").exists()


# What the text lacks --------------------------------------------------------------------------


def without(words: set[str]) -> str:
    lines = toy_text(60).splitlines()
    return "\n".join(" ".join(w for w in line.split() if w not in words) for line in lines)


TOPICS = {*lexicons.load("career_extended").words, *lexicons.load("family_extended").words}
LACKING = {
    "no gender words": ("sweep", without({*MALE, *FEMALE}), "gender pairs"),
    "no gender words in train": (
        *("train --strategy tying", without({*MALE, *FEMALE})),
        "gender pairs",
    ),
    "no objective words": (
        *("sweep", without(TOPICS)),
        "none of the objective's tests has 4 tune words in each set",
    ),
    "no similarity": ("sweep", without({"son", "brother"}), "2 tune pairs of SimLex-999"),
    "no definitional set": (
        "train --strategy tying+multiclass-hard --knob attribute=religion",
        *(toy_text(60), "of the attribute 'religion'"),
    ),
    "no pair left": (
        "compare --strategies projection@1,gender-blind+hard",
        *(toy_text(60), "'gender-blind' leaves no gender pair"),
    ),
}


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("lack", LACKING)
def test_a_text_that_lacks_words_is_refused_before_training(lack, capfd):
    command, text, said = LACKING[lack]
    Path("text.txt").write_text(text, encoding="utf-8")
    name, *rest = command.split()
    holds(
        refused(capfd, name, "text.txt", "--min-count", "1", *TINY, *rest).sentence, said, "try: "
    )


# Stores, studies and runs ---------------------------------------------------------------------


@pytest.mark.usefixtures("own_small", "no_training")
def test_a_study_of_something_else_is_not_continued(capfd):
    before = [(run.run_id, run.status, run.end) for run in runs()]
    marks = "--marks cut where an earlier version cut words at combining marks, "
    for more, said, first in (
        (["--window", "3"], "settings.window: 5 → 3", ""),
        (["--strategy", "tying"], "strategy: projection → tying", ""),
        (["--bias-weight", "2"], "objective.bias_weight: 1.0 → 2.0", ""),
        ([], "(corpus: ", marks),
    ):
        if not more:
            write_toy(Path(), documents=150)
        other = "the study 'small' was made with other settings"
        advice = f"try: {first}another --study NAME"
        holds(refused(capfd, *STUDY, *more).sentence, other, said, advice)
    assert [(run.run_id, run.status, run.end) for run in runs()] == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("export --study smal", "did you mean 'small'?"),
        ("export --run 1234567890abcdef", "there is no run '1234567890abcdef'"),
        ("export --run ../small", "there is no run '../small'"),
        ("neighbors man --study smal", "did you mean 'small'?"),
        ("neighbors man --run nothing", "there is no run 'nothing'"),
        ("neighbors mam --study small", "did you mean 'man'?"),
        ("neighbors man --study small --compare nothing", "there is no run 'nothing'"),
        ("ui --study smal", "did you mean 'small'?"),
        ("ui --host 999.1.1.1", "no port can be opened on 999.1.1.1"),
    ],
)
def test_a_name_that_is_not_in_the_store(words, said, small, monkeypatch, capfd):
    monkeypatch.chdir(small)
    assert said in refused(capfd, *words.split()).sentence


def test_the_run_of_a_study_has_no_vectors_of_its_own(small, monkeypatch, capfd):
    monkeypatch.chdir(small)
    store = Store.open(create=False)
    study, best = store.study_named("small"), store.best("small").run_id
    for words in (["export"], ["neighbors", "man"], ["evaluate"]):
        answer = refused(capfd, *words, "--run", study.run_id)
        assert f"try: --run {best} for its best run" in answer.sentence


@pytest.mark.usefixtures("own_small", "no_training")
@pytest.mark.parametrize("content", [os.urandom(20_000), b"SQLite format 3\0" + bytes(40_000)])
@pytest.mark.parametrize("command", [STUDY, TRAIN, ["studies"], ["export", "--study", "small"]])
def test_a_damaged_tracking_store(command, content, capfd):
    Path("mlruns/mlflow.db").write_bytes(content)
    answer = refused(capfd, *command)
    assert "mlflow.db" in answer.sentence
    assert "try: move that file aside" in answer.sentence


@pytest.mark.usefixtures("own_small")
@pytest.mark.parametrize("how", ["garbage", "cut"])
def test_a_damaged_search_database_costs_no_training(how, capfd, no_training):
    database = Path("mlruns/optuna.db")
    with closing(sqlite3.connect(database)) as connection:  # its log would mend it
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = database.read_bytes()
    database.write_bytes(os.urandom(20_000) if how == "garbage" else whole[: len(whole) // 3])
    answer = refused(capfd, *STUDY)
    assert "optuna.db cannot be used" in answer.sentence
    assert "move that file aside" in answer.sentence
    database.unlink()
    assert call(capfd, *STUDY).code == 0  # the same λs, which are in MLflow, are not trained again


@pytest.mark.usefixtures("own_small")
def test_the_files_of_the_best_run_are_gone(capfd):
    best = Store.open(create=False).best("small")
    shutil.rmtree(Path("mlruns/artifacts") / best.run_id)
    assert "are gone from the store" in refused(capfd, *STUDY).sentence
    assert "has no vectors" in refused(capfd, "export", "--study", "small").sentence


@pytest.mark.usefixtures("own_small")
def test_a_study_goes_on_in_another_store_with_the_same_runs(monkeypatch, tmp_path, capfd):
    before = call(capfd, *STUDY)
    database = tmp_path / "elsewhere" / "runs.db"
    kept = Path("mlruns/mlflow.db").read_bytes()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    again = call(capfd, *STUDY)
    assert again.code == 0, again.err
    assert (
        "2 runs of the study were not in the tracking store: they were trained again" in again.err
    )
    assert table(again.out) == table(before.out)
    assert database.is_file()
    assert Path("mlruns/mlflow.db").read_bytes() == kept
    assert {run.status for run in runs()} == {"FINISHED"}
    assert "small" in call(capfd, "studies").out


def table(printed: str) -> str:
    """The table alone: whether anything was left to train is said before it."""
    return printed[printed.index("   trial  ") :].partition("one seed")[0]


@pytest.mark.usefixtures("no_encoding")
def test_a_server_that_does_not_answer_is_known_before_the_corpus_is_encoded(monkeypatch, capfd):
    write_toy(Path())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://someone:secret@127.0.0.1:9")
    answer = refused(capfd, *TRAIN)
    assert "127.0.0.1:9" in answer.sentence
    assert "unset MLFLOW_TRACKING_URI" in answer.sentence
    assert "secret" not in answer.sentence


# No space -------------------------------------------------------------------------------------


def test_no_space_for_the_cache(monkeypatch, capfd):
    write_toy(Path())
    monkeypatch.setattr("debiaslab.corpus.cache.np.save", raising(FULL))
    answer = refused(capfd, "corpus", "toy.txt")
    assert "no space left on disk" in answer.sentence
    assert "try: free some space" in answer.sentence
    assert not list(Path("data/cache").glob("*/*"))
    monkeypatch.undo()


LIMITED = """
import resource, sys
from debiaslab.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("command", "most", "said"),
    [
        (["corpus", "toy.txt"], 10_000, "no space left on disk"),
        (TRAIN, 200_000, "the tracking store"),  # MLflow's tables are larger
    ],
)
def test_a_file_that_may_grow_no_further_leaves_none(command, most, said, tmp_path):
    """A real limit of the system: what a quota or a full disk looks like from inside."""
    write_toy(tmp_path)
    done = forking.run(["-c", LIMITED, most, *command], cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    holds(done.stderr, said, none_of=["Traceback"])
    if command is not TRAIN:
        assert not list((tmp_path / "data" / "cache").glob("*/*"))
    assert not list((tmp_path / "mlruns").glob("mlflow.db*"))


@pytest.mark.usefixtures("own_small")
def test_no_space_for_the_vectors_loses_no_training(monkeypatch, capfd):
    Path("before.kv").write_bytes(b"what was there before")
    with monkeypatch.context() as patch:
        patch.setitem(embeddings._WRITERS, "kv", raising(FULL))
        answer = refused(capfd, *TRAIN, "--out", "before.kv")
    assert "no space left on disk while writing before.kv" in answer.sentence
    assert Path("before.kv").read_bytes() == b"what was there before"
    run = runs()[-1]
    assert run.status == "FINISHED"
    assert f"export --run {run.run_id}" in answer.sentence
    assert call(capfd, "export", "--run", run.run_id, "--out", "later.kv").code == 0
    assert len(Embeddings.load("later.kv")) > 100


def test_no_space_for_the_store_in_mid_sweep_is_no_fault_of_λ(own_small, monkeypatch, capfd):
    more = [*STUDY[:-1], "fuller"]
    full = raising(writing_error(Path("vectors.npz"), FULL))  # as the store puts it
    with monkeypatch.context() as patch:
        # of a run: vectors and submission
        patch.setattr(RunWriter, "file", after(2, full, RunWriter.file))
        answer = refused(capfd, *more)
    assert "no space left on disk" in answer.sentence
    assert [run.status for run in runs()[-2:]] == ["FINISHED", "FAILED"]  # baseline, first λ
    assert call(capfd, *more).code == 0
    study = optuna.load_study(
        study_name="fuller", storage=f"sqlite:///{own_small}/mlruns/optuna.db"
    )
    weights = [trial.params["weight"] for trial in study.trials]
    assert len(weights) == 3
    assert weights[0] == weights[1]  # the one that was cut short came again
    assert [bool(trial.user_attrs.get("interrupted")) for trial in study.trials] == [1, 0, 0]


@pytest.mark.usefixtures("own_small")
def test_no_space_for_the_search_database(monkeypatch, capfd):
    import sqlalchemy

    full = sqlalchemy.exc.OperationalError("UPDATE", {}, Exception("database or disk is full"))
    monkeypatch.setattr("debiaslab.study.search.Search.propose", raising(full))
    answer = refused(capfd, *STUDY, "--trials", "3")
    assert "optuna.db cannot be used: database or disk is full" in answer.sentence
    assert "what was recorded is kept" in answer.sentence


def test_no_space_for_a_librarys_own_files(files, monkeypatch, capfd):
    monkeypatch.chdir(files)
    monkeypatch.setattr("debiaslab.metrics.evaluate", raising(FULL))
    answer = refused(capfd, "evaluate", "vectors.kv")
    assert "no space left on disk while writing a temporary file" in answer.sentence


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_no_space_for_what_is_printed(files):
    with Path("/dev/full").open("w") as full:
        command = ["-m", "debiaslab", "evaluate", "vectors.kv"]
        done = forking.run(command, cwd=files, stdout=full)
    assert done.returncode == 2
    assert done.stderr.startswith("debiaslab: the output cannot be written: No space left")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.usefixtures("no_encoding")
@pytest.mark.parametrize("command", [TRAIN, [*STUDY]])
def test_a_folder_that_may_not_be_written(command, capfd):
    Path("closed").mkdir(mode=0o500)
    os.chdir("closed")
    Path("../toy.txt").write_text(toy_text(20), encoding="utf-8")
    answer = refused(capfd, command[0], "../toy.txt", *command[2:])
    assert "may not be written" in answer.sentence or "you may write to" in answer.sentence


# Ctrl-C, SIGTERM and losses that are no numbers -----------------------------------------------


def test_ctrl_c_in_mid_encoding_leaves_nothing_half_written(monkeypatch, capfd):
    write_toy(Path())
    monkeypatch.setattr("debiaslab.corpus.corpus.choose_vocabulary", raising(KeyboardInterrupt()))
    answer = refused(capfd, "corpus", "toy.txt", code=130)
    assert answer.sentence == "interrupted; nothing half-written is left"
    assert not list(Path("data/cache").glob(".building*"))
    assert not list(Path("data/cache").glob("*/*"))


@pytest.mark.usefixtures("own_small")
def test_ctrl_c_in_mid_training(monkeypatch, capfd):
    monkeypatch.setattr(LossMonitor, "update", raising(KeyboardInterrupt()))
    refused(capfd, *TRAIN, "--out", "cut.kv", code=130)
    run = runs()[-1]
    assert run.status == "KILLED"
    assert run.tags["debiaslab.reason"] == "interrupted by Ctrl-C"
    assert not Path("cut.kv").exists()


@pytest.mark.usefixtures("own_small")
def test_sigterm_closes_the_run(monkeypatch, capfd):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(
        LossMonitor, "update", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)
    )
    with pytest.raises(SystemExit) as ended:
        main([*TRAIN, "--out", "cut.kv"])
    assert ended.value.code == 128 + signal.SIGTERM
    assert runs()[-1].status == "KILLED"
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.usefixtures("own_small")
def test_ctrl_c_in_mid_sweep_loses_nothing(monkeypatch, capfd):
    more = [*STUDY[:-1], "stopped"]
    update = LossMonitor.update

    def stop(monitor: LossMonitor, block: Block, epoch: int) -> None:
        if block.penalty:  # the baseline has none
            raise KeyboardInterrupt
        update(monitor, block, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(LossMonitor, "update", stop)
        answer = refused(capfd, *more, code=130)
    assert "what was recorded is kept; try: the same command again" in answer.sentence
    assert [run.status for run in runs()[-3:]] == ["KILLED", "FINISHED", "KILLED"]
    again = call(capfd, *more)
    assert again.code == 0
    assert table(again.out) == table(call(capfd, *STUDY).out)
    baselines = [run for run in runs() if run.name == "baseline seed=1"]
    assert len(baselines) == 2  # of this study and of the one before: it was not trained again
    assert "RUNNING" not in {run.status for run in runs()}


@pytest.mark.usefixtures("own_small")
def test_a_loss_that_is_no_number_fails_the_run_with_its_reason(capfd):
    wild = ["--engine", "reference", "--lr", "10", "--batch-size", "4096", "--epochs", "50"]
    answer = refused(capfd, *TRAIN, *wild, "--out", "wild.kv")
    assert "the loss became" in answer.sentence
    assert "a smaller --lr (now 10)" in answer.sentence
    run = runs()[-1]
    assert run.status == "FAILED"
    assert run.tags["debiaslab.reason"] == answer.sentence
    store = Store.open(create=False)
    assert "provenance.json" in store.artifacts(run.run_id)  # what ran is known all the same
    assert not Path("wild.kv").exists()


@pytest.mark.usefixtures("own_small")
def test_a_weight_that_cannot_be_trained_counts_as_tried(monkeypatch, capfd):
    update = LossMonitor.update

    def lost(monitor: LossMonitor, block: Block, epoch: int) -> None:
        update(monitor, replace(block, loss=math.nan) if block.penalty else block, epoch)

    monkeypatch.setattr(LossMonitor, "update", lost)
    answer = refused(capfd, *STUDY[:-1], "hopeless")
    assert "every λ of the study 'hopeless' failed: the loss became nan" in answer.sentence
    failed = [run for run in runs() if run.status == "FAILED"]
    assert len(failed) == 2
    assert all("the loss became nan" in run.tags["debiaslab.reason"] for run in failed)


def test_a_bug_is_not_hidden(files, monkeypatch):
    monkeypatch.chdir(files)
    for bug in (KeyError("x"), OSError(errno.EBADF, "Bad file descriptor"), RuntimeError("y")):
        monkeypatch.setattr("debiaslab.metrics.evaluate", raising(bug))
        with pytest.raises(type(bug)):
            main(["evaluate", "vectors.kv"])


# The MLflow UI --------------------------------------------------------------------------------


def test_a_ui_that_does_not_start(small, monkeypatch, capfd):
    monkeypatch.chdir(small)
    monkeypatch.setattr("debiaslab.tracking.ui_command", command("raise SystemExit(3)"))
    said = call(capfd, "ui")
    assert said.code == 2
    assert "the MLflow UI ended with exit code 3; try: --port" in said.sentence


def test_ctrl_c_ends_the_ui_and_its_workers(small, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(small)
    noted = tmp_path / "worker"
    server = f"""
import pathlib, subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path({str(noted)!r} + ".new").write_text(str(worker.pid))
pathlib.Path({str(noted)!r} + ".new").rename({str(noted)!r})
time.sleep(600)
"""
    monkeypatch.setattr("debiaslab.tracking.ui_command", command(server))
    threading.Thread(target=interrupt_when, args=(noted,), daemon=True).start()
    said = call(capfd, "ui")
    assert said.code == 0, said.err
    assert said.out.rstrip().endswith("the MLflow UI has ended")
    until(partial(ended, int(noted.read_text())))


def command(program: str) -> Callable[..., list[str]]:
    return lambda *_, **__: [sys.executable, "-c", program]


def interrupt_when(path: Path) -> None:
    until(path.exists)
    os.kill(os.getpid(), signal.SIGINT)


def ended(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return not state.stdout.strip() or state.stdout.startswith("Z")


# Helpers --------------------------------------------------------------------------------------


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def after(calls: int, then: Callable[..., Any], first: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is ``first`` for some calls, and ``then`` from there on."""
    left = iter(range(calls))

    def call_it(*words: Any, **named: Any) -> Any:
        return (then if next(left, None) is None else first)(*words, **named)

    return call_it
