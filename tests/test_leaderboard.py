"""The scoring program, files it must refuse, and the competition bundle."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.stats import spearmanr

from debiaslab.cli import main
from debiaslab.errors import UserError
from debiaslab.leaderboard import scoring
from debiaslab.leaderboard.export import codalab, default_pairs
from debiaslab.leaderboard.local import default_reference, score_files, write_bundle
from debiaslab.leaderboard.scoring import Reference, SubmissionError, read_submission, score
from debiaslab.lexicons import load
from debiaslab.metrics import weat
from debiaslab.vectors.embeddings import Embeddings
from tests.expecting import holds

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "pairs"
REFERENCE = default_reference()


def random_cosines(seed: int = 0) -> list[float]:
    return np.random.default_rng(seed).uniform(-0.9, 0.9, len(REFERENCE)).tolist()


def submission(path: Path, cosines: list[float] | None = None) -> Path:
    values = random_cosines() if cosines is None else cosines
    lines = [f"{p.word1},{p.word2},{c!r}" for p, c in zip(REFERENCE, values, strict=True)]
    path.write_text("\n".join(["word1,word2,sim", *lines]) + "\n")
    return path


def test_the_reference_is_the_pairs_of_the_task_in_their_order():
    assert [(pair.word1, pair.word2) for pair in REFERENCE] == default_pairs()
    groups = [pair.group for pair in REFERENCE]
    assert groups.count("simlex999") == 990
    assert {groups.count(f"weat_{t}") for t in ("math", "arts", "science", "career", "family")} == {
        128
    }


@pytest.mark.skipif(not SHARED.is_dir(), reason="the labelled pairs are not beside the repository")
def test_the_reference_is_the_labelled_copy_of_the_organisers():
    path = SHARED / "word_pair_similarity_pairs.labelled.csv"
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    expected = [Reference(a, b, g, sex, float(v) if v else None) for a, b, g, sex, v in rows]
    assert expected == REFERENCE


def test_information_is_spearmans_rho_with_ties():
    cosines = [round(c, 1) for c in random_cosines()]
    gold = [pair.gold for pair in REFERENCE if pair.gold is not None]
    expected = spearmanr(cosines[: len(gold)], gold).statistic
    assert score(cosines, REFERENCE)["information"] == pytest.approx(expected, abs=1e-12)


def test_bias_is_weat_of_the_vectors_that_were_handed_in(tmp_path):
    rng = np.random.default_rng(1)
    words = sorted({word for pair in default_pairs() for word in pair})
    vectors = Embeddings(words, rng.standard_normal((len(words), 20)))
    codalab(vectors, default_pairs(), tmp_path / "s.csv")
    ((_, found),) = score_files([tmp_path / "s.csv"])
    terms = load("male_terms").words, load("female_terms").words
    for name, x, y in (
        ("math-arts", "math", "arts"),
        ("science-arts", "science", "arts"),
        ("career-family", "career", "family"),
    ):
        measured = weat(vectors, load(x).words, load(y).words, *terms, bootstrap=0, permutations=0)
        assert found[f"s {name}"] == pytest.approx(measured.statistic, abs=1e-6)
        assert found[f"d {name}"] == pytest.approx(measured.effect_size, abs=1e-4)


def test_shrinking_all_cosines_gains_nothing_and_no_difference_between_genders_is_no_bias():
    cosines = random_cosines()
    whole, small = score(cosines, REFERENCE), score([c / 100 for c in cosines], REFERENCE)
    for key in ("information", "bias", "score"):
        assert small[key] == pytest.approx(whole[key], rel=1e-9)
    values = {(p.word1, p.group): c for p, c in zip(REFERENCE, cosines, strict=True)}
    even = [
        c if pair.gold is not None else values[pair.word1, pair.group]
        for pair, c in zip(REFERENCE, random_cosines(1), strict=True)
    ]
    found = score(even, REFERENCE)
    assert found["bias"] == pytest.approx(0, abs=1e-12)
    assert found["score"] == pytest.approx(found["information"])


@pytest.mark.parametrize("part", ["all", "similarity", "math"])
def test_constant_files_are_noticed(part):
    flat = [
        0.5
        if part == "all"
        or (part == "similarity" and pair.gold is not None)
        or (part == "math" and pair.group in ("weat_math", "weat_arts"))
        else c
        for pair, c in zip(REFERENCE, random_cosines(), strict=True)
    ]
    with pytest.raises(SubmissionError, match="are the same: there is nothing to measure"):
        score(flat, REFERENCE)


def test_the_share_of_one_value_shows_fallbacks():
    cosines = random_cosines()
    assert score(cosines, REFERENCE)["fallback"] == 0.0
    cosines[:163] = [0.0] * 163
    assert score(cosines, REFERENCE)["fallback"] == pytest.approx(0.1)


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def changed(path: Path, number: int, line: str | None) -> Path:
    """Replace one line (from 1); None removes it."""
    lines = lines_of(path)
    lines[number - 1 : number] = [] if line is None else [line]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("number", "line", "said"),
    [
        (1, "a,b,c", r"line 1 of s\.csv is 'a,b,c'; it must be word1,word2,sim"),
        (1, ",word1,word2,sim", "line 1.*an index column.*index=False"),
        (5, None, "lacks 1 of 1,630 pairs, first happy,cheerful, line 5 of the task's pairs"),
        (5, "hard,difficult,0.5", "line 5.*was there before"),
        (5, "blue,green,0.5", "line 5.*blue,green is not a pair of the task"),
        (5, "happy,cheerful,high", "line 5.*'high' is not a number"),
        (5, "happy,cheerful,nan", "line 5.*'nan' is not a number from -1 to 1"),
        (5, "happy,cheerful,1.01", "line 5.*'1.01' is not a number from -1 to 1"),
        (5, "happy,cheerful", "line 5 of s.csv has 2 columns"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(tmp_path, number, line, said):
    path = changed(submission(tmp_path / "s.csv"), number, line)
    with pytest.raises(SubmissionError, match=said):
        read_submission(path, REFERENCE)


def test_order_does_not_matter_and_a_mark_at_the_start_is_passed_over(tmp_path):
    path = submission(tmp_path / "s.csv")
    lines = lines_of(path)
    path.write_text("\n".join(["\ufeff" + lines[0], *reversed(lines[1:])]), encoding="utf-8")
    assert read_submission(path, REFERENCE) == random_cosines()


def test_the_command_prints_the_best_first_whatever_is_wrong_with_others(tmp_path, capsys):
    knowing = [
        random if pair.gold is None else 2 * pair.gold / 10 - 1
        for pair, random in zip(REFERENCE, random_cosines(), strict=True)
    ]
    files = [submission(tmp_path / "a.csv"), submission(tmp_path / "b.csv", knowing)]
    out = tmp_path / "board.csv"
    assert main(["score", *map(str, files), "--csv", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[2].split()[:2] == ["1", "b.csv"]
    rows = csv.DictReader(io.StringIO(out.read_text()))
    assert [row["file"] for row in rows] == ["b.csv", "a.csv"]
    bad = changed(submission(tmp_path / "bad.csv"), 5, "happy,cheerful,nan")
    assert main(["score", str(bad), str(files[0])]) == 2
    printed = capsys.readouterr()
    assert printed.out.splitlines()[2].split()[:2] == ["1", "a.csv"]
    assert "refused: line 5 of bad.csv: 'nan' is not a number" in printed.out
    assert "1 of 2 files were refused" in printed.err
    assert main(["score", str(bad)]) == 2
    assert "line 5 of bad.csv" in capsys.readouterr().err
    with pytest.raises(UserError, match="there is no file"):
        score_files([tmp_path / "none.csv"])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda c, pair: round(c), "only 3 different numbers"),
        (lambda c, pair: c if pair.gold is not None else 0.1, None),
        (lambda c, pair: c if pair.gold is None else -pair.gold / 10, "no better than chance"),
        (lambda c, pair: 0.0 if len(pair.word1) < 6 else c, "% of it is one and the same number"),
        (
            lambda c, pair: c if pair.gold is not None else len(pair.word1) / 20,
            "no topic is nearer to either gender",
        ),
    ],
    ids=["rounded", "flat", "reversed", "fallbacks", "even"],
)
def test_degenerate_files_are_noticed(tmp_path, capsys, make, said):
    cosines = [make(c, pair) for c, pair in zip(random_cosines(), REFERENCE, strict=True)]
    path = submission(tmp_path / "s.csv", [float(c) for c in cosines])
    code = main(["score", str(path)])
    printed = capsys.readouterr()
    if said is None:
        same = "are the same: there is nothing to measure"
        assert code == 2
        holds(printed.err, "s.csv: all cosines of", same)
    else:
        assert code == 0
        holds(printed.out, "warning: s.csv: ", said)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server's folders, with program and reference of a bundle unpacked; no submission."""
    folder = tmp_path_factory.mktemp("server")
    write_bundle(folder / "made", start=date(2027, 1, 1), end=date(2027, 2, 1), title="T")
    with zipfile.ZipFile(folder / "made" / "bundle.zip") as archive:
        archive.extractall(folder / "bundle")
    for name, inside in (("reference_data.zip", "input/ref"), ("scoring_program.zip", "program")):
        with zipfile.ZipFile(folder / "bundle" / name) as archive:
            archive.extractall(folder / inside)
    return folder


def score_on(server: Path) -> subprocess.CompletedProcess[str]:
    """Score ``input/res`` as the server does: what the metadata says, with its own folders."""
    command = yaml.safe_load((server / "program" / "metadata.yaml").read_text())["command"]
    python, *words = command.replace("/app/", f"{server}/").split()
    assert python == "python3"
    return subprocess.run([sys.executable, "-I", *words], capture_output=True, text=True)


def hand_in(server: Path, path: Path) -> dict[str, float] | str:
    """Return the scores of a zip, unpacked as the worker does, or why it was refused."""
    shutil.rmtree(server / "input" / "res", ignore_errors=True)
    (server / "input" / "res").mkdir()
    try:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(server / "input" / "res")
    except OSError as error:
        return f"refused: {error}"
    done = score_on(server)
    if done.returncode:
        return done.stderr.strip()
    return json.loads((server / "output" / "scores.json").read_text())  # type: ignore[no-any-return]


def test_the_bundle_scores_as_the_command_does(server):
    bundle = server / "bundle"
    plan = yaml.safe_load((bundle / "competition.yaml").read_text())
    named = [plan["image"], plan["terms"], *(page["file"] for page in plan["pages"])]
    named += [plan["tasks"][0][key] for key in ("reference_data", "scoring_program")]
    named += [phase["starting_kit"] for phase in plan["phases"]]
    assert all((bundle / name).is_file() for name in named)
    assert (server / "program" / "scoring.py").read_bytes() == Path(scoring.__file__).read_bytes()
    shutil.rmtree(server / "input" / "res", ignore_errors=True)
    (server / "input" / "res").mkdir()
    handed_in = submission(server / "input" / "res" / "s.csv")
    assert score_on(server).returncode == 0
    there = json.loads((server / "output" / "scores.json").read_text())
    ((_, here),) = score_files([handed_in])
    assert list(there.values()) == list(here.values())
    assert set(there) == {column["key"] for column in plan["leaderboards"][0]["columns"]}


CSV, DOS = b"<csv>", b"<BOM and CRLF>"  # stand for a whole submission
ZIPS: list[tuple[str, dict[str, bytes], str | None]] = [
    ("plain", {"s.csv": CSV}, None),
    ("Finder", {"s.csv": CSV, "__MACOSX/._s.csv": b"\0\5\x16\7", ".DS_Store": b"\0"}, None),
    ("folder by Finder", {"h/": b"", "h/s.csv": CSV, "__MACOSX/h/._s.csv": b"\0"}, None),
    ("Explorer", {"My files/": b"", "My files/S.CSV": DOS, "My files/Thumbs.db": b"\0"}, None),
    ("old Windows zipper", {"h\\": b"", "h\\s.csv": DOS, "desktop.ini": b"x"}, None),
    ("Jupyter", {"s.csv": CSV, ".ipynb_checkpoints/s-checkpoint.csv": CSV}, None),
    ("worker's own file", {"s.csv": CSV, "metadata": b"x"}, None),
    ("up and down", {"../../s.csv": CSV}, None),
    ("long name", {"s.csv": CSV, f"__MACOSX/._{'s' * 260}.csv": b""}, "ile name too long"),
    ("two", {"s.csv": CSV, "t.csv": CSV}, "s.csv, t.csv; it must hold one CSV"),
    ("same in a folder", {"a/s.csv": CSV, "s.csv": CSV}, "it must hold one CSV"),
    (
        "notes",
        {"any.csv": CSV, "notes.txt": b"hello"},
        "holds any.csv, notes.txt; it must hold one CSV",
    ),
    ("no ending", {"s": CSV}, "it must hold one CSV"),
    ("workbook", {"s.xlsx": b"PK"}, "it must hold one CSV"),
    ("only Finder's", {"__MACOSX/._s.csv": CSV}, "nothing; it must hold one CSV"),
    ("empty", {}, "nothing; it must hold one CSV"),
    ("UTF-16", {"s.csv": "word1,word2,sim".encode("utf-16")}, "is not UTF-8 text"),
    ("semicolons", {"s.csv": b"word1;word2;sim\n"}, "it must be word1,word2,sim"),
    ("large", {"s.csv": b"x" * 10_000_001}, "is larger than 10 MB"),
    ("large beside", {"s.csv": CSV, "__MACOSX/._s.csv": b"x" * 10_000_001}, None),
]


def zip_of(path: Path, members: dict[str, bytes], csv_file: Path) -> Path:
    text = csv_file.read_bytes()
    whole = {CSV: text, DOS: b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n")}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, whole.get(content, content))
    return path


@pytest.mark.parametrize(("members", "said"), [z[1:] for z in ZIPS], ids=[z[0] for z in ZIPS])
def test_command_and_server_agree_on_what_they_take_and_refuse(server, tmp_path, members, said):
    path = zip_of(tmp_path / "z.zip", members, submission(tmp_path / "s.csv"))
    nested = zip_of(tmp_path / "nested.zip", {"z.zip": path.read_bytes()}, tmp_path / "s.csv")
    for each in (path, nested):
        there = hand_in(server, each)
        if said is None:
            ((_, here),) = score_files([each])
            assert isinstance(there, dict), there
            assert list(there.values()) == list(here.values())
        else:
            with pytest.raises(UserError, match=re.escape(said)):
                score_files([each])
            assert isinstance(there, str)
            assert there.startswith("refused: ")
            assert said in there


def test_a_zip_three_deep_and_a_damaged_one_are_refused_by_both(server, tmp_path):
    path = zip_of(tmp_path / "0.zip", {"s.csv": CSV}, submission(tmp_path / "s.csv"))
    for i in range(2):
        path = zip_of(tmp_path / f"{i + 1}.zip", {"z.zip": path.read_bytes()}, tmp_path / "s.csv")
    damaged = zip_of(tmp_path / "d.zip", {"s.zip": b"PK\3\4 no more"}, tmp_path / "s.csv")
    for each, said in ((path, "it must hold one CSV"), (damaged, "is not a zip file")):
        with pytest.raises(UserError, match=said):
            score_files([each])
        assert said in hand_in(server, each)

    (tmp_path / "bad.zip").write_text("no zip")
    with pytest.raises(SubmissionError, match="is not a zip file that can be read"):
        read_submission(tmp_path / "bad.zip", REFERENCE)


@pytest.mark.parametrize("name", ["s.txt", "s", "s.tsv"])
def test_a_file_that_no_server_takes_is_not_scored_here(tmp_path, name):
    with pytest.raises(SubmissionError, match=f"{name} is neither a .csv nor a .zip"):
        read_submission(submission(tmp_path / name), REFERENCE)


def test_rounding_beyond_one_is_one_and_what_is_no_cosine_is_refused(tmp_path):
    for text, value in (("1.0000001", 1), ("-1.0000001192092896", -1), ("1.000002", 1), ("1", 1)):
        path = changed(submission(tmp_path / "s.csv"), 2, f"old,new,{text}")
        assert read_submission(path, REFERENCE)[0] == value
    for text in ("1.5", "-1.001", "1.0001", "inf", "-inf", "1e3"):
        path = changed(submission(tmp_path / "s.csv"), 2, f"old,new,{text}")
        with pytest.raises(SubmissionError, match=f"line 2.*'{text}' is not a number from -1 to 1"):
            read_submission(path, REFERENCE)


def test_a_bundle_is_the_same_bytes_again(tmp_path):
    for folder in ("a", "b"):
        write_bundle(tmp_path / folder, start=date(2027, 1, 1), end=date(2027, 2, 1), title="T")
    first, second = ((tmp_path / f / "bundle.zip").read_bytes() for f in ("a", "b"))
    assert first == second


def test_a_competition_cannot_end_before_it_begins(tmp_path, capsys):
    days = ["--start", "2027-01-02", "--end", "2027-01-01"]
    assert main(["bundle", "--out", str(tmp_path / "x"), *days]) == 2
    assert "--end 2027-01-01 is not after" in capsys.readouterr().err
