"""The planted-bias control: which words, what is trained, what the metrics make of it."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from debiaslab import lexicons
from debiaslab.corpus import Corpus, CorpusSettings
from debiaslab.metrics import (
    Record,
    Scorecard,
    biased_words,
    direct_bias,
    evaluate,
    indirect_bias_within,
    mac,
    neighbor_shares,
    ripa,
    rnd,
    rnsb,
    weat,
)
from debiaslab.metrics.planted import measure_planted, planted_metrics
from debiaslab.regularizers.swapping import Swap
from debiaslab.report import html_page, markdown_page
from debiaslab.report.planted import (
    Dosed,
    PlantedStudy,
    followed,
    planted_blocks,
    planted_csv,
    planted_figure,
    planted_table,
)
from debiaslab.results import read_study
from debiaslab.sgns import TrainSettings
from debiaslab.study import run, worker
from debiaslab.study.cell import Cell
from debiaslab.study.driver import Conduct
from debiaslab.study.kept import report_of
from debiaslab.study.planting import (
    Dosing,
    PlantedWords,
    Planting,
    PlantingPlan,
    conduct_planting,
    gender_words_near,
    planted_words,
    words_from,
)
from debiaslab.study.run import Site
from debiaslab.tables import markdown_document, plain_document
from debiaslab.tracking import Store
from debiaslab.vectors.embeddings import Embeddings
from tests.command_line import call, refused
from tests.expecting import holds, refuses
from tests.toys import MALE_SHARE, neutral_text, spelled


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("neutral")
    (folder / "text.txt").write_text(neutral_text(), encoding="utf-8")
    settings = CorpusSettings(min_count=1)
    return Corpus.build([folder / "text.txt"], settings, cache=folder, progress=False)


PLAN = PlantingPlan(
    doses=(-1.0, 0.0, 1.0),
    seeds=(1, 2),
    settings=TrainSettings(dim=16, epochs=6, subsample=0.0),
    count=10,
)


@pytest.fixture(scope="module")
def found(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> tuple[Planting, Path]:
    """Train the control; the usual scorecard, which nothing here reads, without its intervals."""
    root = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "evaluate", partial(evaluate, quick=True))
        return conduct_planting(corpus, PLAN, Conduct(root, progress=False)), root


# Words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [1, 3])
def test_gender_words_near_are_counted_by_their_definition(corpus, window):
    gender = Swap.of(corpus.words, corpus.counts).gender
    expected = np.zeros(len(corpus.words), dtype=np.int64)
    offsets = corpus.document_offsets()
    for start, end in zip(offsets[:-1], offsets[1:] - 1, strict=True):
        document = np.asarray(corpus.ids[start:end])
        for i, word in enumerate(document):
            beside = np.r_[document[max(i - window, 0) : i], document[i + 1 : i + window + 1]]
            expected[word] += np.count_nonzero(gender[beside])
    assert np.array_equal(gender_words_near(corpus, gender, window), expected)


def test_three_disjoint_sets_of_like_words_that_no_list_holds(corpus):
    words = planted_words(corpus, count=10, seed=3)
    sets = (words.chosen, words.control, words.other)
    assert [len(each) for each in sets] == [10, 10, 10]
    assert len({word for each in sets for word in each}) == 30
    assert not set(words.pool) & set(words.chosen)
    assert {*words.control, *words.other} <= set(words.pool)
    assert not set(words.pool) & lexicons.gender_words()
    near = gender_words_near(corpus, Swap.of(corpus.words, corpus.counts).gender)
    means = [np.mean([near[corpus.index[word]] for word in each]) for each in sets]
    assert means[1] == pytest.approx(means[0], rel=0.05)
    assert words.male_share == pytest.approx(MALE_SHARE, abs=0.02)
    assert words.shared == 0.0  # one such word a document
    assert planted_words(corpus, count=10, seed=3) == words
    assert planted_words(corpus, count=10, seed=4) != words


def test_given_words_are_found_in_other_casings_and_the_lost_ones_are_named(corpus):
    chosen = planted_words(corpus, count=4, seed=3).chosen
    asked = [*(word.upper() for word in chosen), "zyzzyva", "quokka"]
    with pytest.warns(UserWarning, match="2 of the 6 chosen words are not in the corpus.*zyzzyva"):
        assert planted_words(corpus, words=asked).chosen == chosen


def test_words_that_cannot_be_used(corpus):
    few = map(spelled, range(3))
    for asked, said in (
        ({"words": [*map(spelled, range(3)), "plumber"]}, "3 of the 4 chosen words are in the cor"),
        ({"words": [*few, "she"]}, "'she' has a gender itself"),
        ({"count": 100}, "to choose 3 × 100 words from"),
    ):
        with refuses(said):
            planted_words(corpus, **asked)
    with refuses("did you mean"):
        words_from("occupation")
    assert words_from("a, b,a") == ("a", "b")
    assert words_from("occupations") == lexicons.load("occupations").words


def test_plans_that_make_no_sense():
    for wrong, said in (
        ({"doses": (0.0,)}, "two or more"),
        ({"doses": (0.0, 0.0)}, "two or more"),
        ({"doses": (0.0, 2.0)}, "from -1 to 1"),
        ({"base": "balance"}, "balanced"),
        ({"seeds": ()}, "--seeds must be at least 1"),
        ({"seeds": (-1,)}, "--seed"),
    ):
        with refuses(said):
            PlantingPlan(**wrong)


def test_what_dose_zero_is(corpus):
    words = planted_words(corpus, count=10)
    text, balanced = PLAN, replace(PLAN, base="balanced")
    for plan, male in (
        (text, words.male_share),
        (replace(text, base="alike"), words.male_share),
        (balanced, 0.5),
    ):
        at = {dose: (plan.planted(words, dose).dose + 1) / 2 for dose in (-1.0, 0.0, 0.5, 1.0)}
        assert at == pytest.approx({-1.0: 0.0, 0.0: male, 0.5: (1 + male) / 2, 1.0: 1.0})
    kept = replace(PLAN, base="corpus").planted(words, 0.5)
    assert (kept.dose, kept.base) == (0.5, "corpus")


def test_at_dose_zero_the_text_is_the_same_whichever_words_were_chosen(corpus):
    """So that chosen words are random ones among their like, whatever a metric makes of it."""
    texts = {}
    for seed in (1, 2):
        words = planted_words(corpus, count=10, seed=seed)
        for apart in (False, True):
            plan = replace(PLAN, base="alike", apart=apart)
            for dose in (0.0, 1.0):
                text = plan.planted(words, dose).bind(corpus, seed=5)
                texts[seed, apart, dose] = text.rewrite(np.array(corpus.ids), 0, 0).tobytes()
    assert len({text for (*_, dose), text in texts.items() if dose == 0.0}) == 1
    assert len(set(texts.values())) == 5
    assert PLAN.planted(words, 0.0).like == ()  # nor does the base text touch other words
    untouched = replace(PLAN, base="corpus").planted(words, 0.0).bind(corpus)
    assert np.array_equal(untouched.rewrite(np.array(corpus.ids), 0, 0), corpus.ids)


# What is trained ------------------------------------------------------------------------------


def test_signed_metrics_follow_the_dose_and_control_words_do_not(found):
    results = {each.metric.metric: each for each in followed(found[0].study)}
    assert list(results) == [metric.metric for metric in planted_metrics(apart=False)]
    for each in results.values():
        if each.metric.follows != "dose":
            continue
        coarse = each.metric.metric == "neighbors"  # of 23 neighbours
        assert each.rho == pytest.approx(1.0, abs=0.3 if coarse else 0), each.metric.label
        assert abs(each.leak) < 0.25, each.metric.label
        zero = each.at_zero
        assert zero.null[0] <= zero.mean <= zero.null[1], each.metric.label
        ends = each.planted[0], each.planted[-1]
        assert coarse or [point.inside for point in ends] == [0, 0], each.metric.label
        assert all(point.inside >= 1 for point in each.control), each.metric.label
    assert results["direct_bias"].planted[0].mean > results["direct_bias"].planted[1].mean


def test_a_finished_control_trains_nothing_again(corpus, found, monkeypatch):
    first, root = found
    runs = Store.open(root).runs(first.parent, kind="planted")
    assert len(runs) == 6
    assert {run.params["planted.dose"] for run in runs} == {"-1.0", "0.0", "1.0"}
    trained: list[tuple[float, int]] = []

    def refuse(_: Site, cell: Cell) -> str:
        assert isinstance(cell.treatment, Dosing)
        trained.append((cell.treatment.dose, cell.seed))
        return runs[0].run_id

    kept = read_study(Store.open(root), first.name)
    assert kept.planted == first.study
    report = report_of(kept)
    assert report.headline == "11 of 11 signed metrics follow the planted dose (ρ ≥ 0.9)."
    assert report.tables[0].cells == planted_table(first.study).cells
    assert [each.name for each in report.drawings] == ["planted"]
    assert "chosen" in report.paragraphs["Words"][0]
    for text in (html_page(report), markdown_page(report, "figures")):
        assert "dose -1, 0, 1" not in text
        assert "doses -1, 0, 1" in text

    monkeypatch.setattr(worker, "train_treated", refuse)
    assert conduct_planting(corpus, PLAN, Conduct(root, progress=False)).study == first.study
    assert trained == []
    conduct_planting(corpus, replace(PLAN, doses=(-1.0, 0.5, 1.0)), Conduct(root, progress=False))
    assert trained == [(0.5, 1), (0.5, 2)]  # another dose continues the same study
    for other in (
        replace(PLAN, settings=replace(PLAN.settings, epochs=9)),
        replace(PLAN, apart=True),
    ):
        named = replace(other, name=first.name)
        with refuses(r"was made with other settings \((epochs|apart): .*another --study name"):
            conduct_planting(corpus, named, Conduct(root, progress=False))
    assert trained == [(0.5, 1), (0.5, 2)]


def test_words_pulled_to_both_sides_show_in_metrics_that_cancel_a_common_shift(
    corpus, tmp_path, monkeypatch
):
    monkeypatch.setattr(run, "evaluate", partial(evaluate, quick=True))
    # At dose 0 each metric is inside its null with 9 or 10 of the seeds 1 to 10 (ECT, which is not
    # asked here, with 7); with seed 1 RNSB is the one outside.
    plan = replace(PLAN, apart=True, doses=(0.0, 0.5, 1.0), seeds=(2,))
    study = conduct_planting(corpus, plan, Conduct(tmp_path, progress=False)).study
    results = {each.metric.metric: each for each in followed(study)}
    assert list(results) == [metric.metric for metric in planted_metrics(apart=True)]
    for each in results.values():
        if each.metric.follows in ("dose", "size"):
            assert each.rho == 1.0, each.metric.label
            assert [point.inside for point in each.planted[::2]] == [1, 0], each.metric.label
    assert results["factual_association"].planted[-1].mean == pytest.approx(1.0, abs=0.01)
    assert "the opposite dose" in plain_document(planted_blocks(study))
    assert "every other word" in planted_figure(study).axes[-1].get_xlabel()


def test_what_shapes_a_run_is_in_the_name(corpus):
    name = PLAN.study_name(corpus)
    assert replace(PLAN, doses=(0.0, 1.0), seeds=(7,)).study_name(corpus) == name
    for change in ({"base": "corpus"}, {"count": 5}, {"words": ("a",)}, {"apart": True}):
        assert replace(PLAN, **change).study_name(corpus) != name  # type: ignore[arg-type]
    longer = replace(PLAN, settings=replace(PLAN.settings, epochs=9))
    assert longer.study_name(corpus) != name


# Numbers --------------------------------------------------------------------------------------


def test_the_numbers_are_those_of_the_library(corpus):
    rng = np.random.default_rng(5)
    vectors = (rng.normal(size=(len(corpus.words), 12)) + 0.5).astype(np.float32)
    embeddings = Embeddings(list(corpus.words), vectors)
    words = planted_words(corpus, count=10)
    card = measure_planted(embeddings, words)
    male, female = (lexicons.load(f"{side}_words").words for side in ("male", "female"))
    pairs = lexicons.load_pairs("definitional_pairs").pairs
    groups = {"male": male, "female": female}
    tested = weat(embeddings, words.chosen, words.control, male, female)
    others = weat(embeddings, words.control, words.other, male, female)
    backwards = {"female": female, "male": male}
    expected = {
        ("weat_statistic", "planted"): tested.statistic,
        ("weat_d", "planted"): tested.effect_size,
        ("weat_statistic", "control"): others.statistic,
        ("direct_bias", "planted"): direct_bias(embeddings, words.chosen, pairs).value,
        ("ripa", "control"): ripa(embeddings, words.control, pairs).signed,
        ("rnd_norm", "planted"): rnd(embeddings, words.chosen, backwards).value,
        ("mac", "planted"): mac(embeddings, words.chosen, groups).value,
        ("ripa_normalised", "planted"): ripa(embeddings, words.chosen, pairs, unit=True).signed,
        ("indirect_bias", "planted"): indirect_bias_within(embeddings, words.chosen, pairs).value,
        ("rnsb", "planted"): rnsb(
            *(embeddings, (*words.chosen, *words.control), female, male), repeats=20
        ).value,
        ("neighbors", "planted"): np.mean(shares_of(embeddings, words.chosen)),
    }
    for (metric, name), value in expected.items():
        assert card.value(metric, name, "all") == value
    apart = measure_planted(embeddings, words, apart=True)
    shares, sides = shares_of(embeddings, words.chosen), [1, -1] * 5
    r = np.corrcoef(shares, sides)[0, 1]
    assert apart.value("neighbors_r", "planted", "all") == pytest.approx(r)
    assert apart.value("rnsb", "planted", "all") == pytest.approx(
        rnsb(embeddings, words.chosen, female, male, repeats=20).value
    )
    for record in (*card.records, *apart.records):
        low, high = record.extra["null_low"], record.extra["null_high"]
        assert low < record.extra["null_median"] < high
    inside = [r.extra["null_low"] <= r.value <= r.extra["null_high"] for r in card.records]
    assert np.mean(inside) > 0.7  # random vectors are nobody's stereotype


def shares_of(embeddings: Embeddings, words: tuple[str, ...]) -> tuple[float, ...]:
    biased = biased_words(embeddings)
    return neighbor_shares(embeddings, embeddings, biased, words).shares


def test_a_metric_without_its_words_has_a_reason():
    rng = np.random.default_rng(0)
    names = [f"w{i}" for i in range(40)]
    embeddings = Embeddings(names, rng.normal(size=(40, 5)).astype(np.float32))
    words = PlantedWords(
        tuple(names[:8]), tuple(names[8:16]), tuple(names[16:24]), tuple(names[8:]), 0.5, 0.0
    )
    card = measure_planted(embeddings, words)
    assert all(record.value is None and record.reason for record in card.records)
    study = PlantedStudy(
        *("toy", "text", (words.chosen,), (words.control,), 0.5, 0.0, 32),
        doses=(Dosed(0.0, 0.0, (card,), ("id",)), Dosed(1.0, 0.5, (None,), (None,))),
    )
    assert "–" in plain_document(planted_blocks(study)).splitlines()[2]
    assert planted_figure(study).axes


def made_up(*values: float | None, undefined: int = 0) -> PlantedStudy:
    """Return a study of one metric with one seed, random words from −1 to 1 at every dose."""
    null = {"null_median": 0.0, "null_low": -1.0, "null_high": 1.0, "null_undefined": undefined}
    doses = []
    for i, value in enumerate(values):
        records = (
            Record("weat_statistic", "planted", "all", value, extra=null),
            Record("weat_statistic", "control", "all", 0.5, extra=null),
        )
        doses.append(Dosed(float(i), float(i), (Scorecard("", records),), ("id",)))
    return PlantedStudy("toy", "text", (("a",),), (("b",),), 0.8, 0.1, 50, tuple(doses))


def test_correlation_response_and_who_is_inside():
    first = followed(made_up(0.5, 2.0, 4.0))[0]
    assert first.rho == pytest.approx(1.0)
    assert first.control_rho is None  # no spread
    assert (first.response, first.control_response, first.leak) == (3.5, 0.0, 0.0)
    assert [point.inside for point in first.planted] == [1, 0, 0]
    assert first.planted[0].half_width is None  # one seed
    assert followed(made_up(0.5, None, 4.0))[0].rho is None  # two doses are always in order
    assert followed(made_up(0.5, None, None))[0].response is None


def test_the_table_says_how_many_random_sets_a_null_is_without():
    assert "left out" not in plain_document(planted_blocks(made_up(0.5, 2.0)))
    some = "random sets left out, for it is undefined for them (mean over seeds): WEAT s (40)"
    assert some in plain_document(planted_blocks(made_up(0.5, 2.0, undefined=40)))


def test_tables_have_every_number(found):
    study = found[0].study
    rows = list(csv.DictReader(io.StringIO(planted_csv(study))))
    assert len(rows) == len(planted_metrics(apart=False)) * 2 * 3
    point = followed(study)[0].planted[0]
    assert float(rows[0]["mean"]) == point.mean
    text = plain_document(planted_blocks(study))
    assert f"{point.mean:+.3f} ±{point.half_width:.3f}" in text
    assert all(word in text for words in study.words for word in words)
    assert (
        markdown_document(planted_blocks(study)).count("\n| ")
        == len(planted_metrics(apart=False)) + 0
    )
    figure = planted_figure(study)
    assert "11 of 11 signed metrics" in figure._suptitle.get_text()  # type: ignore[attr-defined]
    assert sum(axes.get_visible() for axes in figure.axes) == len(planted_metrics(apart=False))


# The command ----------------------------------------------------------------------------------


def test_the_command(own_folder, capfd):
    (own_folder / "text.txt").write_text(neutral_text(800), encoding="utf-8")
    common = ["planted", "text.txt", "--min-count", "1", "--dim", "8", "--epochs", "1"]
    words = ["--words", ",".join(map(spelled, range(8)))]
    said = call(capfd, *common, "--seeds", "1", "--doses", "-1,1", *words, "--out", "results")
    assert said.code == 0, said.err
    assert said.out.startswith("metric ")
    next_one = "next: python -m debiaslab ui --study planted-text-"
    holds(said.out, "chosen: wordaa, wordab", next_one)
    made = {path.name for path in Path("results").iterdir()}
    assert made == {"planted.txt", "planted.md", "planted.csv", "planted.png"}
    assert "cannot be used" in refused(capfd, *common, "--doses", "0,x").sentence
    assert "did you mean" in refused(capfd, *common, "--base", "balance").sentence
