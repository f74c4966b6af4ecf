"""Studies read back: what is read equals what was recorded, and what is missing is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import debiaslab
from debiaslab import Embeddings, Plan, StudyResults, TrainSettings, open_study, sweep
from debiaslab.corpus import Corpus
from debiaslab.errors import UserError
from debiaslab.study import Objective, Summary
from debiaslab.study.cells import ComparisonPlan, Entry
from debiaslab.study.comparing import Comparison, compare
from debiaslab.tracking import Store
from tests.toys import toy_corpus

TINY = TrainSettings(dim=8, epochs=1)
OBJECTIVE = Objective(retention_weight=0.0)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return toy_corpus(tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def swept(corpus: Corpus, folder: Path) -> Summary:
    plan = Plan("projection", trials=2, name="small", settings=TINY, objective=OBJECTIVE)
    return sweep(corpus, plan, root=folder, submissions=folder / "out", progress=False)


@pytest.fixture(scope="module")
def compared(corpus: Corpus, folder: Path) -> Comparison:
    plan = ComparisonPlan(
        (Entry("projection", 1.0), Entry("random-direction", 1.0), Entry("hard")),
        seeds=(1, 2),
        settings=TINY,
        objective=OBJECTIVE,
        name="sides",
    )
    return compare(corpus, plan, root=folder, submissions=folder / "out", progress=False)


@pytest.fixture
def study(swept: Summary, folder: Path, monkeypatch: pytest.MonkeyPatch) -> StudyResults:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return open_study("small", folder)


def test_it_reads_what_the_sweep_found(study: StudyResults, swept: Summary) -> None:
    assert not study.is_comparison
    assert set(study.trials) == set(swept.rows)
    assert study.best.run_id == swept.best.run_id
    assert (study.best.weight, study.best.seed) == (swept.best.weight, 1)
    assert study.seeds == (1, 2)
    assert sorted(study.baselines) == [1, 2]
    assert study.baselines[2].label == "baseline"
    assert study.best.label.startswith("projection λ=")


def test_the_frame_has_a_row_a_run_and_the_numbers_of_the_store(
    study: StudyResults, folder: Path
) -> None:
    frame = study.frame()
    assert len(frame) == 6
    assert frame["trial"].isna().sum() == 2
    stored = Store.open(folder, create=False).run(frame["run_id"][3])
    for name in ("bias_tune", "bias_report", "score", "seconds"):
        assert frame[name][3] == stored.metrics[name]
    assert frame["weight"][3] == float(stored.params["weight"])


def test_records_are_those_of_the_scorecards(study: StudyResults) -> None:
    records = study.records()
    own = records[records["run_id"] == study.best.run_id]
    assert len(own) == len(study.best.scorecard.records)
    wanted = study.best.scorecard.record("weat", "career-family", "report")
    assert wanted is not None
    row = own.query("metric == 'weat' and name == 'career-family' and words == 'report'").iloc[0]
    assert row["statistic"] == wanted.extra["statistic"]
    assert row["n"] == wanted.n
    unmeasured = records[records["reason"].notna()]
    assert pd.isna(unmeasured["value"]).all()


def test_vectors_losses_and_corpus_are_read(study: StudyResults, corpus: Corpus) -> None:
    vectors = study.best.embeddings()
    assert isinstance(vectors, Embeddings)
    assert vectors.words == corpus.words
    assert not np.array_equal(vectors.vectors, study.baselines[1].embeddings().vectors)
    losses = study.best.series("loss")
    assert [step for step, _ in losses] == sorted(step for step, _ in losses)
    assert len(losses) >= 1
    assert study.best.series("no such metric") == []
    assert study.corpus["fingerprint"] == corpus.fingerprint
    assert study.corpus["name"] == "toy"
    assert study.corpus["tokens"] == corpus.tokens
    assert study.provenance["debiaslab"] == debiaslab.__version__


def test_what_was_held_out(study: StudyResults) -> None:
    held = study.held_out
    assert held.cover == "all"
    assert held.report_words == "covered but never tuned on"
    assert "career-family" in held.tuned_on
    assert "he/she" in held.pairs + held.pairs_missing or held.pairs
    assert held.covered is not None
    assert 0 < held.covered < study.corpus["types"]
    assert not set(held.words("occupations", "tune")) & set(held.words("occupations", "report"))
    assert {f"{test}/tune" for test in held.tuned_on} <= set(study.best.yardstick)


def test_a_comparison_is_read_as_it_was_returned(compared: Comparison, folder: Path) -> None:
    study = open_study("sides", folder)
    assert study.is_comparison
    assert study.sides == compared.sides
    assert [side.control for side in study.sides] == [False, False, True, False]
    assert len(study.runs) == 8
    overlap = [card.value("lipstick", "kmeans_alignment", "all") for card in study.sides[0].cards]  # type: ignore[union-attr]
    assert len(overlap) == 2
    with pytest.raises(UserError, match="has no best run"):
        _ = study.best


def test_a_sweep_has_no_sides(study: StudyResults) -> None:
    with pytest.raises(UserError, match="'small' is a sweep"):
        _ = study.sides


def test_unknown_names_get_the_nearest(study: StudyResults, folder: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'small'"):
        open_study("smal", folder)
    with pytest.raises(UserError, match="no finished run 'x'"):
        study.run("x")
    with pytest.raises(UserError, match="there is no tracking store"):
        open_study("small", folder / "elsewhere")


def test_a_study_without_finished_runs_says_what_to_type(folder: Path) -> None:
    store = Store.open(folder)
    parent = store.study("begun", create=True, params={}, tags={}, description="")
    log = store.start(
        "one", parent=parent, params={}, tags={"debiaslab.kind": "trial"}, dataset=None
    )
    log.finish("FAILED", "a test")
    with pytest.raises(UserError, match="try: python -m debiaslab resume begun"):
        open_study("begun", folder)


def test_a_comparison_of_an_older_version_says_what_to_do(
    folder: Path, compared: Comparison
) -> None:
    store = Store.open(folder)
    kept = store.artifact(compared.parent, "sides.json")
    text = kept.read_text(encoding="utf-8")
    assert json.loads(text)[0]["strategy"] == "baseline"
    kept.unlink()
    try:
        with pytest.raises(UserError, match="the command that made it"):
            _ = open_study("sides", folder).sides
    finally:
        kept.write_text(text, encoding="utf-8")
