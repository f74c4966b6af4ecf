"""`evaluate`: what it reads, prints, writes and logs, and what it refuses."""

from __future__ import annotations

import csv
import json
import re
import shutil
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from debiaslab.commands.evaluate_inputs import load_analogy_sets
from debiaslab.commands.stores import Reader
from debiaslab.lexicons import gender_words
from debiaslab.metrics import Record, Scorecard
from debiaslab.tracking import Store
from debiaslab.vectors.embeddings import Embeddings
from tests import forking
from tests.command_line import call, refused, runs
from tests.expecting import holds
from tests.toys import judged_words, lexicon_words

Capture = pytest.CaptureFixture[str]
DIM = 20


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one set of vectors in every format, two others, and what is wrong."""
    folder = tmp_path_factory.mktemp("made")
    words = list(dict.fromkeys([*lexicon_words(), *judged_words()]))
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


def test_every_format_measures_alike(capfd, tmp_path):
    files = ["plain.kv", "plain.npz", "plain.txt", "plain.bin", "glove.txt", "bare.npy"]
    out = tmp_path / "cards.json"
    quick(capfd, *files, "--json", str(out))
    first, *others = json.loads(out.read_text())
    values = [record["value"] for record in first["records"]]
    for card, file in zip(others, files[1:], strict=True):
        assert card["vectors"] == file
        assert [r["value"] for r in card["records"]] == pytest.approx(values, abs=1e-5)
    card = measured(capfd, tmp_path, "alone.npy", "--words", "bare.words.txt")
    assert card.value("weat", "7", "all") is not None


def quick(capfd: Capture, *words: str) -> str:
    said = call(capfd, "evaluate", *words, "--quick")
    assert said.code == 0, said.err
    return said.out


def measured(capfd: Capture, tmp_path: Path, *words: str) -> Scorecard:
    out = tmp_path / "card.json"
    quick(capfd, *words, "--json", str(out))
    return Scorecard.from_json(out.read_text())


# What it reads --------------------------------------------------------------------------------


def test_a_folder_of_similarity_sets(capfd, tmp_path):
    card = measured(capfd, tmp_path, "plain.kv", "--similarity", "sets")
    assert card.record("similarity", "mine", "all") is not None
    assert card.record("similarity", "other", "all") is None
    assert card.record("similarity", "SimLex-999", "all") is not None
    assert measured(capfd, tmp_path, "plain.kv", "--similarity", "sets/mine.csv") == card


def test_only_the_groups_that_were_named(capfd, tmp_path):
    card = measured(capfd, tmp_path, "plain.kv", "--groups", "similarity,weat")
    assert list(dict.fromkeys(r.metric for r in card.records)) == [
        *("weat", "similarity", "collapse")  # no number without the warning about its vectors
    ]


def test_the_published_analogies_are_there_by_default(made):
    def names(*words: str, asked: str | None = None, quick: bool = False) -> list[str]:
        found = load_analogy_sets(words, default=asked is None and not quick)
        return [each.name for each in found or ()]

    own = made / "family.txt"
    own.write_text(": family\nman woman boy girl\nfather mother son daughter\n")
    assert names() == ["Google"]
    assert names(str(own)) == ["Google", "family"]
    assert names("Google") == ["Google"]
    assert names(quick=True) == []


def test_large_files_are_read_one_at_a_time(capfd, monkeypatch):
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


def test_an_interval_that_is_none_of_words_is_marked(capfd):
    said = call(capfd, "evaluate", "plain.kv", "--groups", "association").out
    assert re.search(r"rnsb .*\]†", said)
    assert "† of rnsb gender: 2.5 % and 97.5 % over splits" in said


# What it prints and writes --------------------------------------------------------------------


def test_piped_output_is_plain_text_with_the_report_half_first_and_the_baseline_a_fixed_yardstick(
    made,
):
    words = "evaluate mild.npz --baseline plain.kv --full --json full.json --groups"
    groups = "weat,direct_bias,similarity,collapse"
    done = forking.run(["-m", "debiaslab", *words.split(), groups], cwd=made)
    assert done.returncode == 0, done.stderr
    holds(done.stdout, "d is scale-free", none_of=["\x1b"])
    assert max(map(len, done.stdout.splitlines())) <= 150
    headline, rest = done.stdout.index("Headline: report words"), done.stdout.index("All words and")
    assert headline < rest
    between = done.stdout[headline:rest]
    assert "career-family" in between
    assert not re.search(r"\btune\b(?! ?d)", between.partition("\n")[2])
    before, after = json.loads((made / "full.json").read_text())
    assert (before["vectors"], after["vectors"]) == ("plain.kv", "mild.npz")
    for own, record in zip(before["records"], after["records"], strict=True):
        if record["metric"] == "weat":
            assert record["null95_baseline"] == pytest.approx(own["null95"])
            assert record["value"] is None or record["null95"] != record["null95_baseline"]
            assert record["p"] is None or record["p_two_sided"] <= record["p_holm"] <= 1
            assert "null95_baseline" not in own


def test_a_large_d_beside_a_random_s_is_marked():
    numbers = {"statistic": 0.02, "null95": 0.03}
    large = Record("weat", "7", "all", 1.31, extra=numbers | {"warning_scale": "d looks large"})
    card = Scorecard("x", (large, Record("weat", "8", "all", 1.42, extra=numbers)))
    text = card.table()
    assert re.search(r"1\.31‡", text)
    assert not re.search(r"1\.42‡", text)
    assert "‡ d looks large while s does not exceed the random-word null here" in text
    quiet = Scorecard("x", card.records[1:])
    assert "‡" not in quiet.table()


def test_an_anchored_reading_does_not_see_gender_words_that_moved(capfd, made, tmp_path):
    plain, out = Embeddings.load(made / "plain.kv"), tmp_path / "cards.json"
    bent = plain.vectors.copy()
    moved = [plain.index[word] for word in gender_words() if word in plain]
    bent[moved] = bent[moved].mean(axis=0)  # nothing leans by its own ruler
    Embeddings(plain.words, bent).save(tmp_path / "bent.kv")
    words = [str(tmp_path / "bent.kv"), "--baseline", "plain.kv", "--groups", "weat,similarity"]
    quick(capfd, *words, "--anchored", "--json", str(out))
    before, own, anchored = (
        Scorecard.from_json(json.dumps(c)) for c in json.loads(out.read_text())
    )
    assert anchored.vectors.endswith("bent.kv (anchored)")
    assert {record.metric for record in anchored.records} == {"weat", "collapse"}
    assert own.statistic("7", "all") == pytest.approx(0, abs=1e-6)
    assert anchored.statistic("7", "all") == pytest.approx(before.statistic("7", "all"), abs=1e-6)
    _, beside = json.loads(out.read_text())[:2]
    assert beside["anchored"][0]["value"] == pytest.approx(1, abs=1e-5)
    shown = quick(capfd, *words)  # without the option both readings stand in one table
    assert "own gender words, and along the baseline's (anchored)" in " ".join(shown.split())
    said = refused(capfd, "evaluate", *words[:3], "--groups", "similarity", "--anchored")
    assert "--groups similarity has nothing that --anchored reads; allowed: weat" in said.sentence
    said = refused(capfd, "evaluate", "plain.kv", "--anchored")
    assert "try: --baseline FILE --anchored" in said.sentence


def test_the_baseline_has_the_lipstick_tests_and_is_measured_once(capfd, monkeypatch):
    asked: list[Any] = []

    def noted(*_: object, groups: Any, **given: object) -> Scorecard:
        asked.append((given["name"], groups))
        return Scorecard(str(given["name"]), ())

    monkeypatch.setattr("debiaslab.metrics.evaluate", noted)
    call(capfd, "evaluate", "./plain.kv", "mild.npz", "--baseline", "plain.kv")
    call(capfd, "evaluate", "mild.npz")
    call(capfd, "evaluate", "mild.npz", "--baseline", "plain.kv", "--quick")
    names, groups = zip(*asked, strict=True)
    assert names == ("plain.kv", "mild.npz", "mild.npz", "plain.kv", "mild.npz")
    before, after, alone, quick_before, quick_after = groups
    assert set(after) - set(before) == {"retention", "overlap"}
    assert {"weat", "analogies", "lipstick", "collapse"} < set(before)
    assert alone is None
    assert quick_before == ["weat", "direct_bias", "similarity", "lipstick", "collapse"]
    assert set(quick_after) - set(quick_before) == {"retention", "overlap"}


def test_a_terminal_gets_its_own_width(capfd, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "90")
    text = re.sub(r"\x1b\[[0-9;]*m", "", quick(capfd, "plain.kv"))
    tables = [line for line in text.splitlines() if "─" in line]
    assert tables
    assert max(map(len, tables)) <= 90


def test_csv_has_one_row_a_record(capfd, tmp_path):
    out, text = tmp_path / "card.csv", tmp_path / "card.json"
    quick(capfd, "plain.kv", "mild.npz", "--csv", str(out), "--json", str(text))
    rows = list(csv.DictReader(out.read_text().splitlines()))
    cards = json.loads(text.read_text())
    assert len(rows) == sum(len(card["records"]) for card in cards)
    assert [row["vectors"] for row in rows[:1] + rows[-1:]] == ["plain.kv", "mild.npz"]
    assert float(rows[0]["value"]) == cards[0]["records"][0]["value"]


def test_several_files_are_ranked_and_metrics_correlated(capfd, tmp_path):
    out = tmp_path / "comparison.csv"
    files = ("plain.kv", "mild.npz", "strong.npz")
    text = quick(capfd, *files, "--compare-csv", str(out))
    holds(text, "[3] strong.npz", "near 0", "Kendall's τ-b")
    row = next(csv.DictReader(out.read_text().splitlines()))
    assert {int(row[f"rank {file}"]) for file in files} == {1, 2, 3}
    matrix = (tmp_path / "comparison.correlations.csv").read_text().splitlines()
    assert len(matrix) == len(matrix[0].split(","))


def test_two_files_say_why_there_is_no_correlation_and_what_cannot_be_measured(capfd, tmp_path):
    out = tmp_path / "two.csv"
    text = quick(capfd, "plain.kv", "few.txt", "--full", "--compare-csv", str(out))
    holds(
        text,
        "a rank correlation needs 3 files or more, 2 were given, of which 1 collapsed",
        "[2] not ranked: collapsed, see the WARNING",
        "Not measured:",
        "X has 0 of 8 words in the vectors",
        "WARNING: random words have a mean cosine of 1.00",
        "effective_rank",
    )
    assert re.search(r"weat +6 +report +near 0 .*\(1\) +–", text)
    assert not (tmp_path / "two.correlations.csv").exists()
    assert "vectors are all zeros" in quick(capfd, "zero.txt")  # a row of them is a warning


def test_one_screen_shows_the_finding_and_report_words_and_full_everything(capfd):
    brief, full = (call(capfd, "evaluate", "plain.kv", *more).out for more in ((), ("--full",)))
    finding, *_ = brief.splitlines()
    assert re.match(r"plain.kv: (\d|none) of \d+ association tests on report words", finding)
    rows = [line for line in brief.splitlines() if re.search(r" (report|all) +\d", line)]
    assert 8 < len(rows) <= 24
    assert not [line for line in brief.splitlines() if re.search(r" tune +\d", line)]
    assert re.search(r"\d+ more numbers.*: --full", brief)
    holds(full, "All words and tune words", "Not measured:" if "not measured" in brief else "")
    assert len(full) > 2 * len(brief)


def test_random_sets_that_were_left_out_and_missing_nulls_are_said():
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


def test_frequent_words_that_are_never_drawn_are_said(capfd):
    vectors = Embeddings.load("plain.kv")
    rows = np.array(vectors.vectors)
    usual = [i for i, word in enumerate(vectors.words) if word not in gender_words()]
    rows[usual[-3:]] = 0
    Embeddings(vectors.words, rows).save("zeros.kv")
    groups = ("--groups", "weat,geometry")
    said = call(
        capfd,
        "evaluate",
        "zeros.kv",
        "--baseline",
        "plain.kv",
        *groups,
        "--full",
        "--json",
        "z.json",
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


# What it logs ---------------------------------------------------------------------------------


def test_a_scorecard_is_logged_and_its_run_can_be_measured(capfd, tmp_path, made):
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
    vectors = Path(shutil.copy(made / "plain.npz", tmp_path / "vectors.npz"))
    opened.writer(run.run_id).file(vectors, "vectors")
    again = measured(capfd, tmp_path, "--run", run.run_id, "--store", str(store))
    assert again.vectors == f"evaluation · plain.kv ({run.run_id[:8]})"
    assert again.value("weat", "7", "all") == pytest.approx(card.value("weat", "7", "all"))


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
        ("plain.kv --lexicon religon", "there is no attribute called 'religon'"),
        ("plain.kv --lexicon religon", "did you mean 'religion'?"),
    ],
)
def test_a_slip_is_one_sentence_before_anything_is_measured(words, said, capfd, monkeypatch):
    monkeypatch.setattr("debiaslab.metrics.evaluate", pytest.fail)
    answer = refused(capfd, "evaluate", *words.split())
    assert said in answer.sentence
    assert answer.out == ""
    assert not Path("mlruns").exists()


def test_an_unknown_run_or_study_is_refused_before_anything_is_measured(capfd, tmp_path):
    store = tmp_path / "store"
    Store.open(store)
    where = ("--store", str(store))
    answer = refused(capfd, "evaluate", "--run", "0123abc", *where)
    assert "there is no run '0123abc'" in answer.sentence
    answer = refused(capfd, "evaluate", "plain.kv", "--log", "--study", "mine", *where)
    assert "there is no study 'mine'" in answer.sentence


def test_attributes_and_analogies_of_the_user(capfd, tmp_path):
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


def test_an_attribute_that_ships_is_named(capfd, tmp_path):
    words = ("plain.kv", "--lexicon", "religion", "--groups", "attributes")
    card = measured(capfd, tmp_path, *words)
    assert {record.name for record in card.records} >= {"religion", "religion stereotypes"}


# Two kinds of vectors --------------------------------------------------------------------------


def rows_of(file: Path) -> dict[str, dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["measure"]: row for row in csv.DictReader(lines)}


def test_vectors_are_not_told_from_themselves(capfd, made, tmp_path):
    kinds = [str(made / name) for name in ("plain.npz", "mild.npz")]
    out = tmp_path / "t.csv"
    answer = call(capfd, "test", *kinds, "--against", *kinds, "--csv", str(out))
    assert answer.code == 0
    rows = rows_of(out)
    assert {row["verdict"] for row in rows.values()} <= {"equivalent", "nothing to measure"}
    assert {float(row["difference"]) for row in rows.values()} == {0.0}
    assert {"raw_direct_bias occupations", "similarity WordSim-353"} <= rows.keys()


def test_a_difference_in_every_seed_is_told_and_all_measures_are_shown_when_asked(
    capfd, made, tmp_path
):
    plain = Embeddings.load(made / "plain.kv")
    gender = np.array([word in gender_words() for word in plain.words])
    rng = np.random.default_rng(1)
    axis = rng.normal(size=DIM)
    for seed in range(3):  # occupations lean, more or less, to one side of he − she
        noise = rng.normal(scale=0.1, size=plain.vectors.shape)
        for kind, lean in (("calm", 0.0), ("loud", 3.0)):
            side = np.where(np.arange(len(plain)) % 2, lean, -lean)[:, None]
            moved = plain.vectors + noise + np.where(gender[:, None], 0, side) * axis
            moved[plain.index["he"]], moved[plain.index["she"]] = 3 * axis, -3 * axis
            Embeddings(plain.words, moved).save(tmp_path / f"{kind}{seed}.npz")
    loud, calm = ([str(tmp_path / f"{kind}{s}.npz") for s in range(3)] for kind in ("loud", "calm"))
    few, all_ = tmp_path / "few.csv", tmp_path / "all.csv"
    answer = call(capfd, "test", *loud, "--against", *calm, "--csv", str(few))
    assert answer.out.startswith("Of 8 measures the first kind is worse in 8.")
    told = {name: row["verdict"] for name, row in rows_of(few).items()}
    assert told["raw_direct_bias occupations"] == told["weat 6b"] == "higher"
    assert told["similarity WordSim-353"] == "lower"
    call(capfd, "test", loud[0], "--against", calm[0], "--full", "--csv", str(all_))
    assert rows_of(few).keys() < rows_of(all_).keys()


def test_kinds_of_different_size_and_one_seed(capfd, made):
    one, two = str(made / "plain.npz"), str(made / "mild.npz")
    answer = refused(capfd, "test", one, two, "--against", one)
    assert "2 files were to be tested against 1" in answer.sentence
    answer = refused(capfd, "test", one, one, "--against", one, two)
    assert "named twice in one kind" in answer.sentence
    answer = call(capfd, "test", one, "--against", two)
    assert "one seed cannot tell" in answer.out
