"""The benchmark scripts and the bench command: that they measure and report, never how fast."""

from __future__ import annotations

import csv
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from debiaslab import bench, cli
from debiaslab.corpus import Corpus, CorpusSettings
from debiaslab.errors import UserError
from debiaslab.sgns import TrainSettings
from experiments.benchmarks import __main__ as benchmarks
from experiments.benchmarks import measuring
from experiments.benchmarks import setup as setups
from experiments.benchmarks.measuring import Finished, alternate, in_fresh_process, watched
from experiments.benchmarks.results import Row, save, table
from experiments.benchmarks.rows.growth import exponent
from experiments.benchmarks.rows.sides import gensim, ours
from experiments.benchmarks.setup import A, B, NoDataError, Setup
from experiments.benchmarks.workers.penalty_words import projection_over_300_words

ALL_SIZES = bench.BATCH_SIZES


@pytest.fixture
def text(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    words = np.array([f"w{i}" for i in range(300)])
    lines = [" ".join(words[np.minimum(rng.zipf(1.3, 200) - 1, 299)]) for _ in range(30)]
    path = tmp_path / "toy.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def corpus(text: Path, tmp_path: Path) -> Corpus:
    return Corpus.build([text], cache=tmp_path / "cache", progress=False)


# The bench command ----------------------------------------------------------------------------


def test_a_slice_is_marked_extrapolated_and_the_whole_is_not(corpus, monkeypatch):
    monkeypatch.setattr(bench, "BATCH_SIZES", (2, 4096))
    small, large = bench.time_batch_sizes(
        corpus, bench.homework_settings(), seconds=0.01, progress=False
    )
    assert (len(ALL_SIZES), ALL_SIZES[0], ALL_SIZES[-1]) == (14, 2, 16_384)
    assert small.extrapolated
    assert small.measured_words < corpus.tokens
    assert not large.extrapolated
    assert large.measured_words == corpus.tokens
    for each in (small, large):
        assert len(each.measurements) == 3
        assert each.seconds == sorted(each.measurements)[1]
        assert each.seconds == pytest.approx(corpus.tokens / each.words_per_second)


def test_the_start_of_a_corpus_keeps_its_vocabulary(corpus):
    start = bench.first_tokens(corpus, 500)
    assert start.words == corpus.words
    assert start.tokens == np.count_nonzero(start.ids >= 0)
    assert 480 < start.tokens <= 501
    assert bench.first_tokens(corpus, corpus.tokens) is corpus


def test_thread_counts_double_up_to_the_most():
    for most, counts in ((1, (1,)), (2, (1, 2)), (4, (1, 2, 4)), (6, (1, 2, 4, 6))):
        assert bench.thread_counts(most) == counts


def test_threads_are_timed_and_written(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr("debiaslab.bench._LEAST_WORDS", 1)
    (speed,) = bench.time_threads(corpus, TrainSettings(dim=8), (1,), progress=False)
    assert len(speed.measurements) == 3
    assert speed.words_per_second == sorted(speed.measurements)[1] > 0
    written, figure = bench.write_threads([speed], "title", tmp_path)
    with written.open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert float(row["words_per_second"]) == speed.words_per_second
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_the_command_writes_a_table_and_a_figure(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench, "BATCH_SIZES", (64, 4096))
    assert cli.main(["bench", "batch-size", str(text), "--seconds", "0.01"]) == 0
    said = capsys.readouterr().out
    assert "bench-batch-size.csv" in said
    assert "toy" in said
    with (tmp_path / "bench-batch-size.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["batch_size"] for row in rows] == ["64", "4096"]
    assert rows[1]["extrapolated"] == "False"
    runs = sorted(float(rows[1][f"run_{i}"]) for i in (1, 2, 3))
    assert float(rows[1]["epoch_seconds"]) == runs[1]
    assert (tmp_path / "bench-batch-size.png").read_bytes().startswith(b"\x89PNG")


def test_bad_input_is_one_sentence(capsys, monkeypatch):
    """More of it in test_bad_input."""
    monkeypatch.setattr("debiaslab.bench.time_threads", pytest.fail)  # not after measuring
    for arguments, sentence in (
        (["batch-size", "--seconds", "nan"], "--seconds was nan"),
        (["batch-size", "--seconds", "0"], "--seconds must be above 0, got 0.0"),
        (["threads", "--threads", "0"], "--threads must be at least 1, got 0"),
        (["threads", "--threads", "100000"], f"from 1 to {os.cpu_count()}, got 100000"),
        (["threads", "--out", "/proc/here"], "cannot write /proc/here"),  # to root too
    ):
        assert cli.main(["bench", *arguments]) == 2
        said = capsys.readouterr().err
        assert sentence in said
        assert said.count("\n") == 1


# The benchmark scripts ------------------------------------------------------------------------


def test_both_sides_are_given_the_same_setting():
    for setting in (A, B):
        mine = TrainSettings(**ours(setting, threads=1, epochs=3, seed=4))
        theirs = gensim(setting, threads=1, epochs=3, seed=4)
        assert (theirs["vector_size"], theirs["window"]) == (mine.dim, mine.window)
        assert (theirs["negative"], theirs["epochs"]) == (mine.negatives, mine.epochs)
        assert theirs["shrink_windows"] == mine.dynamic
        assert (theirs["alpha"], theirs["sample"]) == (mine.lr, mine.subsample)
        assert theirs["min_alpha"] == pytest.approx(mine.lr * mine.lr_min)
        assert theirs["min_count"] == CorpusSettings().min_count


def test_sides_are_measured_in_alternation():
    order: list[str] = []

    def side(name: str, turn: int) -> Finished:
        order.append(f"{name}{turn}")
        return Finished({"turn": turn}, 1.0, 1.0, None, 0.0)

    found = alternate("test", 2, a=partial(side, "a"), b=partial(side, "b"))
    assert order == ["a0", "b0", "a1", "b1"]
    assert [run.said["turn"] for run in found["b"]] == [0, 1]


def test_what_others_disturbed_is_measured_again_and_the_quietest_kept(tmp_path, monkeypatch):
    cores = os.cpu_count() or 1
    others = iter([cores + 2.0, cores + 1.0, 0.0, cores + 3.0])
    monkeypatch.setattr(measuring, "busy_others", lambda _seconds: 0.0)
    monkeypatch.setattr(
        measuring, "watched", lambda _command: Finished({}, 1.0, 1.0, None, next(others))
    )
    patient = Setup(repeats=1, quick=False, work=tmp_path, data=None, patience=60)
    assert in_fresh_process("any", patient, 1).others == 0.0  # at the third attempt
    hasty = Setup(repeats=1, quick=False, work=tmp_path, data=None, patience=0)
    assert in_fresh_process("any", hasty, 1).others == cores + 3.0


def test_memory_and_time_of_a_process_are_seen_and_a_failing_one_says_why():
    code = "import time; x = bytearray(200 << 20); time.sleep(0.3); print('{\"said\": 1}')"
    finished = watched([sys.executable, "-c", code])
    assert finished.said == {"said": 1}
    assert finished.seconds > 0.3
    if Path("/proc/self/statm").exists():
        assert 200 < finished.peak_mib < 300
    with pytest.raises(RuntimeError, match="no such thing"):
        watched([sys.executable, "-c", "raise SystemExit('no such thing')"])


def test_a_row_knows_whether_it_reached_its_bar():
    for value, bar, better, reached in (
        (10.0, 10.0, "≥", True),
        (9.9, 10.0, "≥", False),
        (0.5, 0.5, "≤", True),
        (0.6, 0.5, "≤", False),
        (None, 10.0, "≥", None),
    ):
        assert Row("x", "x", bar, better, value).reached is reached


def test_results_keep_earlier_rows_and_every_measurement(tmp_path):
    path = tmp_path / "results.json"
    sides = {"ours": [4.0, 2.0, 3.0], "gensim": [1.0, 1.0, 1.5]}
    save(path, [Row("a", "first", 2.0, value=3.0, unit="words/s", measurements=sides)])
    save(path, [Row("b", "second", 2.0, note="no data")])
    known = save(path, [Row("c", "third", 2.0, value=1.0)])["rows"]
    assert list(known) == ["a", "b", "c"]
    assert known["a"]["measurements"] == sides
    assert known["a"]["medians"] == {"ours": 3.0, "gensim": 1.0}
    assert known["a"]["ratio_of_each_turn"] == [4.0, 2.0, 2.0]
    assert "python" in known["a"]["made_by"]
    _, first, second, third = table(known.values()).splitlines()
    assert "yes" in first
    assert "not measured (no data)" in second
    assert "NO" in third


def test_a_row_without_its_text_is_not_measured(tmp_path):
    nothing = Setup(repeats=1, quick=False, work=tmp_path, data=None)
    with pytest.raises(NoDataError):
        nothing.large()
    for name in ("homework", "penalty-a-1", "encoded", "growth", "text"):
        (row,) = benchmarks.measured(name, nothing)
        assert row.value is None
        assert "DEBIASLAB_BENCH_DATA" in row.note


def test_the_environment_names_the_texts(tmp_path, monkeypatch):
    monkeypatch.setenv(setups.DATA_VARIABLE, str(tmp_path))
    assert setups.find_data() is None
    for name in (setups.SMALL, setups.LARGE):
        (tmp_path / name).touch()
    assert setups.find_data() == tmp_path


def test_tokens_for_gensim_are_the_tokens_we_train_on(text, tmp_path):
    setup = Setup(repeats=1, quick=False, work=tmp_path, data=None)
    assert setup.tokenized([text]).read_text(encoding="utf-8") == text.read_text(encoding="utf-8")


def test_the_exponent_of_linear_growth_is_one():
    words = {"s": 1e6, "m": 1e7, "l": 1e8}
    assert exponent(words, {k: [n / 5e6] for k, n in words.items()}) == pytest.approx(1.0)
    assert exponent(words, {k: [n**1.2] for k, n in words.items()}) == pytest.approx(1.2)


def test_the_penalty_measured_covers_300_words_and_10_pairs(tmp_path):
    corpus = Corpus.build(cache=tmp_path, progress=False)
    coverage = projection_over_300_words(corpus.words).coverage
    assert coverage.neutral == 300
    assert len(coverage.pairs) == 10


def test_a_quick_run_measures_a_row(tmp_path, capsys):
    assert benchmarks.main(["--rows", "groth"]) == 2
    assert "did you mean 'growth'" in capsys.readouterr().err
    arguments = ["--quick", "--repeats", "1", "--rows", "words-b-1", "--work", str(tmp_path)]
    assert benchmarks.main(arguments) == 0
    said = capsys.readouterr().out
    assert "setting B, 1 thread, words/s ÷ gensim's" in said
    assert (tmp_path / "quick.json").is_file()


def test_too_little_text_is_a_user_error(corpus):
    nothing = replace(corpus, ids=corpus.ids[:0], tokens=0)
    with pytest.raises(UserError):
        bench.time_batch_sizes(nothing, bench.homework_settings(), 0.01, progress=False)
