"""Studies read back from the store, and their reports: true to it, self-contained, readable."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import debiaslab
from debiaslab import Embeddings, Plan, TrainSettings, open_study, sweep
from debiaslab.commands.stores import run_vectors
from debiaslab.corpus import Corpus
from debiaslab.metrics import Record, Scorecard
from debiaslab.report import Drawing, ReportContent, html_page, markdown_page, pdf_page, words
from debiaslab.report.comparison import OUTCOMES, compared
from debiaslab.report.content import commands
from debiaslab.report.figures import axis_figure, pareto_front, stability_figure
from debiaslab.report.style import Spot
from debiaslab.report.verdict import compared_verdict, verdict
from debiaslab.report.words import Shift, WordPair, neighbor_index
from debiaslab.results import StrategyResult, StudyResults, TrialRow, summarize
from debiaslab.study import Objective, Summary
from debiaslab.study.comparing import Comparison, conduct_comparison
from debiaslab.study.driver import Conduct
from debiaslab.study.kept import report_of
from debiaslab.study.plan import ComparisonPlan, Entry
from debiaslab.tables import Column, Table
from debiaslab.tracking import Store
from debiaslab.tracking.names import EVALUATION_KIND, KIND_TAG
from tests.chromium import QUIET, browser_program
from tests.command_line import call, refused
from tests.expecting import holds, refuses
from tests.pages import Page
from tests.shared import PICTURE
from tests.toys import toy_corpus

TINY = TrainSettings(dim=8, epochs=1)
OBJECTIVE = Objective(retention_weight=0.0)
HOSTILE = "</script><script>alert('x')</script>&\"'"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return toy_corpus(tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def swept(corpus: Corpus, store: Path) -> Summary:
    plan = Plan("projection", trials=1, name="small", settings=TINY, objective=OBJECTIVE)
    return sweep(corpus, plan, root=store, submissions=store / "out", progress=False)


@pytest.fixture(scope="module")
def sided(corpus: Corpus, store: Path) -> Comparison:
    plan = ComparisonPlan(
        (Entry("projection", 1.0),),
        seeds=(1, 2),
        settings=TINY,
        objective=OBJECTIVE,
        name="sides",
        controls=False,  # what they are is tested with compare
    )
    return conduct_comparison(corpus, plan, Conduct(store, store / "out", progress=False))


@pytest.fixture(scope="module")
def folder(store: Path, swept: Summary, sided: Comparison) -> Path:
    """The store when a small sweep and a small comparison have ended."""
    return store


def test_neither_a_comparison_nor_a_sweep_has_vectors_and_says_where_they_are(folder, swept, sided):
    store = Store.open(folder)
    with refuses("status sides, which shows the ids of its runs"):
        run_vectors(store, store.run(sided.parent))
    with refuses(f"--run {store.best('small').run_id}"):
        run_vectors(store, store.study_named("small"))


@pytest.fixture
def small(folder: Path) -> StudyResults:
    return open_study("small", folder)


@pytest.fixture(scope="module", params=["small", "sides"])
def study(folder: Path, request: pytest.FixtureRequest) -> StudyResults:
    return open_study(request.param, folder)


@pytest.fixture(scope="module")
def report(study: StudyResults) -> ReportContent:
    return report_of(study)


@pytest.fixture
def long(report: ReportContent) -> ReportContent:
    """The report with a table that is folded up on the screen, as the scorecard of a real one."""
    rows = tuple((f"row {i}", f"{i / 7:.4f} [{i / 9:.4f}, {i / 5:.4f}]") for i in range(60))
    table = Table((Column("of", align="left"), Column("value")), rows, "Long", ("Rows.",))
    return replace(report, tables=[*report.tables, table])


@pytest.fixture(scope="module")
def page(report: ReportContent) -> Page:
    return Page(html_page(report))


def hostile(report: ReportContent) -> ReportContent:
    table = Table((Column("a"), Column(HOSTILE)), ((HOSTILE, HOSTILE),), HOSTILE, (HOSTILE,))
    spots = (Spot(0.5, 0.5, HOSTILE),)
    drawing = replace(report.drawings[0], title=HOSTILE, description=HOSTILE, spots=spots)
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


def test_the_page_fetches_nothing(report, page):
    source = html_page(replace(report, diff=""))  # uncommitted code is shown, and may say import
    assert len(source.encode()) < 3_000_000
    for _, attributes in page.tags:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            value = attributes.get(name) or ""
            assert not value or value.startswith(("data:", "#")), value
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|\bimport\b *\(", source)
    (policy,) = [m for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert str(policy["content"]).startswith("default-src 'none'")
    assert any(table.get("class") == "sortable" for table in page.all("table"))
    holds(page.text, 'setAttribute("aria-sort"', 'document.createElement("button")')


def test_it_is_readable_without_eyes_or_mouse(page):
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
    holds(page.text, "prefers-color-scheme: dark", "@media print", ":focus-visible")


def test_its_numbers_are_those_of_the_store(study, report):
    (table,) = [each for each in report.tables if each.title == "Runs"]
    column = table.head.index("bias report")
    for row, run in zip(table.cells, study.runs, strict=True):
        stored = run.info.metrics.get("bias_report")
        assert row[column] == ("n/m" if stored is None else f"{stored:.3f}")
        assert row[-1] == run.run_id
    assert study.corpus["fingerprint"] in report.facts["Corpus"]["fingerprint"]
    assert f"{study.corpus['tokens']:,}" in report.facts["Corpus"]["tokens"]
    assert any("2 seeds" in warning for warning in report.warnings)
    assert report.commands[-1].endswith(f"--study {study.name}")


class Kept:
    """Something that keeps the command it was made by."""

    def __init__(self, line: str) -> None:
        self.provenance = {"argv": ["/x/debiaslab/__main__.py", *shlex.split(line)]}


@pytest.mark.parametrize(
    ("last", "runs", "made"),
    [
        ("sweep a.txt --trials 4", ["sweep a.txt --trials 2"], "sweep a.txt --trials 4"),
        ("sweep a.txt", ["sweep a.txt --trials 2"], "sweep a.txt"),
        ("resume s", ["sweep 'a b.txt' --study s"], "sweep 'a b.txt' --study s"),
        ("resume s --trials 9", ["sweep a.txt --trials 2"], "sweep a.txt --trials 9"),
        (
            "resume s --workers 2",
            ["sweep a.txt --trials=2 --seeds 3", "resume s --trials 9"],
            "sweep a.txt --seeds 3 --trials 9",
        ),
        ("compare --strategies 'a[b=c]'", ["compare"], "compare --strategies 'a[b=c]'"),
        ("-f kernel.json", ["-f kernel.json"], None),
        ("", [""], None),
    ],
)
def test_the_command_that_makes_a_study_again_needs_no_study(last, runs, made):
    study = Kept(last)
    study.runs, study.name = [Kept(line) for line in runs], "s"
    *first, report = commands(study)
    assert first == ([] if made is None else [f"python -m debiaslab {made}"])
    assert report == "python -m debiaslab report --study s"


def test_the_course_of_the_training_is_over_all_seeds(study, report):
    (loss,) = [each for each in report.drawings if each.name == "loss"]
    assert loss.title.startswith("Loss at the end: baseline ")
    lines = "and the run's penalty below. Lines are means"
    holds(loss.description, lines, "bands span the seeds")
    ends = [run.series("loss")[-1][1] for run in study.baselines.values()]
    assert len(ends) == 2
    assert f"[{min(ends):#.3g}, {max(ends):#.3g}]" in loss.title


def test_the_marks_of_figures_say_what_they_are(study, report):
    found = {each.name: each.spots for each in report.drawings}
    assert all(0 <= part <= 1 for spots in found.values() for spot in spots for part in spot[:2])
    known = {word.replace("_", " ") for word in study.runs[0].embeddings().words}
    scatter = {spot.text.split(" (")[0] for spot in found["word-map"]}
    assert scatter
    assert scatter <= known
    front = found["front" if study.is_comparison else "tradeoff"]
    assert any(spot.text.startswith("baseline: bias ") for spot in front)
    assert found["by-epoch"][0].text.startswith("baseline, epoch 1: ")
    if not study.is_comparison:  # what the front of a sweep lacks
        (front,) = [each.description for each in report.drawings if each.name == "tradeoff"]
        assert re.search(r"compare --strategies projection@[\d.e+-]+ ", front)


def test_neighbours_are_those_of_the_vectors(study, report):
    index = report.neighbors
    after = study.best if not study.is_comparison else study.run(study.sides[1].runs[0] or "")
    before = study.baselines[after.seed]
    word = index.words[3]
    for side, run in zip(index.of(word), (before, after), strict=True):
        expected = run.embeddings().neighbors(word, index.shown)
        assert [c for _, c in side] == pytest.approx([c for _, c in expected], abs=1e-5)
    assert index.of("no such word") is None
    numbers = np.frombuffer(base64.b64decode(index.packed()["before"]), dtype="<u2")
    assert numbers.reshape(index.before.shape).tolist() == index.before.tolist()


def test_hostile_words_stay_words(report):
    page = Page(html_page(hostile(report)))
    scripts = page.all("script")  # of the figure, of the neighbours, and the page's own
    assert [each.get("type") for each in scripts] == ["application/json", "application/json", None]
    assert page.open == []
    assert page.text.count("alert('x')") >= 8
    text = markdown_page(hostile(report), "figures")
    assert "<script>" not in re.sub(r"```.*?```", "", text, flags=re.DOTALL).replace(r"\<", "")


def test_a_page_that_would_be_too_large_is_refused(report):
    with refuses("would have 4"):
        html_page(replace(report, drawings=[Drawing("x", "x", "x", bytes(3_000_000))]))


def test_markdown_names_every_figure(report):
    text = markdown_page(report, "figures")
    holds(text, *(f"](figures/{each.name}.png)" for each in report.drawings))
    lines = text.splitlines()
    assert all(line.endswith("|") for line in lines if line.startswith("|"))
    assert sum(line.startswith("# ") for line in lines) == 1


def test_the_pdf_is_one_always_the_same_and_holds_the_last_row_of_a_long_table(report, long):
    made = pdf_page(report)
    assert pdf_page(report) == made
    assert made.startswith(b"%PDF-")
    assert made.count(b"/Type /Page\n") >= 3
    own = made.replace(b"http://www.w3.org", b"").replace(b"http://ns.adobe.com", b"")
    assert b"http" not in own
    *rows, last = long.tables[-1].cells
    other = replace(long.tables[-1], rows=(*rows, (last[0], "another value")))
    assert len(rows) > 40
    changed = replace(long, tables=[*long.tables[:-1], other])
    assert pdf_page(changed) != pdf_page(long)


# Reading a study back ------------------------------------------------------------------------


def test_it_reads_what_the_sweep_found(small, swept, folder):
    assert not small.is_comparison
    assert set(small.trials) == set(swept.rows)
    assert small.best.run_id == swept.best.run_id
    assert (small.best.weight, small.best.seed) == (swept.best.weight, 1)
    assert (small.seeds, sorted(small.baselines)) == ((1, 2), [1, 2])
    assert small.baselines[2].label == "baseline"
    assert small.best.label.startswith("projection λ=")
    frame = small.frame()
    assert len(frame) == 4
    assert frame["trial"].isna().sum() == 2
    stored = Store.open(folder, create=False).run(frame["run_id"][3])
    for name in ("bias_tune", "bias_report", "score", "seconds"):
        assert frame[name][3] == stored.metrics[name]
    assert frame["weight"][3] == float(stored.params["weight"])
    with refuses("'small' is a sweep"):
        _ = small.sides


def test_records_are_those_of_the_scorecards(small):
    records = small.records()
    own = records[records["run_id"] == small.best.run_id]
    assert len(own) == len(small.best.scorecard.records)
    wanted = small.best.scorecard.record("weat", "career-family", "report")
    row = own.query("metric == 'weat' and name == 'career-family' and words == 'report'").iloc[0]
    assert (row["statistic"], row["n"]) == (wanted.extra["statistic"], wanted.n)
    assert pd.isna(records[records["reason"].notna()]["value"]).all()


def test_vectors_losses_and_corpus_are_read(small, corpus):
    vectors = small.best.embeddings()
    assert isinstance(vectors, Embeddings)
    assert vectors.words == corpus.words
    assert not np.array_equal(vectors.vectors, small.baselines[1].embeddings().vectors)
    steps = [step for step, _ in small.best.series("loss")]
    assert steps == sorted(steps) != []
    assert small.best.series("no such metric") == []
    of_the_corpus = (corpus.fingerprint, "toy", corpus.tokens)
    assert tuple(small.corpus[key] for key in ("fingerprint", "name", "tokens")) == of_the_corpus
    assert small.provenance["debiaslab"] == debiaslab.__version__


def test_what_was_held_out_and_what_each_run_acted_on(small, sided, folder):
    held = small.held_out
    assert (held.cover, held.report_words) == ("all", "covered but never tuned on")
    assert "career-family" in held.tuned_on
    assert held.pairs
    assert 0 < held.covered < small.corpus["types"]
    assert not set(held.words("occupations", "tune")) & set(held.words("occupations", "report"))
    assert {f"{test}/tune" for test in held.tuned_on} <= set(small.best.yardstick)
    study = open_study("sides", folder)
    run = study.run(sided.sides[1].runs[0])
    assert run.held_out == study.held_out
    assert run.held_out.report_words == "covered but never tuned on"
    baseline = study.baselines[1].held_out
    assert (baseline.covered, baseline.pairs, baseline.report_words) == (None, (), "held out")
    assert baseline.tuned_on == run.held_out.tuned_on


def test_a_comparison_says_the_widest_reach_and_the_report_names_each(
    corpus, tmp_path, monkeypatch
):
    """Neither the first strategy decides (it changes the text), nor the first of equal cover."""
    monkeypatch.setattr("debiaslab.report.style.png", lambda made: PICTURE)
    entries = ("cds", "projection@1", "projection[pairs=all]@2")
    plan = ComparisonPlan(
        tuple(map(Entry.parse, entries)),
        seeds=(1,),
        settings=TINY,
        objective=OBJECTIVE,
        name="reach",
        controls=False,
    )
    conduct_comparison(corpus, plan, Conduct(tmp_path, tmp_path / "out", progress=False))
    study = open_study("reach", tmp_path)
    changed, tuned, both = (
        next(run for run in study.runs if (run.strategy, run.weight) == key).held_out
        for key in (("cds", 1.0), ("projection", 1.0), ("projection", 2.0))
    )
    assert changed.covered == 0
    assert tuned.covered == both.covered
    assert set(tuned.pairs) < set(both.pairs)
    assert study.held_out == both
    report = report_of(study)
    assert report.question.startswith("Which of 3 strategies")
    holds(
        report.paragraphs["What was held out"][0],
        "cds: 0 non-gender words",
        f"projection: {tuned.covered:,} non-gender words",
        f"given {len(both.pairs)} gender pairs",
    )


def test_a_comparison_is_read_as_it_was_returned(sided, folder):
    study = open_study("sides", folder)
    assert study.is_comparison
    assert study.sides == sided.sides
    assert [side.control for side in study.sides] == [False, False]
    assert len(study.runs) == 4
    cards = study.sides[0].cards  # of two seeds, what is between them kept beside their scorecards
    assert all(card.record("neighbor_overlap", "all ranks", "all") for card in cards)
    with refuses("has no best run"):
        _ = study.best
    kept = Store.open(folder).artifact(sided.parent, "sides.json")
    text = kept.read_text(encoding="utf-8")
    assert json.loads(text)[0]["strategy"] == "baseline"
    kept.unlink()  # as an older version left it
    try:
        with refuses("the command that made it"):
            _ = open_study("sides", folder).sides
    finally:
        kept.write_text(text, encoding="utf-8")


def test_unknown_names_get_the_nearest_and_unfinished_studies_what_to_type(small, folder):
    with refuses("did you mean 'small'"):
        open_study("smal", folder)
    with refuses("no finished run 'x'"):
        small.run("x")
    with refuses("there is no tracking store"):
        open_study("small", folder / "elsewhere")
    store = Store.open(folder)
    parent = store.study("begun", create=True, params={}, tags={}, description="")
    tags = {"debiaslab.kind": "trial"}
    store.start("one", parent=parent, params={}, tags=tags, dataset=None).finish("FAILED", "a test")
    with refuses("try: python -m debiaslab resume begun"):
        open_study("begun", folder)


def test_the_seed_of_an_evaluation_is_not_that_of_a_training(small):
    trial = small.best
    assert trial.baseline.run_id == small.baselines[trial.seed].run_id
    tags = {**trial.info.tags, KIND_TAG: EVALUATION_KIND}
    assert replace(trial, info=replace(trial.info, tags=tags)).baseline is None


def test_a_notebook_shows_one_screen(small):
    assert repr(small) == "StudyResults('small', 4 finished runs, 0 others)"
    holds(small._repr_html_(), "bias_report", "projection")
    card = small.best.scorecard
    assert re.fullmatch(r"Scorecard\('.*', \d+ of \d+ records measured\)", repr(card))
    assert len(card._repr_html_()) < 20_000
    frame = card.frame()
    assert len(frame) == len(card.records) + len(card.anchored)
    assert {"metric", "name", "words", "value", "low", "high", "n", "reason"} <= set(frame)


# The finding -----------------------------------------------------------------------------------


def row(trial: int | None, seed: int, bias: float, kept: float = 1.0) -> TrialRow:
    best = trial is not None
    weight = 0.0 if trial is None else 2.0
    return TrialRow(trial, weight, seed, bias, bias, kept, bias, f"r{seed}", best, kept)


def test_the_finding_is_what_the_runs_say():
    base = [row(None, seed, 2.0 + 0.01 * seed) for seed in (1, 2, 3)]
    fell = verdict([*base, *(row(0, s, 1.0 + 0.01 * s + 0.002 * (s == 2), 0.9) for s in (1, 2, 3))])
    assert fell.bias.word == "lower"
    assert "bias on report words is lower than the baseline's: 2.02 → 1.02" in fell.sentence
    assert "90% of the baseline's was kept" in fell.sentence
    rose = verdict([*base, *(row(0, s, 3.0 + 0.01 * s + 0.002 * (s == 2)) for s in (1, 2, 3))])
    holds(rose.sentence, "is higher than the baseline's", "No λ improved on the baseline")
    assert rose.title.endswith("2.02 → 3.02, retention 1.00: higher than the baseline")
    within = verdict([*base, row(0, 1, 1.0), row(0, 2, 2.9), row(0, 3, 1.9)])
    assert within.bias.word == "cannot tell"
    holds(within.sentence, "cannot be told from the baseline's with 3 seeds", none_of=["0 of 3"])
    assert "3 seeds cannot tell" in within.title
    one = verdict([row(None, 1, 2.0), row(0, 1, 1.0)])
    assert one.bias.p is None
    holds(one.sentence, "with one seed, which cannot tell", none_of=["["])
    assert verdict([row(None, 1, 2.0)]) is None


def test_a_baseline_within_random_words_leaves_nothing_to_remove():
    base = [row(None, seed, 0.69 + 0.01 * seed) for seed in (1, 2, 3)]
    less = verdict([*base, *(row(0, s, 0.4 + 0.02 * s) for s in (1, 2, 3))])
    assert less.bias.word == "nothing to measure"
    holds(
        less.sentence,
        "was not there to remove: 0.71 in the baseline does not exceed 1, which one test of random",
        none_of=["lower"],
    )
    assert less.title.endswith("the baseline does not exceed random words")
    more = verdict([*base, *(row(0, s, 1.4 + 0.02 * s) for s in (1, 2, 3))])
    assert more.bias.word == "higher"


def test_what_became_worse_with_every_seed_is_in_the_finding():
    def measured(direct: float, other: float) -> Scorecard:
        return Scorecard(
            "",
            (
                Record("direct_bias", "occupations", "report", direct),
                Record("factual_association", "bls", "report", other),
            ),
        )

    base = [row(None, seed, 2.0 + 0.01 * seed) for seed in (1, 2)]
    less = [row(0, seed, 1.0 + 0.02 * seed) for seed in (1, 2)]
    cards = ((measured(0.10, 0.2), measured(0.11, 0.3)), (measured(0.20, 0.1), measured(0.15, 0.5)))
    sides = [
        StrategyResult(name, None, "in", False, own, (None, None), ("a", "b"))
        for name, own in zip(("baseline", "x"), cards, strict=True)
    ]
    found = verdict([*base, *less], sides)
    assert found.rises == ("direct bias 0.105 → 0.175",)  # the other rose with one seed only
    assert found.sentence.endswith(
        "Worse than the baseline with every seed: direct bias 0.105 → 0.175."
    )


def test_numbers_that_hardly_differ_are_equivalent_even_where_a_test_finds_a_difference():
    one = verdict([row(None, 1, 1.3041), row(0, 1, 1.3012)])
    holds(one.sentence, "measured with one seed", "1.30 → 1.30 (0.00)")
    assert one.title.endswith("1.30 → 1.30, retention 1.00 (one seed: may be chance)")
    base = [row(None, seed, 1.3 + 0.0001 * seed) for seed in (1, 2, 3)]
    less = [row(0, seed, 1.299 + 0.0001 * seed + 0.00001 * (seed == 2)) for seed in (1, 2, 3)]
    every = verdict([*base, *less])
    assert every.bias.p_holm <= 0.05
    holds(every.sentence, "is equivalent to the baseline's, within 0.1: 1.30 → 1.30 (0.00 [0.00, 0")
    assert "equivalent to the baseline" in every.title
    for found in (one, every):
        holds(found.sentence, none_of=["lower", "−0.00"])


def test_an_interval_of_seeds_that_agree_is_still_an_interval():
    """Two seeds that lose alike had an interval of [98%, 98%], as if nothing were unsure."""
    base = [row(None, 1, 2.0), row(None, 2, 2.1)]
    holds(
        verdict([*base, row(0, 1, 1.5, 0.98), row(0, 2, 1.6004, 0.9802)]).sentence,
        "lower than the baseline's: 2.05 → 1.55 (−0.500 [−0.502, −0.497], p = 0.00",
        "98.0% of the baseline's was kept [97.9%, 98.1%]",
        "Means of 2 seeds, 95 % t intervals of paired differences",
    )
    same = verdict([*base, row(0, 1, 1.5, 0.98), row(0, 2, 1.7, 0.98)])
    assert "98% of the baseline's was kept [98%, 98%]" in same.sentence
    sides = [side("baseline", 2.0, 2.1), side("a", 1.5, 1.6004, kept=(0.98, 0.9802))]
    sentence = compared_verdict(sides).sentence
    holds(sentence, "(−0.500 [−0.502, −0.497], p = 0.00", "at retention 0.980 ±0.001")


def side(
    name: str, *biases: float, control: bool = False, kept: Sequence[float] | None = None
) -> StrategyResult:
    left = kept or [0.9] * len(biases)
    outcomes = tuple(
        {"bias_report": bias, "retention_report": own}
        for bias, own in zip(biases, left, strict=True)
    )
    cards = tuple(None for _ in biases)
    return StrategyResult(name, None, "in", control, cards, outcomes, tuple("x" for _ in biases))


def test_a_comparison_names_the_least_and_says_when_it_is_nothing():
    base = side("baseline", 2.0, 2.1, 2.0)
    clear = compared_verdict(
        [base, side("a", 1.0, 1.1, 1.01), side("b", 0.1, 0.1, 0.1, control=True)]
    )
    assert clear.least == 1
    least = "a has the lowest bias on report words: 2.03 → 1.04"
    holds(clear.sentence, least, "1 of 1 strategies is lower than the baseline (3 seeds")
    vague = compared_verdict([base, side("a", 0.5, 3.0, 2.2)])
    assert "None of 1 strategies is lower than the baseline" in vague.sentence
    assert compared_verdict([base]).least is None


# Figures ---------------------------------------------------------------------------------------


def test_the_front_is_beaten_by_none():
    points = [(1.0, 0.5), (0.5, 0.4), (0.7, 0.9), (0.7, 0.8), (2.0, 1.0)]
    assert pareto_front(points) == [(0.5, 0.4), (0.7, 0.9), (2.0, 1.0)]


def test_the_axis_says_when_nothing_moved_and_stability_counts_seeds():
    leans = np.random.default_rng(0).normal(size=30).tolist()
    still = [Shift(f"w{i}", x, x, "tune") for i, x in enumerate(leans)]
    moved = [replace(each, after=each.before / 10) for each in still]
    title = axis_figure(still).get_suptitle().replace("\n", " ")
    assert "no change beyond the variation between words" in title
    assert "(change [−" in axis_figure(moved).get_suptitle().replace("\n", " ")
    assert len(axis_figure(moved).axes[0].get_yticks()) == 30
    with refuses("nothing to draw"):
        axis_figure([])
    rows = [row(None, 1, 2.0), row(None, 2, 2.0), row(0, 1, 1.0), row(0, 2, 2.5)]
    title = stability_figure(rows).get_suptitle()
    assert "1 of 2 on report words" in title.replace("\n", " ")
    assert "One seed" in stability_figure([rows[0], rows[2]]).get_suptitle()


def test_shifts_are_differences_of_cosines():
    names = ["he", "she", "nurse", "doctor"]
    before = Embeddings(names, np.array([[1, 0.2], [-1, 0.2], [-1, 1], [1, 1]], dtype=np.float32))
    after = Embeddings(names, np.array([[1, 0.2], [-1, 0.2], [0, 1], [0, 1]], dtype=np.float32))
    found = {each.word: each for each in words.shifts(WordPair(before, after))}
    expected = before.cosine("nurse", "he") - before.cosine("nurse", "she")
    assert found["nurse"].before == pytest.approx(expected, abs=1e-6)
    assert found["nurse"].before < 0 < found["doctor"].before
    assert found["doctor"].after == pytest.approx(0, abs=1e-6)


def test_few_words_have_few_neighbours():
    vectors = Embeddings(["a", "b", "c"], np.eye(3, dtype=np.float32))
    index = neighbor_index(WordPair(vectors, vectors))
    assert (index.searched, index.shown) == (3, 2)
    assert [word for word, _ in index.of("b")[0]] == ["a", "c"]
    assert neighbor_index(WordPair(Embeddings(["a"], np.ones((1, 2))), vectors)) is None


# The command -----------------------------------------------------------------------------------


@pytest.mark.parametrize("study", ["small"], indirect=True)
def test_the_command_writes_and_logs_the_same_bytes_each_time(
    study, report, folder, tmp_path, capfd, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    said = call(capfd, "report", "--study", "small", "--out", "r.md", "--store", str(folder))
    assert said.code == 0, said.err
    text = Path("r.md").read_text(encoding="utf-8")
    assert text == markdown_page(report, "r-figures")
    assert len(list(Path("r-figures").glob("*.png"))) == text.count("![") > 3
    assert said.out.splitlines()[0] == report.headline
    kept = Store.open(folder).artifact(study.parent.run_id, "report.html")
    assert kept.read_text(encoding="utf-8") == html_page(report)


def test_a_sweep_that_goes_on_renews_the_report(corpus, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("debiaslab.report.style.png", lambda made: PICTURE)
    root = tmp_path / "mlruns"
    plan = Plan("projection", seeds=(1,), name="grown", settings=TINY, objective=OBJECTIVE)

    def go_on(trials: int) -> str:
        longer = replace(plan, trials=trials)
        done = sweep(corpus, longer, root=root, submissions=tmp_path / "out", progress=False)
        return Store.open(root).artifact(done.parent, "report.html").read_text(encoding="utf-8")

    short = go_on(1)
    words = ["report", "--study", "grown", "--out", str(tmp_path / "grown.html")]
    assert call(capfd, *words, "--store", str(root)).code == 0
    full = (tmp_path / "grown.html").read_text(encoding="utf-8")
    renewed = go_on(2)
    assert renewed == html_page(report_of(open_study("grown", root)))
    assert len(short) < len(full)
    assert full != renewed


def test_the_command_refuses_in_one_sentence(folder, own_folder, capfd):
    store = ["--store", str(folder)]
    for asked, said in (
        (["--study", "smal", *store], "did you mean 'small'"),
        (["--format", "pfd", *store], "'pdf'"),
        (["--out", "r.doc", *store], ".html"),
        (["--store", "nowhere"], "sweep"),
    ):
        assert said in refused(capfd, "report", *asked).sentence
    assert list(own_folder.iterdir()) == []


@pytest.mark.parametrize("study", ["sides"], indirect=True)
def test_every_measure_of_the_table_is_compared(study, report):
    (table,) = [each for each in report.tables if each.title == "Strategies"]
    assert [r[0].removesuffix(" (control)") for r in table.cells] == [s.label for s in study.sides]
    for i, result in enumerate(compared(study.sides, OUTCOMES[0])):
        assert result.mean is not None
        assert table.cells[i][2].startswith(f"{result.mean:.3f}")


# In a browser ----------------------------------------------------------------------------------

COLUMN = """(name) => {
  const table = document.querySelector("table.sortable");
  const column = [...table.tHead.rows[0].cells].findIndex((c) => c.textContent === name);
  table.tHead.rows[0].cells[column].querySelector("button").click();
  const cells = [...table.tBodies[0].rows].map((row) => row.cells[column].textContent);
  return [table.tHead.rows[0].cells[column].getAttribute("aria-sort"), cells];
}"""
FOUND = """() => [...document.querySelectorAll("#found tbody tr")]
  .map((row) => [...row.cells].map((cell) => cell.textContent))"""
SEEN = """() => {
  const at = document.activeElement;
  return at === document.body ? null : [at.tagName, at.id || at.ariaLabel || at.textContent.trim()];
}"""
HEADS = """() => [...document.querySelectorAll("table.sortable th[scope=col]")]
  .map((head) => [head.textContent, head.getAttribute("aria-sort")])"""
BEYOND = """() => [...document.querySelectorAll("main *")]
  .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map((each) => each.tagName + " " + each.textContent.slice(0, 40))"""
# What a printer is given: the long tables while it prints, and the heads that it may repeat.
PRINTED = """() => {
  window.printed = [];
  addEventListener("beforeprint", () => window.printed.push(
    [...document.querySelectorAll("details.long")].map((each) => each.open),
    document.querySelectorAll("th button").length));
}"""
A4 = 680  # pixels between margins of 15 mm


@pytest.fixture(scope="module")
def browser():
    """A browser that all tests of the page share."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=browser_program(), args=QUIET)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Any, long: ReportContent, tmp_path: Path) -> Any:
    """The report in a browser whose reader has asked for dark pages."""
    file = tmp_path / "page.html"
    file.write_text(html_page(long), encoding="utf-8")
    page = browser.new_page(color_scheme="dark")
    page.goto(file.as_uri())
    yield page
    page.close()


@pytest.mark.parametrize("study", ["small"], indirect=True)
def test_sorting_and_the_word_box_work(study, report, opened):
    way, shown = opened.evaluate(COLUMN, "bias tune")
    numbers = [float(cell.split()[0]) for cell in shown]
    assert (way, numbers) == ("ascending", sorted(numbers))
    trials = sorted(each.bias_tune.mean for each in summarize(study.trials))
    assert numbers == pytest.approx(trials, abs=1e-3)
    assert opened.evaluate(COLUMN, "bias tune") == ["descending", shown[::-1]]
    word = report.neighbors.words[5]
    opened.locator("#word").fill(word)
    before, after = report.neighbors.of(word)
    lines = opened.evaluate(FOUND)
    for line, (old, cosine), (new, other) in zip(lines, before, after, strict=True):
        assert [line[1].removesuffix(" *"), line[3].removesuffix(" *")] == [old, new]
        assert [float(line[2]), float(line[4])] == pytest.approx([cosine, other], abs=0.011)
    opened.locator("#word").fill("nothing like it")
    assert opened.evaluate(FOUND) == []


def tabbed(page: Any) -> list[list[str]]:
    """Press the tabulator through the page; return what has had the focus, in order."""
    seen = []
    while len(seen) < 200:
        page.keyboard.press("Tab")
        at = page.evaluate(SEEN)
        if at is None:
            break
        seen.append(at)
    return seen


@pytest.mark.parametrize("study", ["small"], indirect=True)
def test_the_page_is_used_with_the_keyboard_alone(opened, long):
    heads = [head for table in long.tables for head in table.head]
    order = tabbed(opened)
    reached = [name for tag, name in order if tag == "BUTTON"]
    assert reached == [head for t in long.tables if len(t.rows) <= 40 for head in t.head]
    assert order[0] == ["A", "Skip to the report"]
    assert order.index(["INPUT", "word"]) < order.index(["BUTTON", reached[0]])
    first = opened.locator("th button").first
    first.focus()
    for key, wanted in (("Enter", "ascending"), ("Space", "descending"), ("Enter", "ascending")):
        opened.keyboard.press(key)
        assert opened.evaluate(HEADS) == [[heads[0], wanted], *([h, "none"] for h in heads[1:])]
        assert opened.evaluate(SEEN) == ["BUTTON", heads[0]]  # the focus stays where it was
    figure = opened.locator("#figure-word-map .picture")
    figure.focus()
    told = [spot.text for spot in next(d for d in long.drawings if d.name == "word-map").spots]
    for key, wanted in (("ArrowRight", told[0]), ("ArrowDown", told[1]), ("ArrowLeft", told[0])):
        opened.keyboard.press(key)
        assert figure.locator("output").inner_text() == wanted
    opened.keyboard.press("Escape")
    assert not figure.locator("output").is_visible()
    opened.locator("#word").focus()
    word = long.neighbors.words[5]  # type: ignore[union-attr]
    opened.keyboard.type(word)
    assert "are the same" in opened.locator("[role=status]").inner_text()
    opened.keyboard.press("Tab")
    assert opened.evaluate(SEEN) == ["DIV", "found"]  # the neighbours, which may scroll
    opened.locator("summary").first.focus()
    opened.keyboard.press("Enter")
    assert opened.get_by_role("rowheader", name="row 59").is_visible()


@pytest.mark.parametrize("study", ["small"], indirect=True)
def test_a_figure_tells_what_is_pointed_at(opened, long):
    drawn = next(each for each in long.drawings if each.name == "associations")
    for width, height in ((1200, 900), (360, 740)):  # where figures scroll
        opened.set_viewport_size({"width": width, "height": height})
        image = opened.locator("#figure-associations img")
        box = image.bounding_box()
        spot = next(each for each in drawn.spots if each.x * box["width"] < 330)
        image.hover(position={"x": spot.x * box["width"], "y": spot.y * box["height"]}, force=True)
        assert opened.locator("#figure-associations output").inner_text() in {
            near.text for near in drawn.spots if abs(near.x - spot.x) < 0.02
        }
        image.hover(position={"x": 2, "y": 2}, force=True)
        assert not opened.locator("#figure-associations output").is_visible()
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        figure = opened.locator("#figure-associations .picture")
        figure.focus()
        for _ in drawn.spots[:12]:
            opened.keyboard.press("ArrowRight")
            tip, box = figure.locator("output").bounding_box(), image.bounding_box()
            assert box["x"] <= tip["x"]  # whole, inside of the picture
            assert tip["x"] + tip["width"] <= box["x"] + box["width"] + 1


def test_the_page_prints_black_on_white_and_whole(opened, long):
    screen = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert screen == "rgb(22, 25, 29)"  # dark, as its reader asked
    opened.evaluate(PRINTED)
    printed = opened.pdf(format="A4")
    assert opened.evaluate("window.printed") == [[True], 0]
    assert printed.startswith(b"%PDF")
    assert len(printed) > 100_000
    closed = opened.evaluate("document.querySelector('details.long').open === false")
    assert closed  # as it was before
    assert opened.locator("th button").count() == sum(len(t.head) for t in long.tables)
    opened.emulate_media(media="print")
    opened.set_viewport_size({"width": A4, "height": 960})
    opened.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    style = "(at) => { const s = getComputedStyle(document.querySelector(at)); return [s.color, "
    style += "s.backgroundColor]; }"
    assert opened.evaluate(style, "body") == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert opened.evaluate(style, "td")[0] == "rgb(0, 0, 0)"
    assert opened.evaluate(BEYOND) == []
    assert not opened.locator("nav").is_visible()


def test_the_page_of_a_study_says_what_its_command_said(
    store: Path, swept: Summary, sided: Comparison
) -> None:
    for found in (swept, sided):
        study = open_study(found.name, store)
        assert study.notes == {"warnings": [*found.warnings], "findings": [*found.findings]}
        report = report_of(study, brief=True)
        said = "".join(report.warnings).lower()
        assert all(warning.lower() in said for warning in found.warnings)
    assert report.paragraphs["Controls"] == sided.findings
