"""Tables, figures and pages: what they say, and that nothing in them is broken or unescaped."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from debiaslab.errors import UserError
from debiaslab.metrics import Scorecard
from debiaslab.metrics.scorecard import Record
from debiaslab.report import (
    RunContent,
    TrialRow,
    drawings,
    html_page,
    loss_figure,
    run_drawings,
    scorecard_figure,
    style,
    summarize,
    sweep_figure,
    tradeoff_figure,
)
from debiaslab.report.content import cautions
from debiaslab.report.figures import clusters_figure, epochs_figure, losses_figure
from debiaslab.report.figures.sweep import Band, over_seeds
from debiaslab.report.figures.words import association_sizes
from debiaslab.report.style import (
    figure,
    figure_of,
    house_style,
    name_points,
    plain,
    png,
    spots_of,
    tell,
)
from debiaslab.report.tables import records_table, trials_table
from debiaslab.report.verdict import headline
from debiaslab.report.words import MappedWords
from tests.expecting import holds, refuses
from tests.pages import Page

PROVENANCE = {
    "debiaslab": "0.1.0",
    "git": {"commit": "c" * 40, "dirty": True, "changed": [" M x"], "diff": "+<script>"},
    "python": "3.11",
    "packages": {"numpy": "2.4", "gensim": None},
    "machine": {"cores": 2},
    "argv": ["debiaslab", "sweep"],
}


def row(trial, weight, seed, bias, *, report=0.5, retention=1.0, best=False):
    run = f"r{trial}{seed}"
    return TrialRow(trial, weight, seed, bias, report, retention, bias, run, best, retention)


ROWS = [
    row(3, 0.5, 1, 0.4, retention=0.9, best=True),
    row(3, 0.5, 2, 0.6, retention=0.8, best=True),
    row(0, 2.0, 1, 0.1, retention=0.2),
    row(0, 2.0, 2, 0.3, retention=0.4),
    row(None, 0.0, 1, 1.5, report=1.9),
    row(None, 0.0, 2, 1.7, report=2.1),
]


def test_summaries_are_means_with_sample_deviation():
    baseline, best, strong = summarize(ROWS)
    assert (baseline.trial, best.trial, strong.trial) == (None, 3, 0)
    assert (best.bias_tune.mean, best.bias_tune.sd) == pytest.approx((0.5, math.sqrt(0.02)))
    assert (best.retention.low, best.retention.high) == (0.8, 0.9)
    assert (best.best, best.seeds, strong.best) == (True, 2, False)
    (only,) = summarize([row(0, 1.0, 1, 0.4, report=None, retention=None)])
    assert only.bias_tune.sd is only.bias_report is only.retention is None


def test_the_tables_of_trials():
    lines = trials_table(ROWS).plain().splitlines()
    head = "trial λ bias tune bias report retention tune retention report score"
    assert " ".join(lines[0].split()) == head
    assert lines[2].split()[:4] == ["baseline", "0", "1.600", "±0.141"]
    assert [line.endswith("*") for line in lines[2:]].index(True) == 1
    assert sum(line.endswith("*") for line in lines) == 1
    assert "0.850 ±0.071" in lines[3]
    assert "2 seeds" in lines[-1]
    assert "n/m" in trials_table([row(0, 1.0, 1, 0.4, report=None)]).plain().splitlines()[2]
    lines = trials_table(ROWS).markdown().splitlines()
    assert lines[1] == "|" + "---:|" * 7
    assert lines[3].startswith("| **3** | **0.5** | **0.500 ±0.141** |")
    assert all(line.count("|") == 8 for line in lines[:5])


def test_the_legend_says_what_the_best_is_the_best_of_and_how_it_is_marked():
    lowest = trials_table([TrialRow(**{**vars(each), "best": each.trial == 0}) for each in ROWS])
    assert "* the lowest score of the trials" in lowest.plain()
    assert "bold the lowest score of the trials" in lowest.markdown()
    assert lowest.marked == {2}
    kept = trials_table(ROWS).plain()  # trial 3 keeps more of the similarity than trial 0
    assert "* the best trial (those with a lower score lack a seed, or the retention" in kept


def but(**values):
    """Return the rows with other values."""
    return [TrialRow(**{**vars(each), **values}) for each in ROWS]


def test_the_headline_states_the_finding():
    unsure = ": 2 seeds cannot tell"
    assert headline(ROWS) == f"λ = 0.5: bias on report words 2.00 → 0.50, retention 0.85{unsure}"
    blind = headline(but(bias_report=None))
    assert blind == f"λ = 0.5: bias on tune words 1.60 → 0.50, retention 0.85{unsure}"
    assert "No trial" in headline(ROWS[-2:])
    assert "2.00 → 0.50, retention 0.50" in headline(but(retention_report=0.5))


def test_the_sweep_figure_shows_means_seeds_and_baseline():
    upper, lower = sweep_figure(ROWS).axes
    assert upper.get_xscale() == "log"
    named = {line.get_label(): line for line in upper.lines}
    assert named["tune words"].get_xdata().tolist() == [0.5, 2.0]
    assert named["tune words"].get_ydata().tolist() == pytest.approx([0.5, 0.2])
    assert named["baseline, report words"].get_ydata()[0] == pytest.approx(2.0)
    assert "λ" in lower.get_xlabel()
    assert all(axes.get_legend() for axes in (upper, lower))


def test_the_tradeoff_marks_the_best_draws_the_baselines_range_and_says_where_controls_are():
    axes = tradeoff_figure(ROWS).axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [
        *("front: none better in both", "trial (mean over seeds)"),
        *("best (λ = 0.5)", "baseline (λ = 0)"),
    ]
    assert "report words" in axes.get_ylabel()
    made = tradeoff_figure([*ROWS, replace(ROWS[-1], seed=7, bias_report=9.0)])
    bars = [segment for lines in made.axes[0].collections[:-1] if isinstance(lines, LineCollection)
            for segment in lines.get_segments()]  # fmt: skip
    base = [row.bias_report for row in ROWS if row.trial is None]
    assert any(sorted(bar[:, 1]) == [min(base), 9.0] for bar in bars)
    assert "Controls are trained by the command compare" in made.get_supxlabel().replace("\n", " ")


@pytest.mark.parametrize("missing", ["bias_report", "retention", "retention_report"])
def test_figures_bear_what_was_not_measured(missing):
    partly = but(**{missing: None})
    assert png(sweep_figure(partly)).startswith(b"\x89PNG")
    assert png(tradeoff_figure(partly)).startswith(b"\x89PNG")


def test_without_a_trial_there_is_nothing_to_draw():
    with refuses("no trial"):
        sweep_figure(ROWS[-2:])
    assert list(drawings("sweep", ROWS[-2:], chosen="projection")) == []
    assert len(list(drawings("sweep", ROWS, chosen="projection@1"))) == 3


def test_marks_are_told_where_they_are_drawn():
    made = figure("Title", 4.0, 3.0)
    axes = made.subplots()
    axes.plot([0, 1], [0, 1], "o")
    axes.set_xlim(0, 1)
    tell(axes, [(0.5, 0.25), (7, 7)], ["$half$", "outside"])
    before = png(made)
    (spot,) = spots_of(made)
    across, up = axes.transAxes.transform((0.5, 0.0))[0], axes.transData.transform((0.5, 0.25))[1]
    assert spot.text == "$half$"  # not a formula
    assert (spot.x, spot.y) == pytest.approx((across / 520, 1 - up / 390), abs=1e-3)
    for text in list(axes.texts):
        text.remove()
    assert png(made) == before  # nothing of it is drawn


def test_names_keep_off_points_without_a_name():
    def place(others):
        made = figure("Title", 4.0, 3.0)
        axes = made.subplots()
        axes.set(xlim=(0, 1), ylim=(0, 1))
        name_points(made, axes, [(0.5, 0.5)], ["word"], others)
        return axes.texts[0].xyann

    usual = place([])
    assert place([(0.56, 0.56)]) != usual == place([(0.1, 0.1)])


def test_words_of_the_clusters_are_told():
    points = np.array([[0.0, 1.0], [1.0, 0.0]])
    found = MappedWords(("new_york", "b"), ("male", "female"), points, points, (0.5, None))
    made = clusters_figure(found)
    png(made)
    assert [spot.text for spot in spots_of(made)] == ["new york", "b"] * 2


def test_figures_leave_pyplot_alone_and_those_of_ones_own_look_like_these():
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    sweep_figure(ROWS)
    assert plt.get_fignums() == []
    with mpl.rc_context(house_style()):
        axes = Figure().subplots()
        axes.plot([0, 1])
        axes.set_title("Finding")
        colours = [each["color"] for each in mpl.rcParams["axes.prop_cycle"]]
    house = figure("Title", 4.0, 3.0).subplots()
    plain(house)
    for made in (axes, house):
        made.figure.draw_without_rendering()
        assert not made.spines["top"].get_visible()
        assert made.get_xgridlines()[0].get_color() == "#e3e3e3"
    assert axes.get_title(loc="left") == "Finding"
    assert len(set(colours)) == len(colours) == 6


def test_bands_are_means_and_ranges_over_seeds():
    first, second = [(1, 3.0), (2, 1.0), (3, 1.0)], [(1, 5.0), (2, 2.0)]  # one ended early
    band = over_seeds([first, [], second])
    assert band == Band((1, 2), (4.0, 1.5), (3.0, 1.0), (5.0, 2.0), 2)
    assert band.end == "1.50 [1.00, 2.00]"
    assert over_seeds([first]).end == "1.00"
    assert over_seeds([]) is over_seeds([first, [(9, 1.0)]]) is None


def test_the_penalty_has_a_panel_of_its_own():
    loss = [(1_000_000 * i, 1 / (i + 1)) for i in range(9)]
    assert len(loss_figure(loss).axes) == 1
    upper, lower = loss_figure(loss, loss).axes
    assert upper.lines[0].get_xdata().tolist() == [x for x, _ in loss]
    assert lower.get_xlabel() == "words trained"
    seeds = [[(1, 3.0), (2, 1.0)], [(1, 5.0), (2, 2.0)]]
    _, lower = losses_figure({"run": [[(1, 2.0)]]}, seeds).axes
    assert len(lower.collections) == len(lower.lines) == 1  # a band and a line


@pytest.mark.parametrize("draw", [losses_figure, lambda c: epochs_figure(c, "loss")])
def test_curves_of_several_seeds_have_a_band_and_those_of_one_have_none(draw):
    curves = {"baseline": [[(1, 3.0), (2, 1.0)], [(1, 5.0), (2, 2.0)]], "run": [[(1, 2.0)]]}
    axes = draw(curves).axes[0]
    (band,) = axes.collections
    assert {tuple(point) for point in band.get_paths()[0].vertices} >= {(1, 3), (1, 5), (2, 2)}
    assert [line.get_label() for line in axes.lines] == ["baseline", "run"]
    assert axes.lines[0].get_ydata().tolist() == [4.0, 1.5]
    with refuses("no loss was recorded"):
        draw({"baseline": [[]]})


SIZES = {"statistic": -0.0734, "statistic_low": -0.1, "statistic_high": -0.02, "null95": 0.05}
CARD = Scorecard(
    "run",
    (
        Record(
            "weat", "6b", "tune", 1.25, 0.5, 1.7, 0.012, "exact", 16, ("executive",), extra=SIZES
        ),
        Record("weat", "6b", "report", None, reason="only 3 words of X are known"),
        Record("similarity", "SimLex-999", "all", 0.25, 0.2, 0.3, n=900, extra={"coverage": 0.9}),
        Record("collapse", "mean_cosine", "all", 0.9, extra={"warning": "all <alike>"}),
    ),
)


def test_association_sizes_are_in_units_of_the_baseline():
    sizes = association_sizes(CARD, None, {"6b/tune": 0.05, "6b/report": 0.04})
    assert [(each.words, each.baseline) for each in sizes] == [("tune", None), ("report", None)]
    assert sizes[0].run == pytest.approx(1.468)
    assert sizes[0].run_interval == pytest.approx((0.4, 2.0))  # of s, which is negative
    assert sizes[1].run is sizes[1].run_interval is sizes[0].baseline_interval is None
    axes = scorecard_figure(sizes).axes[0]
    bars = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2]
    assert any(tuple(bar) == sizes[0].run_interval for bar in bars)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["WEAT 6b"]
    assert png(axes.figure).startswith(b"\x89PNG")
    either = {"statistic": 0.01, "statistic_low": -0.02, "statistic_high": 0.05}
    known = Scorecard("run", (Record("weat", "7", "tune", 0.1, n=16, extra=either),))
    (size,) = association_sizes(known, known, {"7/tune": 0.05})  # of either sign: may be nothing
    assert size.run_interval == size.baseline_interval == pytest.approx((0.0, 1.0))


def closed(content: RunContent) -> Page:
    page = Page(html_page(content.report()))
    assert page.open == []
    assert all(
        str(attributes.get("href", "#"))[0] == "#" for _, attributes in page.tags
    )  # nothing is fetched
    return page


def run_page(*records):
    return closed(RunContent("t", {}, {}, Scorecard("run", records), "f"))


def test_the_page_of_a_run():
    loss = [(i, 1.0) for i in range(3)]
    content = RunContent(
        title="trial <1>",
        params={"weight": "0.31", "cover": "all", "odd": "<img src=x>"},
        provenance=PROVENANCE,
        scorecard=CARD,
        formula="score = B < 1",
        outcome={"bias_tune": 1.4683, "bias_report": None},
        baseline=CARD,
        drawings=list(run_drawings(association_sizes(CARD, CARD, {"6b/tune": 0.05}), loss)),
    )
    page = closed(content)
    holds(
        page.words,
        *("trial <1>", "<img src=x>", "d is scale-free.", "all <alike>", "executive"),
        "-0.0734 [-0.1000, -0.0200] -0.0734 0.0500 +1.25 [0.50, 1.70] 0.012",
        *("weat 6b, report words: only 3 words of X are known", "SimLex-999 all 900 90%"),
        *("bias_tune 1.468 bias_report n/m", "score = B < 1"),
        "c" * 40 + " with uncommitted changes",
    )
    expected = zip(page.all("img"), ("size of each association", "Running loss"), strict=True)
    assert all(text in image["alt"] for image, text in expected)
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    smallest = run_page(*CARD.records)
    assert list(run_drawings((), ())) == smallest.all("img") == []
    assert "baseline" not in smallest.words.split("SimLex-999")[0].split("retention")[0]


def test_the_page_of_a_run_warns_of_a_scale_free_d():
    numbers = {"statistic": 0.02, "null95": 0.03, "warning_scale": "d looks large"}
    said = run_page(Record("weat", "7", "all", 1.31, n=16, extra=numbers)).words
    exceeds = "d is large while s does not exceed the random-word null here: read s: weat 7 all"
    holds(said, exceeds, "+1.31‡", "‡ d looks large")
    quiet = Record("weat", "7", "all", 0.2, extra={"statistic": 0.02})
    assert "‡" not in run_page(quiet).words


NULL = {"null_low": 0.1, "null_high": 0.3, "null_draws": 500, "null_reason": None}
SOME = Record("indirect_bias", "a", "all", 0.2, extra=NULL | {"null_undefined": 20})


def test_page_and_table_say_what_their_nulls_are_without():
    other = Record("mac", "b", "all", 0.9, extra=NULL | {"null_undefined": 0, "null_zeros": 2})
    left_out = "indirect_bias a all, here: 20 of 500 sets are left out"
    holds(
        run_page(SOME, other).words,
        *("indirect_bias a all 0 0.2000 [0.100, 0.300]", "mac b", left_out),
        "here: 2 frequent words are never drawn: all-zero vectors",
    )
    whole = run_page(Record("mac", "b", "all", 0.9, extra=NULL | {"null_undefined": 0})).words
    holds(whole, "[0.100, 0.300]", none_of=("left out", "Of the random words"))
    sure = Record("indirect_bias", "a", "all", 0.2, extra=NULL | {"null_undefined": 0})
    before, after, whole = (
        SimpleNamespace(scorecard=Scorecard("run", (each,)), label="x", seed=1)
        for each in (sure, SOME, sure)
    )
    table = records_table(before, after)
    assert table.cells[0][-1] == "[0.1000, 0.3000]"
    expected = f" Of the random words: {left_out}, for it is undefined for them."
    assert table.footer()[-1].endswith(expected)
    assert "left out" not in records_table(before, whole).footer()[-1]


def test_a_baseline_without_bias_is_said():
    rows = [row(None, 0.0, 1, 0.6), row(0, 1.0, 1, 0.5, best=True)]
    assert any("there is little bias to remove" in each for each in cautions(rows))
    assert not list(cautions([row(None, 0.0, 1, 1.6), row(0, 1.0, 1, 1.5, best=True)]))
    assert any("in every run" in each for each in cautions([row(0, 1.0, 1, 1.5, report=None)]))


def test_a_figure_is_one_decorated_function(monkeypatch):
    monkeypatch.setattr(style, "_FIGURES", {"sweep": []})

    @figure_of("sweep", "scores", lambda rows: [row.score for row in rows])
    def scores_figure(scores):
        """The score of {which} run.

        Not in the caption.
        """
        if not scores:
            raise UserError("nothing to draw")
        return figure("Scores", 3.0, 2.0)

    (made,) = drawings("sweep", ROWS, which="every")
    assert (made.name, made.title) == ("scores", "Scores")
    assert made.description == "The score of every run."
    assert list(drawings("sweep", [], which="every")) == []
