"""`evaluate`: what it reads, prints, writes and logs, and what it refuses."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from debiaslab.commands.arguments import Reader
from debiaslab.commands.evaluate_inputs import load_analogy_sets
from debiaslab.lexicons import gender_words, load, load_pairs, names, pair_names
from debiaslab.metrics import Record, Scorecard, default_similarity_sets
from debiaslab.tracking import Store
from debiaslab.vectors.embeddings import Embeddings
from tests.command_line import call, refused, runs

Capture = pytest.CaptureFixture[str]
DIM = 20


def listed_words() -> list[str]:
    lists = [word for name in names() for word in load(name).words]
    pairs = [word for name in pair_names() for pair in load_pairs(name).pairs for word in pair]
    judged = [w.lower() for s in default_similarity_sets() for p in s.pairs for w in p[:2]]
    return list(dict.fromkeys([*lists, *pairs, *judged]))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one set of vectors in every format, two others, and what is wrong."""
    folder = tmp_path_factory.mktemp("made")
    words = listed_words()
    rng = np.random.default_rng(0)
    plain = Embeddings(words, rng.normal(size=(len(words), DIM)))
    for ending in ("kv", "npz", "txt", "bin"):
        plain.save(folder / f"plain.{ending}")
    for name in ("mild", "strong"):
        noise = rng.normal(size=plain.vectors.shape)
        Embeddings(words, plain.vectors + noise).save(folder / f"{name}.npz")
    headerless = (folder / "plain.txt").read_text().split("\n", 1)[1]
    (folder / "glove.txt").write_text(headerless)
    np.save(folder / "bare.npy", plain.vectors)
    (folder / "bare.words.txt").write_text("\n".join(words) + "\n")
    _spoil(folder, plain)
    return folder


def _spoil(folder: Path, plain: Embeddings) -> None:
    text = (folder / "plain.txt").read_text().splitlines()
    binary = (folder / "plain.bin").read_bytes()
    numbers = " ".join(["0.5"] * DIM)
    for name, lines in {
        "nan.txt": [*text[:-1], f"last {'nan ' * DIM}".rstrip()],
        "twice.txt": [*text[:-1], text[1]],
        "header.txt": [f"{len(plain) + 5} {DIM}", *text[1:]],
        "dimension.txt": [f"{len(plain)} {DIM + 1}", *text[1:]],
        "few.txt": [f"4 {DIM}", *(f"{word} {numbers}" for word in ("he", "she", "cat", "dog"))],
        "zero.txt": [*text[:-1], f"{text[-1].split()[0]} {'0 ' * DIM}".rstrip()],
    }.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    (folder / "cut.bin").write_bytes(binary[: len(binary) // 2])
    np.save(folder / "alone.npy", plain.vectors)
    np.save(folder / "cube.npy", np.zeros((2, 2, 2)))
    (folder / "cube.words.txt").write_text("a\nb\n")
    (folder / "short.words.txt").write_text("he\nshe\n")
    (folder / "sets").mkdir()
    (folder / "sets" / "mine.csv").write_text("word1,word2,score\n" + _PAIRS)
    (folder / "sets" / "other.csv").write_text("a,b\n1,2\n")
    (folder / "headers.csv").write_text("left,right\nman,woman\n")
    (folder / "none").mkdir()


_PAIRS = "man,woman,9\ncar,book,1\nboy,girl,8\nfather,cup,0\nson,daughter,7\n"


@pytest.fixture(autouse=True)
def in_folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def quick(capfd: Capture, *words: str) -> str:
    said = call(capfd, "evaluate", *words, "--quick")
    assert said.code == 0, said.err
    return said.out


def measured(capfd: Capture, tmp_path: Path, *words: str) -> Scorecard:
    out = tmp_path / "card.json"
    quick(capfd, *words, "--json", str(out))
    return Scorecard.from_json(out.read_text())


# What it reads --------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["plain.npz", "plain.txt", "plain.bin", "glove.txt", "bare.npy"])
def test_every_format_measures_alike(file: str, capfd: Capture, tmp_path: Path) -> None:
    expected = measured(capfd, tmp_path, "plain.kv")
    card = measured(capfd, tmp_path, file)
    assert card.vectors == file
    for record, other in zip(card.records, expected.records, strict=True):
        assert record.value == pytest.approx(other.value, abs=1e-5)


def test_words_of_a_bare_array_can_be_named(capfd: Capture, tmp_path: Path) -> None:
    card = measured(capfd, tmp_path, "alone.npy", "--words", "bare.words.txt")
    assert card.value("weat", "7", "all") is not None


def test_a_folder_of_similarity_sets(capfd: Capture, tmp_path: Path) -> None:
    card = measured(capfd, tmp_path, "plain.kv", "--similarity", "sets")
    assert card.record("similarity", "mine", "all") is not None
    assert card.record("similarity", "other", "all") is None
    assert card.record("similarity", "SimLex-999", "all") is not None
    assert measured(capfd, tmp_path, "plain.kv", "--similarity", "sets/mine.csv") == card


def test_only_the_groups_that_were_named(capfd: Capture, tmp_path: Path) -> None:
    card = measured(capfd, tmp_path, "plain.kv", "--groups", "similarity,weat")
    assert list(dict.fromkeys(r.metric for r in card.records)) == [
        *("weat", "similarity", "collapse")  # no number without the warning about its vectors
    ]


def test_the_published_analogies_are_there_by_default(made: Path) -> None:
    def names(*words: str, asked: str | None = None, quick: bool = False) -> list[str]:
        found = load_analogy_sets(words, default=asked is None and not quick)
        return [each.name for each in found or ()]

    own = made / "family.txt"
    own.write_text(": family\nman woman boy girl\nfather mother son daughter\n")
    assert names() == ["Google"]
    assert names(str(own)) == ["Google", "family"]
    assert names("Google") == ["Google"]
    assert names(quick=True) == []


def test_large_files_are_read_one_at_a_time(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("debiaslab.commands.evaluate_inputs.AT_ONCE", 0)
    alive: list[weakref.ref[Embeddings]] = []

    read = Reader.read

    def load(self: Reader, file: str, words: str | None = None) -> Embeddings:
        assert sum(each() is not None for each in alive) <= 1  # the baseline
        found = read(self, file, words)
        alive.append(weakref.ref(found))
        return found

    monkeypatch.setattr(Reader, "read", load)
    text = quick(capfd, "mild.npz", "strong.npz", "plain.npz", "--baseline", "plain.kv")
    assert len(alive) == 4
    assert "[4] plain.npz" in text


def test_an_interval_that_is_none_of_words_is_marked(made: Path) -> None:
    words = "evaluate plain.kv --groups association"
    done = subprocess.run(
        [sys.executable, "-m", "debiaslab", *words.split()],
        cwd=made,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(r"rnsb .*\]†", done.stdout)
    assert "† of rnsb gender: 2.5 % and 97.5 % over splits" in done.stdout


# What it prints and writes --------------------------------------------------------------------


@pytest.fixture(scope="module")
def full(made: Path) -> subprocess.CompletedProcess[str]:
    """Return what a piped command said of one file against a baseline."""
    words = "evaluate mild.npz --baseline plain.kv --json full.json --groups"
    return subprocess.run(
        [sys.executable, "-m", "debiaslab", *words.split(), "weat,direct_bias,similarity,collapse"],
        cwd=made,
        capture_output=True,
        text=True,
        check=True,
    )


def test_piped_output_is_plain_text_with_the_report_half_first(
    full: subprocess.CompletedProcess[str],
) -> None:
    assert "\x1b" not in full.stdout
    assert max(map(len, full.stdout.splitlines())) <= 150
    headline, rest = full.stdout.index("Headline: report words"), full.stdout.index("All words and")
    assert headline < rest
    between = full.stdout[headline:rest]
    assert "career-family" in between
    assert not re.search(r"\btune\b(?! ?d)", between.partition("\n")[2])
    assert "d is scale-free" in full.stdout


def test_the_baseline_is_a_fixed_yardstick(
    full: subprocess.CompletedProcess[str], made: Path
) -> None:
    before, after = json.loads((made / "full.json").read_text())
    assert (before["vectors"], after["vectors"]) == ("plain.kv", "mild.npz")
    for own, record in zip(before["records"], after["records"], strict=True):
        if record["metric"] == "weat":
            assert record["null95_baseline"] == pytest.approx(own["null95"])
            assert record["value"] is None or record["null95"] != record["null95_baseline"]
            assert record["p"] is None or record["p_two_sided"] <= record["p_holm"] <= 1
            assert "null95_baseline" not in own


def test_a_large_d_beside_a_random_s_is_marked() -> None:
    numbers = {"statistic": 0.02, "null95": 0.03}
    large = Record("weat", "7", "all", 1.31, extra=numbers | {"warning_scale": "d looks large"})
    card = Scorecard("x", (large, Record("weat", "8", "all", 1.42, extra=numbers)))
    text = card.table()
    assert re.search(r"1\.31‡", text)
    assert not re.search(r"1\.42‡", text)
    assert "‡ d looks large while s is no larger than random words show here" in text
    quiet = Scorecard("x", card.records[1:])
    assert "‡" not in quiet.table()


def test_the_baseline_has_the_lipstick_tests_that_others_are_compared_with(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[str] | None] = []

    def noted(*_: object, groups: Sequence[str], **given: object) -> Scorecard:
        asked.append(groups)
        return Scorecard(str(given["name"]), ())

    monkeypatch.setattr("debiaslab.metrics.evaluate", noted)
    call(capfd, "evaluate", "mild.npz", "--baseline", "plain.kv")
    call(capfd, "evaluate", "mild.npz")
    call(capfd, "evaluate", "mild.npz", "--baseline", "plain.kv", "--quick")
    before, after, alone, quick_before, quick_after = asked
    assert before is not None
    assert after is not None
    assert set(after) - set(before) == {"retention", "overlap"}
    assert {"weat", "analogies", "lipstick", "collapse"} < set(before)
    assert alone is None
    assert quick_before == ["weat", "direct_bias", "similarity", "lipstick", "collapse"]
    assert set(quick_after or ()) - set(quick_before) == {"retention", "overlap"}


def test_a_baseline_that_is_named_among_the_files_too_is_measured_once(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[str] = []

    def noted(*_: object, **given: object) -> Scorecard:
        measured.append(str(given["name"]))
        return Scorecard(str(given["name"]), ())

    monkeypatch.setattr("debiaslab.metrics.evaluate", noted)
    call(capfd, "evaluate", "./plain.kv", "mild.npz", "--baseline", "plain.kv")
    assert measured == ["plain.kv", "mild.npz"]


def test_a_terminal_gets_its_own_width(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "90")
    text = re.sub(r"\x1b\[[0-9;]*m", "", quick(capfd, "plain.kv"))
    tables = [line for line in text.splitlines() if "─" in line]
    assert tables
    assert max(map(len, tables)) <= 90


def test_csv_has_one_row_a_record(capfd: Capture, tmp_path: Path) -> None:
    out, text = tmp_path / "card.csv", tmp_path / "card.json"
    quick(capfd, "plain.kv", "mild.npz", "--csv", str(out), "--json", str(text))
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    cards = json.loads(text.read_text())
    assert len(rows) == sum(len(card["records"]) for card in cards)
    assert [row["vectors"] for row in rows[:1] + rows[-1:]] == ["plain.kv", "mild.npz"]
    assert float(rows[0]["value"]) == cards[0]["records"][0]["value"]


def test_several_files_are_ranked_and_metrics_correlated(capfd: Capture, tmp_path: Path) -> None:
    out = tmp_path / "comparison.csv"
    files = ("plain.kv", "mild.npz", "strong.npz")
    text = quick(capfd, *files, "--compare-csv", str(out))
    assert "[3] strong.npz" in text
    assert "near 0" in text
    assert "Kendall's τ-b" in text
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {int(rows[0][f"rank {file}"]) for file in files} == {1, 2, 3}
    matrix = (tmp_path / "comparison.correlations.csv").read_text().splitlines()
    assert len(matrix) == len(matrix[0].split(","))


def test_two_files_say_why_there_is_no_correlation(capfd: Capture, tmp_path: Path) -> None:
    out = tmp_path / "two.csv"
    text = quick(capfd, "plain.kv", "few.txt", "--compare-csv", str(out))
    assert "a rank correlation needs 3 files or more, 2 were given, of which 1 collapsed" in text
    assert "[2] not ranked: collapsed, see the WARNING" in text
    assert not (tmp_path / "two.correlations.csv").exists()
    assert re.search(r"weat +6 +report +near 0 .*\(1\) +–", text)


def test_what_cannot_be_measured_says_why_and_the_rest_comes_out(capfd: Capture) -> None:
    text = quick(capfd, "few.txt")
    assert "Not measured:" in text
    assert "X has 0 of 8 words in the vectors" in text
    assert "WARNING: random words have a mean cosine of 1.00" in text
    assert "effective_rank" in text


def test_random_sets_that_were_left_out_and_missing_nulls_are_said() -> None:
    drawn = {"null_low": 0.1, "null_high": 0.3, "null_draws": 500}
    some = drawn | {"null_undefined": 20, "null_reason": None}
    every = drawn | {"null_undefined": 0, "null_reason": None}
    none = {"null_reason_baseline": "a null of 8 words needs 8 words, 4 are left"}
    records = (
        Record("indirect_bias", "a", "all", 0.2, extra=some),
        Record("indirect_bias", "a", "tune", 0.2, extra=some),
        Record("mac", "b", "all", 0.9, extra=every | none),
        Record("rnsb", "c", "all", 0.1, extra=none),
    )
    text = Scorecard("x", records).table()
    assert text.partition("Random words:\n")[2].splitlines() == [
        "  indirect_bias a all, indirect_bias a tune, here: 20 of 500 sets are left out, for it is "
        "undefined for them",
        "  mac b all, rnsb c all, in the baseline: not measured: a null of 8 words needs 8 words, "
        "4 are left",
    ]
    whole = Record("mac", "b", "all", 0.9, extra=every)
    assert "Random words:" not in Scorecard("x", (whole,)).table()


def test_frequent_words_that_are_never_drawn_are_said(capfd: Capture) -> None:
    vectors = Embeddings.load("plain.kv")
    rows = np.array(vectors.vectors)
    usual = [i for i, word in enumerate(vectors.words) if word not in gender_words()]
    rows[usual[-3:]] = 0
    Embeddings(vectors.words, rows).save("zeros.kv")
    groups = ("--groups", "weat,geometry")
    said = call(
        capfd, "evaluate", "zeros.kv", "--baseline", "plain.kv", *groups, "--json", "z.json"
    )
    assert said.code == 0, said.err
    lines = said.out.partition("Scorecard of zeros.kv")[2].splitlines()
    assert "  here: 3 frequent words are never drawn: all-zero vectors" in lines
    assert "never drawn" not in said.out.partition("Scorecard of zeros.kv")[0]
    _, card = json.loads(Path("z.json").read_text())
    for suffix, zeros in (("", 3), ("_baseline", 0)):
        drawn = [
            each[f"null_zeros{suffix}"]
            for each in card["records"]
            if each.get(f"null95{suffix}") is not None or each.get(f"null_draws{suffix}")
        ]
        assert len(drawn) > 50
        assert set(drawn) == {zeros}


def test_a_zero_row_is_a_warning(capfd: Capture) -> None:
    assert "vectors are all zeros" in quick(capfd, "zero.txt")


# What it logs ---------------------------------------------------------------------------------


def test_a_scorecard_is_logged_and_its_run_can_be_measured(
    capfd: Capture, tmp_path: Path, made: Path
) -> None:
    store = tmp_path / "store"
    odd = tmp_path / "my (set)é.csv"
    odd.write_text("word1,word2,score\n" + _PAIRS)
    where = ("--log", "--store", str(store))
    text = quick(capfd, "plain.kv", *where, "--similarity", str(odd))
    (run,) = runs(store)
    assert f"logged run {run.run_id}" in text
    assert (run.kind, run.status, run.params["vectors"]) == ("evaluation", "FINISHED", "plain.kv")
    opened = Store.open(store, create=False)
    assert {"scorecard.json", "scorecard.txt", "scorecard.csv"} <= set(opened.artifacts(run.run_id))
    card = Scorecard.from_json(opened.artifact(run.run_id, "scorecard.json").read_text())
    assert run.metrics["weat/7/all"] == pytest.approx(card.value("weat", "7", "all"))
    assert "similarity/my_(set)_/all".replace("(", "_").replace(")", "_") in run.metrics
    assert (
        "has no vectors"
        in refused(capfd, "evaluate", "--run", run.run_id, "--store", str(store)).sentence
    )
    opened.writer(run.run_id).file(_as_vectors(made, tmp_path), "vectors")
    again = measured(capfd, tmp_path, "--run", run.run_id, "--store", str(store))
    assert again.vectors == f"evaluation · plain.kv ({run.run_id[:8]})"
    assert again.value("weat", "7", "all") == pytest.approx(card.value("weat", "7", "all"))


def _as_vectors(made: Path, folder: Path) -> Path:
    path = folder / "vectors.npz"
    path.write_bytes((made / "plain.npz").read_bytes())
    return path


# What it refuses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "the following arguments are required: FILE, or --run ID"),
        ("nofile.kv", "there is no file nofile.kv"),
        ("plane.kv", "did you mean 'plain.kv'?"),
        ("sets", "sets is a directory; allowed: a vector file"),
        ("nan.txt", "holds NaN"),
        ("twice.txt", "twice"),
        ("header.txt", "header.txt"),
        ("dimension.txt", "dimension.txt"),
        ("cut.bin", "cut.bin"),
        ("alone.npy", "alone.npy is a bare numpy array without words; allowed: a file of its"),
        ("alone.npy --words short.words.txt", "short.words.txt has 2 words, alone.npy"),
        ("cube.npy", "shape (2, 2, 2)"),
        ("plain.kv --run 0123abc", "there is no tracking store at"),
        ("plain.kv --baseline nofile", "there is no file nofile"),
        ("plain.kv --json sets", "sets is a directory; allowed: a file to write"),
        ("plain.kv --csv sets", "sets is a directory"),
        ("plain.kv mild.npz --compare-csv sets", "sets is a directory"),
        ("plain.kv --compare-csv c.csv", "--compare-csv was given with one set of vectors"),
        ("plain.kv --groups weet", "there is no group of metrics 'weet'"),
        ("plain.kv --groups weet", "did you mean 'weat'?"),
        ("plain.kv --groups ,", "no group of metrics was named"),
        ("plain.kv --similarity headers.csv", "headers.csv starts with 'left,right'"),
        ("plain.kv --similarity none", "the folder none holds no similarity set"),
        ("plain.kv --similarity sets --similarity sets/mine.csv", "are called 'mine'"),
        ("plain.kv --study x", "try: --log --study x"),
    ],
)
def test_a_slip_is_one_sentence_before_anything_is_measured(
    words: str, said: str, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate(*_: object, **__: object) -> None:
        pytest.fail("measured first")

    monkeypatch.setattr("debiaslab.metrics.evaluate", evaluate)
    answer = refused(capfd, "evaluate", *words.split())
    assert said in answer.sentence
    assert answer.out == ""
    assert not Path("mlruns").exists()


def test_an_unknown_run_or_study_is_refused_before_anything_is_measured(
    capfd: Capture, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    Store.open(store)
    where = ("--store", str(store))
    answer = refused(capfd, "evaluate", "--run", "0123abc", *where)
    assert "there is no run '0123abc'" in answer.sentence
    answer = refused(capfd, "evaluate", "plain.kv", "--log", "--study", "mine", *where)
    assert "there is no study 'mine'" in answer.sentence


def test_attributes_and_analogies_of_the_user(capfd: Capture, tmp_path: Path) -> None:
    questions = tmp_path / "family.txt"
    questions.write_text(": family\nman woman boy girl\nfather mother son daughter\n")
    classes = {"left": ["man", "boy", "father", "son"], "right": ["woman", "girl", "mother"]}
    lexicon = tmp_path / "sides.json"
    attributes = {"sides": {"where": "here", "classes": classes}}
    lexicon.write_text(json.dumps({"citation": "made up", "attributes": attributes}))
    out = tmp_path / "card.json"
    words = ["evaluate", "plain.kv", "--lexicon", str(lexicon), "--analogies", str(questions)]
    said = call(capfd, *words, "--groups", "attributes,analogies", "--json", str(out))
    assert said.code == 0, said.err
    card = Scorecard.from_json(out.read_text())
    assert {record.metric for record in card.records} >= {"same", "mac", "analogies_3cosadd"}
    assert "Google" in {record.name for record in card.records}
    assert {record.name for record in card.records} >= {"sides", "family"}
    said = call(capfd, *words, "--quick", "--json", str(out))
    assert said.code == 0, said.err
    quick = {record.name for record in Scorecard.from_json(out.read_text()).records}
    assert quick >= {"sides", "family"}  # nothing that is handed in goes unmeasured
    assert "Google" not in quick


def test_an_attribute_that_ships_is_named(capfd: Capture, tmp_path: Path) -> None:
    words = ("plain.kv", "--lexicon", "religion", "--groups", "attributes")
    card = measured(capfd, tmp_path, *words)
    assert {record.name for record in card.records} >= {"religion", "religion stereotypes"}
    answer = refused(capfd, "evaluate", "plain.kv", "--lexicon", "religon")
    assert "there is no attribute called 'religon'" in answer.sentence
    assert "did you mean 'religion'?" in answer.sentence
