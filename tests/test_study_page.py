"""The report of a study: self-contained, readable by everyone, and true to the store."""

from __future__ import annotations

import base64
import html.parser
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from debiaslab import Embeddings, Plan, TrainSettings, open_study, sweep
from debiaslab.errors import UserError
from debiaslab.report import words
from debiaslab.report.comparison import OUTCOMES, compared
from debiaslab.report.figures import axis_figure, pareto_front, stability_figure
from debiaslab.report.pages import (
    Drawing,
    StudyReport,
    Table,
    html_page,
    markdown_page,
    pdf_page,
    study_report_of,
)
from debiaslab.report.pages.neighbors import neighbor_index
from debiaslab.report.verdict import compared_verdict, verdict
from debiaslab.report.word_data import Shift
from debiaslab.results import Side, StudyResults, TrialRow
from debiaslab.study import FORMULA, Objective
from debiaslab.study.cells import ComparisonPlan, Entry
from debiaslab.study.comparing import compare
from tests.command_line import call, refused
from tests.toys import toy_corpus

TINY = TrainSettings(dim=8, epochs=1)
OBJECTIVE = Objective(retention_weight=0.0)
HOSTILE = "</script><script>alert('x')</script>&\"'"
VOID = {"meta", "link", "img", "input", "br", "hr"}


class Page(html.parser.HTMLParser):
    """What a page consists of."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[int] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a small sweep and a small comparison."""
    folder = tmp_path_factory.mktemp("store")
    corpus = toy_corpus(tmp_path_factory.mktemp("text"))
    plan = Plan("projection", trials=2, name="small", settings=TINY, objective=OBJECTIVE)
    sweep(corpus, plan, root=folder, submissions=folder / "out", progress=False)
    sides = ComparisonPlan(
        (Entry("projection", 1.0), Entry("random-direction", 1.0)),
        seeds=(1, 2),
        settings=TINY,
        objective=OBJECTIVE,
        name="sides",
    )
    compare(corpus, sides, root=folder, submissions=folder / "out", progress=False)
    return folder


@pytest.fixture(scope="module", params=["small", "sides"])
def study(folder: Path, request: pytest.FixtureRequest) -> StudyResults:
    return open_study(request.param, folder)


@pytest.fixture(scope="module")
def report(study: StudyResults) -> StudyReport:
    return study_report_of(study, formula=FORMULA, strategies={"projection": "it projects"})


@pytest.fixture(scope="module")
def page(report: StudyReport) -> Page:
    return Page(html_page(report))


def hostile(report: StudyReport) -> StudyReport:
    table = Table(HOSTILE, ("a", HOSTILE), ((HOSTILE, HOSTILE),), HOSTILE)
    drawing = replace(report.drawings[0], title=HOSTILE, description=HOSTILE)
    assert report.neighbors is not None
    names = (HOSTILE, *report.neighbors.words[1:])
    return replace(
        report,
        title=HOSTILE,
        headline=HOSTILE,
        warnings=(HOSTILE,),
        tables=[table],
        drawings=[drawing],
        neighbors=replace(report.neighbors, words=names),
        commands=(HOSTILE,),
        diff=HOSTILE,
    )


def test_the_page_fetches_nothing(report: StudyReport, page: Page) -> None:
    source = html_page(report)
    assert len(source.encode()) < 3_000_000
    for _, attributes in page.tags:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            value = attributes.get(name) or ""
            assert not value or value.startswith(("data:", "#")), value
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|\bimport\b *\(", source)
    (policy,) = [m for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert str(policy["content"]).startswith("default-src 'none'")


def test_it_is_readable_without_eyes_or_mouse(page: Page) -> None:
    assert page.open == []
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("main")) == len(page.all("h1")) == len(page.all("nav")) == 1
    assert page.headings[0] == 1
    steps = zip(page.headings, page.headings[1:], strict=False)
    assert all(after <= before + 1 for before, after in steps)
    assert all(len(str(image["alt"])) > 30 for image in page.all("img"))
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    names = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
    assert len(names) == len(set(names))
    targets = {str(a["href"])[1:] for a in page.all("a")}
    labels = {str(a.get("aria-labelledby")) for a in page.all("section")}
    assert targets | labels <= set(names)
    assert {label.get("for") for label in page.all("label")} == {"word"}
    for rule in ("prefers-color-scheme: dark", "@media print", ":focus-visible"):
        assert rule in page.text


def test_tables_can_be_sorted(page: Page) -> None:
    assert any(table.get("class") == "sortable" for table in page.all("table"))
    assert 'setAttribute("aria-sort"' in page.text
    assert 'document.createElement("button")' in page.text


def test_its_numbers_are_those_of_the_store(study: StudyResults, report: StudyReport) -> None:
    (table,) = [each for each in report.tables if each.title == "Runs"]
    assert len(table.rows) == len(study.runs)
    column = table.head.index("bias report")
    for row, run in zip(table.rows, study.runs, strict=True):
        stored = run.info.metrics.get("bias_report")
        assert row[column] == ("n/m" if stored is None else f"{stored:.3f}")
        assert row[-1] == run.run_id
    assert study.corpus["fingerprint"] in report.corpus["fingerprint"]
    assert f"{study.corpus['tokens']:,}" in report.corpus["tokens"]
    assert any("2 seeds" in warning for warning in report.warnings)
    assert report.commands[-1].endswith(f"--study {study.name}")


def test_neighbours_are_those_of_the_vectors(study: StudyResults, report: StudyReport) -> None:
    index = report.neighbors
    assert index is not None
    after = study.best if not study.is_comparison else study.run(study.sides[1].runs[0] or "")
    before = study.baselines[after.seed]
    word = index.words[3]
    found = index.of(word)
    assert found is not None
    for side, run in zip(found, (before, after), strict=True):
        expected = run.embeddings().neighbors(word, index.shown)
        assert [c for _, c in side] == pytest.approx([c for _, c in expected], abs=1e-5)
    assert index.of("no such word") is None
    packed = json.loads(json.dumps(index.packed()))
    numbers = np.frombuffer(base64.b64decode(packed["before"]), dtype="<u2")
    assert numbers.reshape(index.before.shape).tolist() == index.before.tolist()


def test_the_same_study_gives_the_same_bytes(study: StudyResults, report: StudyReport) -> None:
    if study.is_comparison:
        pytest.skip("one kind of study is enough")
    again = study_report_of(study, formula=FORMULA, strategies={"projection": "it projects"})
    assert html_page(again) == html_page(report)
    assert pdf_page(again) == pdf_page(report)


def test_hostile_words_stay_words(report: StudyReport) -> None:
    page = Page(html_page(hostile(report)))
    scripts = page.all("script")
    assert len(scripts) == 2
    assert page.open == []
    assert page.text.count("alert('x')") >= 8
    text = markdown_page(hostile(report), "figures")
    assert "<script>" not in re.sub(r"```.*?```", "", text, flags=re.DOTALL).replace(r"\<", "")


def test_a_page_that_would_be_too_large_is_refused(report: StudyReport) -> None:
    heavy = replace(report, drawings=[Drawing("x", "x", "x", bytes(3_000_000))])
    with pytest.raises(UserError, match="would have 4"):
        html_page(heavy)


def test_markdown_names_every_figure(report: StudyReport) -> None:
    text = markdown_page(report, "figures")
    for each in report.drawings:
        assert f"](figures/{each.name}.png)" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)
    assert sum(line.startswith("# ") for line in text.splitlines()) == 1


def test_the_pdf_is_one(report: StudyReport) -> None:
    made = pdf_page(report)
    assert made.startswith(b"%PDF-")
    assert made.count(b"/Type /Page\n") >= 3
    assert b"http" not in made.replace(b"http://www.w3.org", b"").replace(
        b"http://ns.adobe.com", b""
    )


# The finding -----------------------------------------------------------------------------------


def row(trial: int | None, seed: int, bias: float, kept: float = 1.0) -> TrialRow:
    best = trial is not None
    weight = 0.0 if trial is None else 2.0
    return TrialRow(trial, weight, seed, bias, bias, kept, bias, f"r{seed}", best, kept)


def test_the_finding_is_what_the_runs_say() -> None:
    base = [row(None, seed, 2.0 + 0.01 * seed) for seed in (1, 2, 3)]
    fell = verdict([*base, *(row(0, s, 1.0 + 0.01 * s + 0.002 * (s == 2), 0.9) for s in (1, 2, 3))])
    assert fell is not None
    assert fell.bias.beyond_the_spread
    assert "bias on report words fell: 2.02 → 1.02" in fell.sentence
    assert "90% of the baseline's word similarity" in fell.sentence
    rose = verdict([*base, *(row(0, s, 3.0 + 0.01 * s + 0.002 * (s == 2)) for s in (1, 2, 3))])
    assert rose is not None
    assert "rose" in rose.sentence
    assert "No λ did better than the baseline" in rose.sentence


def test_a_difference_within_the_spread_is_none() -> None:
    base = [row(None, seed, 2.0) for seed in (1, 2, 3)]
    found = verdict([*base, row(0, 1, 1.0), row(0, 2, 2.9), row(0, 3, 1.9)])
    assert found is not None
    assert found.bias.beyond_the_spread is False
    assert "did not change beyond the spread of the seeds" in found.sentence
    assert "no difference beyond the spread of 3 seeds" in found.title
    assert "0 of 3" not in found.sentence


def test_one_seed_has_no_interval() -> None:
    found = verdict([row(None, 1, 2.0), row(0, 1, 1.0)])
    assert found is not None
    assert found.bias.beyond_the_spread is None
    assert "with one seed" in found.sentence
    assert "[" not in found.sentence
    assert verdict([row(None, 1, 2.0)]) is None


def side(name: str, *biases: float, control: bool = False) -> Side:
    outcomes = tuple({"bias_report": bias, "retention_report": 0.9} for bias in biases)
    cards = tuple(None for _ in biases)
    return Side(name, None, "in", control, cards, outcomes, tuple("x" for _ in biases))


def test_a_comparison_names_the_least_and_says_when_it_is_nothing() -> None:
    base = side("baseline", 2.0, 2.1, 2.0)
    clear = compared_verdict(
        [base, side("a", 1.0, 1.1, 1.01), side("b", 0.1, 0.1, 0.1, control=True)]
    )
    assert clear.least == 1
    assert "Least bias on report words has a: 2.03 → 1.04" in clear.sentence
    assert "1 of 1 strategies lowered it" in clear.sentence
    vague = compared_verdict([base, side("a", 0.5, 3.0, 2.2)])
    assert "none of 1 strategies lowered it" in vague.sentence
    assert compared_verdict([base]).least is None


# Figures ---------------------------------------------------------------------------------------


def test_the_front_is_beaten_by_none() -> None:
    points = [(1.0, 0.5), (0.5, 0.4), (0.7, 0.9), (0.7, 0.8), (2.0, 1.0)]
    assert pareto_front(points) == [(0.5, 0.4), (0.7, 0.9), (2.0, 1.0)]


def test_the_axis_says_when_nothing_moved() -> None:
    rng = np.random.default_rng(0)
    leans = rng.normal(size=30)
    words = [f"w{i}" for i in range(30)]
    still = [Shift(w, float(x), float(x), "tune") for w, x in zip(words, leans, strict=True)]
    moved = [replace(each, after=each.before / 10) for each in still]
    assert "no change beyond the spread" in axis_figure(still).get_suptitle().replace("\n", " ")
    assert "(change [−" in axis_figure(moved).get_suptitle().replace("\n", " ")
    assert len(axis_figure(moved).axes[0].get_yticks()) == 30
    with pytest.raises(UserError, match="nothing to draw"):
        axis_figure([])


def test_stability_counts_seeds() -> None:
    rows = [row(None, 1, 2.0), row(None, 2, 2.0), row(0, 1, 1.0), row(0, 2, 2.5)]
    title = stability_figure(rows).get_suptitle()
    assert "1 of 2 on report words" in title.replace("\n", " ")
    assert "One seed" in stability_figure([rows[0], rows[2]]).get_suptitle()


def test_shifts_are_differences_of_cosines() -> None:
    names = ["he", "she", "nurse", "doctor"]
    before = Embeddings(names, np.array([[1, 0.2], [-1, 0.2], [-1, 1], [1, 1]], dtype=np.float32))
    after = Embeddings(names, np.array([[1, 0.2], [-1, 0.2], [0, 1], [0, 1]], dtype=np.float32))
    found = {each.word: each for each in words.shifts(before, after)}
    expected = before.cosine("nurse", "he") - before.cosine("nurse", "she")
    assert found["nurse"].before == pytest.approx(expected, abs=1e-6)
    assert found["nurse"].before < 0 < found["doctor"].before
    assert found["doctor"].after == pytest.approx(0, abs=1e-6)


def test_few_words_have_few_neighbours() -> None:
    names = ["a", "b", "c"]
    vectors = Embeddings(names, np.eye(3, dtype=np.float32))
    index = neighbor_index(vectors, vectors)
    assert index is not None
    assert (index.searched, index.shown) == (3, 2)
    assert [word for word, _ in index.of("b")[0]] == ["a", "c"]  # type: ignore[index]
    assert neighbor_index(Embeddings(["a"], np.ones((1, 2))), vectors) is None


# The command -----------------------------------------------------------------------------------


def test_the_command_writes_and_logs(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = ["--store", str(folder)]
    said = call(capfd, "report", "--study", "small", "--out", "r.md", *store)
    assert said.code == 0, said.err
    text = Path("r.md").read_text(encoding="utf-8")
    assert len(list(Path("r-figures").glob("*.png"))) == text.count("![") > 3
    study = open_study("small", folder)
    page = study._store.artifact(study.parent.run_id, "report.html").read_text(encoding="utf-8")
    assert said.out.splitlines()[0] in Page(page).text


def test_the_command_refuses_in_one_sentence(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = ["--store", str(folder)]
    assert "did you mean 'small'" in refused(capfd, "report", "--study", "smal", *store).sentence
    assert "'pdf'" in refused(capfd, "report", "--format", "pfd", *store).sentence
    assert ".html" in refused(capfd, "report", "--out", "r.doc", *store).sentence
    assert "sweep" in refused(capfd, "report", "--store", "nowhere").sentence
    assert list(tmp_path.iterdir()) == []


def test_every_measure_of_the_table_is_compared(study: StudyResults, report: StudyReport) -> None:
    if not study.is_comparison:
        pytest.skip("a sweep has no strategies to compare")
    (table,) = [each for each in report.tables if each.title == "Strategies"]
    assert [r[0].removesuffix(" (control)") for r in table.rows] == [s.label for s in study.sides]
    for i, result in enumerate(compared(study.sides, OUTCOMES[0])):
        assert result.mean is not None
        assert table.rows[i][2].startswith(f"{result.mean:.3f}")
