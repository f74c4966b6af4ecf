"""``debiaslab debias``: finished vectors in, debiased vectors out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from debiaslab.vectors.embeddings import Embeddings
from tests.command_line import call, refused
from tests.test_postprocess import KNOBS, NAMES, E, applied, moved

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    E.save("vectors.npz")
    return tmp_path


def debias(capfd: Capture, name: str, *more: str, out: str = "out.npz"):
    return call(capfd, "debias", "--strategy", name, "vectors.npz", "--out", out, *more)


@pytest.mark.parametrize("name", ["equalize-only", *NAMES])
def test_every_strategy_of_finished_vectors_works_on_a_file(capfd, name):
    knobs = [f"--knob={knob}={value}" for knob, value in KNOBS.get(name, {}).items()]
    said = debias(capfd, name, *knobs, "--seed", "0")
    assert said.code == 0, said.err
    after = Embeddings.load("out.npz")
    assert np.array_equal(after.vectors, applied(name).vectors)
    assert f"changed {len(moved(E, after)):,} of {len(E):,} words" in said.out
    assert said.out.endswith("next: python -m debiaslab evaluate out.npz --baseline vectors.npz\n")


@pytest.mark.parametrize("ending", ["txt", "bin", "kv"])
def test_formats_go_in_and_out_by_their_endings(capfd, ending):
    E.save(f"in.{ending}")
    said = call(capfd, "debias", "--strategy", "hard", f"in.{ending}", "--out", f"out.{ending}")
    assert said.code == 0, said.err
    expected = applied("hard").vectors
    assert Embeddings.load(f"out.{ending}").vectors == pytest.approx(expected, abs=1e-5)


def test_what_was_covered_is_said(capfd):
    chosen = ("--cover", "vocabulary", "--weight", "3")
    said = call(capfd, "debias", "--strategy", "soft", "vectors.npz", *chosen)
    assert len(Embeddings.load("debiased.kv")) == len(E)  # where nothing else is asked for
    assert "cover vocabulary: " in said.out
    assert "no report word" in said.out
    assert "14 (man/woman, boy/girl, " in said.out
    assert "not in the vectors" not in said.out
    assert "report words among them" in debias(capfd, "soft").out


def test_pairs_that_are_missing_are_named(capfd):
    kept = [word for word in E.words if word not in ("niece", "girl")]
    Embeddings(kept, np.stack([E[word] for word in kept])).save("vectors.npz")
    said = debias(capfd, "hard")
    assert "not in the vectors: 2 (boy/girl, nephew/niece)" in said.out


def test_the_seed_counts_for_what_is_drawn(capfd):
    results = []
    for seed in ("1", "1", "2"):
        debias(capfd, "random-direction", "--seed", seed)
        results.append(Embeddings.load("out.npz").vectors)
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--strategy", "projection"), "'projection' cannot act on finished vectors.*hard"),
        (("--strategy", "tying+hard"), "'tying' cannot act.*train --strategy tying\\+hard"),
        (("--strategy", "none"), "'none' cannot act"),
        (("--strategy", "hard+leace"), "both erase from the same words"),
        (("--strategy", "hrad"), "no strategy 'hrad'.*did you mean 'hard'"),
        (("--strategy", "hard[pairs=all]"), "brackets.*--strategy hard --knob pairs=all"),
        (("--strategy", "hard", "--knob", "step=3"), "no knob 'step'.*components"),
        (("--strategy", "hard", "--weight", "3"), "'hard' has no λ"),
        (("--strategy", "soft", "--weight", "nan"), "--weight was nan"),
        (("--strategy", "hard", "--cover", "al"), "--cover was 'al'.*did you mean 'all'"),
        (("--strategy", "inlp", "--knob", "steps=few"), "'steps' of 'inlp' was 'few'"),
    ],
)
def test_bad_input_is_refused_before_any_vector_is_read(capfd, words, said):
    import re

    answer = refused(capfd, "debias", "no-such-file.kv", "--out", "out.kv", *words)
    assert re.search(said, answer.sentence), answer.sentence
    assert not Path("out.kv").exists()


def test_the_output_is_checked_before_any_vector_is_read(capfd):
    said = refused(capfd, "debias", "no-such.kv", "--strategy", "hard", "--out", "out.xyz")
    assert "out.xyz" in said.sentence
    Path("somewhere").mkdir()
    said = refused(capfd, "debias", "no-such.kv", "--strategy", "hard", "--out", "somewhere")
    assert "directory" in said.sentence or "ending" in said.sentence


def test_the_baseline_is_not_overwritten(capfd):
    said = refused(capfd, "debias", "vectors.npz", "--strategy", "hard", "--out", "./vectors.npz")
    assert "another file" in said.sentence
    assert np.array_equal(Embeddings.load("vectors.npz").vectors, E.vectors)


def test_vectors_without_the_words_are_refused(capfd):
    Embeddings(["a", "b"], np.eye(2)).save("vectors.npz")
    said = refused(capfd, "debias", "vectors.npz", "--strategy", "hard", "--out", "out.npz")
    assert "0 of the 14 gender pairs" in said.sentence
    said = refused(capfd, "debias", "missing.npz", "--strategy", "hard", "--out", "out.npz")
    assert "no file missing.npz" in said.sentence
    assert not Path("out.npz").exists()
