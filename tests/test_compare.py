"""Strategies side by side: the table's numbers, and comparisons trained on a toy text."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from debiaslab.corpus import Corpus
from debiaslab.metrics import Record, Scorecard
from debiaslab.regularizers import create, debias_words
from debiaslab.report import (
    Measure,
    StrategyResult,
    compared,
    comparison_blocks,
    comparison_csv,
    front_figure,
    gap_figure,
    heat_map_figure,
)
from debiaslab.report.comparison import front_volumes, headline, verdicts_against
from debiaslab.report.figures import rulers_figure
from debiaslab.report.tables import changes_table, pairs_table
from debiaslab.report.verdict import compared_verdict
from debiaslab.sgns import TrainSettings
from debiaslab.study import comparing, worker
from debiaslab.study.cell import Cell
from debiaslab.study.comparing import LIMIT, conduct_comparison, control_status, with_controls
from debiaslab.study.driver import Conduct
from debiaslab.study.plan import ComparisonPlan, Entry
from debiaslab.study.run import Site, UnusableRunError
from debiaslab.tables import latex_document, markdown_document, plain_document
from debiaslab.tracking import VECTORS, Store
from debiaslab.vectors.embeddings import Embeddings
from tests.expecting import holds, refuses
from tests.toys import toy_corpus

DIRECT = Measure("direct_bias", "occupations", "report", "lower", "direct bias")


def comparison_text(sides: Sequence[StrategyResult]) -> str:
    return plain_document(comparison_blocks(sides))


def comparison_markdown(sides: Sequence[StrategyResult]) -> str:
    return markdown_document(comparison_blocks(sides))


def comparison_latex(sides: Sequence[StrategyResult]) -> str:
    return latex_document(comparison_blocks(sides, "Strategies"))


def card(*records: Record) -> Scorecard:
    return Scorecard("", records)


def result(name: str, *cards: Scorecard, **values: Any) -> StrategyResult:
    """Return a strategy of one seed for each scorecard, without outcomes."""
    none: tuple[None, ...] = (None,) * len(cards)
    made = StrategyResult(name, None, "in", False, cards, none, ("id",) * len(cards))
    return replace(made, **values)


def side(name: str, *biases: float | None, control: bool = False) -> StrategyResult:
    cards = tuple(
        None if bias is None else card(Record("direct_bias", "occupations", "report", bias))
        for bias in biases
    )
    outcomes = tuple(
        None
        if bias is None
        else {"bias_report": 10 * bias, "bias_tune": 5 * bias, "retention_report": 1 - bias}
        for bias in biases
    )
    runs = tuple(None if bias is None else "id" for bias in biases)
    return StrategyResult(name, None, "in", control, cards, outcomes, runs, 12.0)


SIDES = (
    side("baseline", 0.10, 0.12, 0.11),
    side("good", 0.05, 0.06, 0.07),
    side("half", 0.05, None, 0.07),
    side("lost", None, None, None),
    side("blind", 0.01, 0.01, 0.01, control=True),
)


def test_means_intervals_and_ranks():
    baseline, good, half, lost, blind = compared(SIDES, DIRECT)
    assert baseline.mean == pytest.approx(0.11)
    assert baseline.half_width == pytest.approx(4.302653 * 0.01 / np.sqrt(3), rel=1e-5)
    assert (good.n, half.n, lost.n) == (3, 2, 0)
    assert [each.rank for each in (good, half)] == [1, 1]  # the seeds cannot tell them apart
    assert [each.rank for each in (blind, baseline, lost)] == [None] * 3  # never ranked
    assert lost.mean is lost.half_width is lost.to_baseline is None


def test_differences_are_paired_by_seed():
    baseline, good, half, *_ = compared(SIDES, DIRECT)
    assert baseline.to_baseline is None
    assert good.to_baseline.difference == pytest.approx(-0.05)
    assert half.to_baseline.n == 2  # the second seed has no partner
    assert half.to_baseline.difference == pytest.approx(-0.045)


def test_which_number_counts_and_which_way_is_better():
    kept = compared(SIDES, Measure("outcome", "retention_report", "report", "higher", "retention"))
    assert [each.rank for each in kept] == [None, 1, 1, None, None]
    signed = result("x", card(Record("weat", "7", "report", -1.2, extra={"statistic": -0.03})))
    assert Measure("weat", "7", "report", "lower", "").number(signed, 0) == 0.03  # its size


def two_readings(name: str, own: float, along: float, **values: Any) -> StrategyResult:
    """Return a strategy of two seeds with both readings of its bias, and of raw direct bias."""
    record = Record("raw_direct_bias", "occupations", "report", own)
    made = Scorecard("", (record,), (replace(record, value=along),))
    outcome = {
        "bias_report": own,
        "bias_report_own": own,
        "bias_report_anchored": along,
        "retention_report": 1.0,
    }
    return result(name, made, made, **{"outcomes": (outcome, outcome), **values})


def test_strategies_are_judged_by_the_anchored_reading_where_all_have_one():
    start = two_readings("baseline", 2.0, 2.0)
    control = {f"seed_control/{k}": v for k, v in start.outcomes[0].items()}  # type: ignore[union-attr]
    start = replace(start, outcomes=tuple({**o, **control} for o in start.outcomes if o))
    bends, moves = two_readings("bends", 0.1, 1.9), two_readings("moves", 0.9, 0.8)
    sides = (start, bends, moves, two_readings("blind", 0.5, 0.7, control=True))
    judged = compared_verdict(sides)
    assert judged.least == 2
    assert "moves has the lowest bias on report words, by the baseline's gender" in judged.sentence
    lacking = replace(bends, outcomes=tuple({"bias_report": 0.1} for _ in range(2)))
    assert compared_verdict((start, lacking, moves)).least == 1
    text = comparison_text(sides)
    assert "bias, anchored" in text
    assert "raw direct bias, anchored" in text
    assert "along the gender words of the baseline of the same seed" in text
    rows = csv.DictReader(io.StringIO(comparison_csv(sides)))
    found = {(r["strategy"], r["metric"], r["name"]): r for r in rows}
    for name in (("outcome", "bias_report"), ("raw_direct_bias", "occupations")):
        row = found[("bends", *name)]
        assert (float(row["mean"]), float(row["anchored_mean"])) == (0.1, 1.9)
    assert found["bends", "outcome", "retention_report"]["anchored_mean"] == ""
    made = rulers_figure(sides)
    assert made.get_suptitle().startswith("1 of 2 strategies show more bias along the")
    assert {"another seed", "bends", "blind"} <= {t.get_text() for t in made.axes[0].texts}
    with refuses("no strategy has both readings of its bias"):
        rulers_figure(SIDES)


def test_missing_cells_show_as_missing_in_every_form():
    text = comparison_text(SIDES)
    lost = next(line for line in text.splitlines() if line.startswith("lost"))
    assert lost.split()[1] == "0/3"
    assert "–" in lost
    assert "| lost | 0/3 | – |" in comparison_markdown(SIDES)
    assert "lost & 0/3 & --" in comparison_latex(SIDES)
    row = csv_row(SIDES, "lost")
    assert row["mean"] == row["rank"] == row["difference"] == ""
    assert row["seeds"] == "0"


def csv_row(sides: Sequence[StrategyResult], strategy: str) -> dict[str, str]:
    """Return the line of a strategy's direct bias."""
    rows = csv.DictReader(io.StringIO(comparison_csv(sides)))
    (row,) = (r for r in rows if r["strategy"] == strategy and r["metric"] == "direct_bias")
    return row


def test_bars_in_a_label_do_not_cut_a_markdown_cell():
    own = card(Record("weat", "7", "report", 1.0, extra={"statistic": 0.1}))
    sides = [result(name, own) for name in ("baseline", "x")]
    head, rule, *rows = comparison_markdown(sides).splitlines()[:4]
    assert r"\|s\| 7" in head
    assert len({line.replace(r"\|", "").count("|") for line in (head, rule, *rows)}) == 1


def test_latex_has_one_cell_a_column_no_bare_marks_and_minus_signs():
    written = comparison_latex(SIDES)
    *tables, _ = written.split(r"\end{tabular}")
    assert len(tables) == 3  # means, differences to the baseline, every two strategies
    for table in tables:
        rows = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert len({line.count("&") for line in rows}) == 1
        assert "λ" not in "".join(rows)
    holds(written, "budget", "$-0.050$", "& --", none_of=["–"])
    assert not re.search(r"(?<![$\d])[-+]\d", written.replace("% ", ""))


def test_every_form_has_ranks_the_best_and_the_differences_to_the_baseline():
    for table in (comparison_text(SIDES), comparison_markdown(SIDES), comparison_latex(SIDES)):
        first, second, *_ = [line for line in table.splitlines() if "good" in line]
        holds(table, "Difference to the baseline")
        assert "(1)" in first
        assert "-0.050" in second
    for table in (comparison_markdown, comparison_latex):  # a control is not the best of anything
        holds(table(SIDES), none_of=["**0.0", r"\textbf{0.0"])


BETTER = (
    side("baseline", 0.30, 0.31, 0.32),
    side("best", 0.050, 0.061, 0.069),
    side("good", 0.151, 0.160, 0.169),
    side("like", 0.1501, 0.161, 0.1695),
    side("blind", 0.01, 0.01, 0.01, control=True),
)


def test_what_is_best_is_better_than_every_other_strategy_by_a_test():
    found = compared(BETTER, DIRECT)
    assert [each.rank for each in found] == [None, 1, 2, 2, None]
    assert [each.best for each in found] == [False, True, False, False, False]
    assert "**0.060 ±0.024**" in comparison_markdown(BETTER)
    assert r"\textbf{0.060 $\pm$ 0.024}" in comparison_latex(BETTER)
    title = heat_map_figure(BETTER).get_suptitle().replace("\n", " ")
    assert title == "Better than every other strategy, of 3 measures: best in 3"
    assert "No measure tells the best" in heat_map_figure(SIDES).get_suptitle()


def test_differences_carry_what_may_be_said_of_them():
    ((_, *own), *_) = [found.values() for found in verdicts_against(BETTER)[1:2]]
    assert {each.word for each in own} <= {"lower", "higher"}
    table = changes_table(BETTER)
    best = next(row for row in table.rows if row[0] == "best")
    assert best[1].endswith("↓")
    assert "a paired t test, p ≤ 0.05 after Holm's correction" in table.notes[0]
    against = changes_table(BETTER, against=2)
    assert "Difference to good" in against.title
    rows = {row[0]: row[1:] for row in against.rows}
    assert rows.keys() == {"baseline", "best", "like", "blind (control)"}
    assert all(cell.endswith("≈") for cell in rows["like"])
    latex = comparison_latex(BETTER)
    holds(latex, r"$\downarrow$", r"$\approx$", none_of=["↓", "≈"])


def test_every_two_strategies_are_compared_and_controls_are_not():
    table = pairs_table(BETTER)
    assert [column.name for column in table.columns] == ["row − column", "best", "good"]
    (good, to_best, itself), (like, _, to_good) = table.rows
    assert (good, itself, like) == ("good", "", "like")
    assert to_best.endswith("↑")
    assert to_good.endswith("≈")
    assert "corrected over the 3 pairs" in table.notes[0]


def test_the_csv_has_the_verdict_of_headline_measures():
    row = csv_row(BETTER, "best")
    assert (row["verdict"], row["test"]) == ("lower", "t")
    assert float(row["p_test"]) <= float(row["p_holm"]) < 0.05
    assert float(row["detectable"]) < 0.25
    assert csv_row(BETTER, "baseline")["verdict"] == ""


def test_figures_are_drawn_with_what_there_is():
    assert all(draw(SIDES).axes for draw in (front_figure, heat_map_figure, gap_figure))
    front, ranks, gap = (
        draw(SIDES).get_suptitle().replace("\n", " ")
        for draw in (front_figure, heat_map_figure, gap_figure)
    )
    assert "good" in front  # not the control, which has less bias
    assert "blind" not in ranks
    assert "of 3 strategies" in gap  # neither the baseline nor the control
    with refuses("no strategy has bias"):
        front_figure(SIDES[3:4])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("projektion", "nearest|projection"),
        ("projection@5+pairwise", "gives no λ to pairwise.*projection@0.5\\+pairwise@10"),
        ("cds@2+projection@1", "gives 'cds' a λ, which it does not have"),
        ("hard@5", "gives 'hard' a λ"),
        ("projection@+pairwise@1", "was ''"),
        ("projection@", "λ of 'projection@'"),
        ("projection@-1", "a number above 0"),
        ("projection[pears=all]", r"no knob 'pears'.*'pairs'"),
        ("projection[pairs=all", "cannot be read"),
        ("tying@much", "was 'much'"),
    ],
)
def test_entries_that_cannot_be_read(text, said):
    with refuses(said):
        Entry.parse(text)


def test_plans_that_make_no_sense():
    projection = Entry("projection", 1.0)
    for entries, more, said in (
        ((projection, Entry("projection", 2.0)), {}, "named twice"),
        ((projection,), {"seeds": (1, 101)}, "tuned on seeds that are reported"),
        ((Entry("none"),), {}, "is the baseline"),
        ((), {}, "no strategy was named"),
    ):
        with refuses(said):
            ComparisonPlan(entries, **more)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return toy_corpus(tmp_path_factory.mktemp("toy"))


PLAN = ComparisonPlan(
    (Entry("projection", 1.0), Entry("tying")),
    seeds=(1, 2),
    settings=TrainSettings(dim=12, epochs=2, subsample=0.0),
    objective=replace(ComparisonPlan((Entry("tying"),)).objective, retention_weight=0.0),
    trials=2,
    tuning_seeds=(11,),
    controls=False,
)


def run_comparison(corpus: Corpus, folder: Path, **changes: Any) -> comparing.Comparison:
    plan = replace(PLAN, **changes)
    conduct = Conduct(folder / "mlruns", folder, progress=False)
    return conduct_comparison(corpus, plan, conduct)


def test_a_comparison_trains_tunes_and_is_continued(corpus, tmp_path, monkeypatch):
    found = run_comparison(corpus, tmp_path)
    _, projection, tying = found.sides
    assert [each.strategy for each in found.sides] == ["baseline", "projection", "tying"]
    assert (projection.weight, projection.tuning_runs) == (1.0, 0)
    assert tying.weight is not None
    assert tying.tuning_runs == 1 + PLAN.trials
    assert all(card is not None for each in found.sides for card in each.cards)
    assert comparison_text(found.sides).count("\nprojection λ=1") == 2
    runs = Store.open(tmp_path / "mlruns").runs(found.parent)
    assert sorted(run.kind for run in runs) == ["baseline"] * 2 + ["cell"] * 4

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a finished run was trained again")

    monkeypatch.setattr(worker, "train_cell", refuse)
    assert run_comparison(corpus, tmp_path).sides == found.sides


def test_a_cell_that_fails_is_left_empty(corpus, tmp_path, monkeypatch):
    real = worker.train_cell

    def failing(site: Site, cell: Cell, **kwargs: Any) -> object:
        if cell.seed == 2 and cell.weight:
            raise UnusableRunError("nothing could be measured")
        return real(site, cell, **kwargs)

    monkeypatch.setattr(worker, "train_cell", failing)
    with pytest.warns(UserWarning, match="projection@1, seed 2 is left empty"):
        found = run_comparison(corpus, tmp_path, entries=(Entry("projection", 1.0),))
    assert [card is None for card in found.sides[1].cards] == [False, True]
    assert found.failures == ("projection@1, seed 2: nothing could be measured",)
    assert "1/2" in comparison_text(found.sides)


def test_parts_and_entries_may_have_a_weight_and_knobs_each():
    assert Entry.parse("projection@1e+3+pairwise@0.5") == Entry("projection@1e+3+pairwise@0.5", 1.0)
    assert Entry.parse("projection+pairwise@0.5") == Entry("projection+pairwise", 0.5)
    assert Entry.parse("projection@10+leace") == Entry("projection@10+leace", 1.0)
    each = Entry.parse("cds[pairs=tune]+hard[components=3]")
    assert each.knobs == (("cds.pairs", "tune"), ("hard.components", "3"))
    assert Entry.parse("cds+hard[pairs=all]").knobs == (("pairs", "all"),)
    entry = Entry.parse("projection[pairs=all; direction=mean]@0.5")
    assert entry == Entry("projection", 0.5, (("pairs", "all"), ("direction", "mean")))
    assert entry.label == "projection[pairs=all;direction=mean]"
    assert not entry.tuned
    assert Entry.parse("hard").label == "hard"
    made = replace(SIDES[1], strategy="projection@2+pairwise@3", weight=1.0)
    assert made.label == "projection@2+pairwise@3"  # does not say twice how parts are weighed
    assert replace(made, strategy="projection").label == "projection λ=1"


def test_post_processing_is_given_the_baseline_itself(corpus, tmp_path):
    entries = (Entry("hard"), Entry("hard", None, (("pairs", "all"),)))
    found = run_comparison(corpus, tmp_path, entries=entries)
    store = Store.open(tmp_path / "mlruns")
    baseline, hard, every = found.sides
    assert (hard.strategy, every.strategy) == ("hard", "hard[pairs=all]")
    for runs in zip(baseline.runs, hard.runs, strict=True):
        old, new = (Embeddings.load(store.artifact(run, VECTORS)) for run in runs)
        expected = create("hard").fit(old, debias_words(old.words))(old)
        assert np.allclose(new.vectors, expected.vectors, atol=1e-6)
    assert hard.runs != every.runs


# Fronts ---------------------------------------------------------------------------------------

STAGES = ("none", "in", "post", "in", "in")
STAGED = tuple(replace(each, stage=stage) for each, stage in zip(SIDES, STAGES, strict=True))


def test_the_hypervolume_of_each_kind_by_hand():
    """Bias 10 b, retention 1 − b: good dominates (1 − 0.05 / 0.10) · 0.95 of the first seed."""
    by_group = {each.group: each for each in front_volumes(STAGED)}
    assert by_group["in"].strategies == ("good",)  # not the lost one, not the control
    expected = [(1 - b / a) * (1 - b) for a, b in ((0.10, 0.05), (0.12, 0.06), (0.11, 0.07))]
    assert by_group["in"].values == pytest.approx(expected)
    first, second, third = by_group["post"].values
    assert second is None
    assert (first, third) == (pytest.approx(expected[0]), pytest.approx(expected[2]))
    ratio = headline(front_volumes(thrice(STAGED)))
    assert ratio is not None
    assert (ratio.mean, ratio.n) == (pytest.approx(1.0), 2)  # the same numbers, where there are any


def thrice(sides: Sequence[StrategyResult]) -> list[StrategyResult]:
    """Return the sides with every strategy three times: a front of a kind needs so many."""
    copies = [replace(own, strategy=f"{own.strategy}{i}") for own in sides[1:] for i in range(3)]
    return [sides[0], *copies]


def test_fronts_are_compared_between_kinds_of_three_strategies_and_more():
    assert headline(front_volumes(STAGED)) is None
    assert "ypervolume" not in comparison_text(STAGED)
    assert "fewer than 3 strategies of post-processing" in comparison_text(thrice(SIDES))
    said = "in-processing over post-processing: 1.000 ±0.000 (2 of 3 seeds; post-proc"
    assert said in comparison_text(thrice(STAGED))
    worse = replace(SIDES[1], strategy="worse", stage="post", outcomes=SIDES[0].outcomes)
    said = "post-processing's is 0, or one of the two not measured, in every seed"
    assert said in comparison_text(thrice((STAGED[0], STAGED[1], worse)))  # it dominates nothing
    assert "reference point" in comparison_markdown(thrice(STAGED))
    title = front_figure(thrice(STAGED)).get_suptitle().replace("\n", " ")
    assert "1.00 ±0.00, 2 of 3 seeds" in title


def test_many_points_are_numbered_and_named_in_a_key():
    many = (SIDES[0], *(replace(SIDES[1], strategy=f"s{i}", weight=None) for i in range(12)))
    holds(front_figure(many).get_supxlabel(), *(f"s{i}" for i in range(12)))


# Controls -------------------------------------------------------------------------------------


def test_the_controls_match_what_is_compared():
    settled = (
        Entry("pairwise", 3.0),
        Entry("projection-subspace", 7.0),
        Entry("hard", 1.0, (("components", "2"),)),
    )
    assert with_controls(settled) == (
        Entry("random-projection", 7.0),
        Entry("random-direction", None, (("components", "2"),)),
        Entry("pairwise", LIMIT),
        Entry("gender-blind"),
    )
    blind = Entry("gender-blind", 1.0)
    assert with_controls((Entry("cds", 1.0), blind)) == (Entry("same-gender-swap"),)
    doubled = Entry("same-gender-swap", None, (("names", "false"), ("copies", "true")))
    assert with_controls((Entry("cda", 1.0), Entry("cds", 1.0), blind)) == (doubled,)
    assert with_controls((Entry("cds+hard", 1.0), blind)) == ()
    knobs = (("stretch", "80"),)
    noise = (Entry("stratified-noise", 1.5, knobs), blind)
    assert with_controls(noise) == (Entry("shuffled-strata", 1.5, knobs),)
    assert with_controls((Entry("cds", 1.0), doubled, blind)) == ()


def test_a_comparison_trains_the_controls_it_lacks(corpus, tmp_path):
    one = {"entries": (Entry("projection", 1.0),), "seeds": (1,), "controls": True}
    found = run_comparison(corpus, tmp_path, **one)
    assert [(each.label, each.control) for each in found.sides[1:]] == [
        ("projection λ=1", False),
        ("random-projection λ=1", True),
        ("projection λ=1e+06", True),
        ("gender-blind", True),
    ]
    told = {each.name: each for each in found.controls}
    assert told["random direction in the loss"].by == "random-projection λ=1"
    assert "no erasing strategy" in str(told["random direction erased"])
    assert told["λ → ∞"].by == "projection λ=1e+06"
    assert told["unseen gender pairs"].by == "the 14 report pairs"
    longer = replace(PLAN.settings, epochs=3)
    with refuses(r"other settings \(epochs: 2 → 3\).*another --study"):
        run_comparison(corpus, tmp_path, **one, name=found.name, settings=longer)


def test_a_comparison_says_which_controls_it_lacks():
    plan = replace(PLAN, entries=(Entry("hard", None, (("pairs", "all"),)),))
    told = {each.name: str(each) for each in control_status(plan, STAGED[:1], {})}
    assert "--no-controls" in told["gender-blind floor"]
    assert "every strategy was given all pairs" in told["unseen gender pairs"]
    asked = replace(plan, controls=True)
    told = {
        each.name: str(each)
        for each in control_status(asked, STAGED[:1], {"gender-blind": "no pair"})
    }
    assert told["gender-blind floor"] == "gender-blind floor: missing (no pair)"
    assert "no penalty by itself" in told["λ → ∞"]
    assert "no text strategy by itself" in told["swaps within a gender"]


# A number of fewer seeds ----------------------------------------------------------------------

ONCE = (*SIDES[:2], side("lucky", None, 0.001, None), SIDES[2])


def test_a_number_of_one_seed_of_several_takes_no_rank_and_says_so():
    found = compared(ONCE, DIRECT)
    assert [each.rank for each in found] == [None, 1, None, 1]
    assert (found[2].mean, found[2].half_width, found[2].n) == (0.001, None, 1)
    text = comparison_text(ONCE)
    first, second, *_ = (line for line in text.splitlines() if line.startswith("lucky"))
    assert "0.001 (n=1)" in first
    assert "-0.119 n=1" in second
    no_rank = "a value of one seed has no interval and no rank"
    holds(text, "0.060 ±0.127 (1, n=2)", no_rank)
    assert "n: seeds" not in comparison_text(SIDES[:2])
    holds(comparison_markdown(ONCE), none_of=["**0.001", "**0.060"])
    assert r"\textbf{0.001" not in comparison_latex(ONCE)
    row = csv_row(ONCE, "lucky")
    assert (row["seeds"], row["rank"]) == ("1", "")
    verdict = compared_verdict(ONCE)
    assert verdict.least == 1
    assert "of 2 strategies" in verdict.sentence
    made = front_figure(ONCE)
    assert "good" in made.get_suptitle()
    assert "lucky (n=1)" in [text.get_text() for text in made.axes[0].texts]
    assert "n: seeds that measured it" in heat_map_figure(ONCE).get_supxlabel()
    assert "with more than one seed" in compared_verdict((SIDES[0], ONCE[2])).sentence


def test_with_one_seed_in_all_nothing_is_ranked():
    sides = (side("baseline", 0.2), side("a", 0.1))
    assert [each.rank for each in compared(sides, DIRECT)] == [None, None]
    assert "one seed can say little" in comparison_text(sides)
    assert "n=" not in comparison_text(sides)


def test_the_overlap_of_a_baseline_is_explained_where_it_is_shown():
    own = card(Record("neighbor_overlap", "all ranks", "all", 0.218))
    sides = [result(name, own) for name in ("baseline", "x")]
    for table in (comparison_text, comparison_markdown, comparison_latex):
        assert "overlap of the baseline: with the baseline of another seed" in table(sides)
    assert "overlap of the baseline" not in comparison_text(SIDES)


# What the figures show ------------------------------------------------------------------------


def placed(made: Figure) -> list[Bbox]:
    """Return where the names of points are, in pixels, once all is drawn."""
    canvas = FigureCanvasAgg(made)
    canvas.draw()
    texts = [each for each in made.axes[0].texts if each.get_text() and each.get_visible()]
    return [Text.get_window_extent(text, canvas.get_renderer()) for text in texts]


@pytest.mark.parametrize("copies", [2, 7, 20])
def test_names_of_points_do_not_lie_on_each_other(copies):
    """Strategies that change nothing lie on the baseline, as a random direction does."""
    same = [replace(SIDES[0], strategy=f"the-same-{i}", stage="post") for i in range(copies)]
    boxes = placed(front_figure((*SIDES[:2], *same)))
    assert len(boxes) == copies + 2
    pairs = itertools.combinations(boxes, 2)
    assert not [(a, b) for a, b in pairs if a.shrunk(0.9, 0.9).overlaps(b.shrunk(0.9, 0.9))]


def test_the_heat_map_has_every_column_of_the_table():
    own = card(Record("lipstick", "profession_neighbors", "report", 0.5))
    sides = (SIDES[0], replace(SIDES[1], cards=(own, own, own)))
    made = heat_map_figure(sides)
    shown = [label.get_text() for label in made.axes[0].get_xticklabels()]
    assert shown == ["bias", "retention", "direct bias", "neighbours r"]
    holds(comparison_text(sides), *shown)
    note = made.get_supxlabel().replace("\n", " ")
    holds(note, "Without colour", "hold them against: neighbours r.")


def test_neither_half_hides_the_other_and_an_empty_row_says_why():
    same = replace(SIDES[1], outcomes=tuple({"bias_tune": 1.0, "bias_report": 1.0} for _ in "123"))
    axes = gap_figure((SIDES[0], same, SIDES[3])).axes[0]
    points = [bars.get_children()[0] for bars in axes.containers]
    heights = {point.get_ydata()[0] for point in points}
    assert len(heights) == len(points) == 4
    assert [text.get_text() for text in axes.texts] == ["not measured on tune and report words"]
