"""The gender-blind floor: its table, how it is read, and a run on a toy text."""

from __future__ import annotations

from pathlib import Path

import pytest

from debiaslab.corpus import Corpus
from debiaslab.metrics import Record, Scorecard
from debiaslab.report import StrategyResult, html_page
from debiaslab.report.tables import floor_blocks, floor_measures, floor_table, how_to_read
from debiaslab.results import read_study
from debiaslab.sgns import TrainSettings
from debiaslab.study import comparing, worker
from debiaslab.study.comparing import conduct_floor, floor_plan
from debiaslab.study.driver import Conduct
from debiaslab.study.kept import report_of
from debiaslab.tables import markdown_document, plain_document
from debiaslab.tracking import Store
from tests.command_line import call, write_toy
from tests.toys import toy_corpus

TESTS = ("kmeans_alignment", "svm_recovery", "profession_neighbors")


def side(name: str, *values: float | None) -> StrategyResult:
    cards = tuple(
        Scorecard("", tuple(Record("lipstick", test, "all", value) for test in TESTS))
        for value in values
    )
    return StrategyResult(name, None, "pre", name != "baseline", cards, (None,) * 3, ("id",) * 3)


SIDES = (side("baseline", 0.97, 0.98, 0.99), side("gender-blind", 0.90, 0.93, 0.91))


def test_the_table_is_of_means_intervals_and_paired_differences():
    baseline, floor = next(iter(floor_measures(SIDES).values()))
    assert baseline.mean == pytest.approx(0.98)
    assert floor.mean == pytest.approx(2.74 / 3)
    low, high = floor.interval
    assert low is not None
    assert high is not None
    assert high - low == pytest.approx(2 * 4.302653 * 0.0152753 / 3**0.5, rel=1e-4)
    assert floor.to_baseline is not None
    assert floor.to_baseline.difference == pytest.approx(-0.2 / 3)
    line = plain_document(floor_blocks(SIDES)).splitlines()[2]
    assert line.startswith("k-means alignment")
    assert line.endswith("yes")
    assert "| k-means alignment | 0.980 [" in markdown_document(floor_blocks(SIDES))


def test_where_gender_cannot_be_seen_nothing_is_promised():
    same = (side("baseline", 0.97, 0.98, 0.99), side("gender-blind", 0.98, 0.97, 0.98))
    assert plain_document(floor_blocks(same)).splitlines()[2].endswith("none seen")
    one = tuple(
        StrategyResult(s.strategy, None, "pre", False, s.cards[:1], (None,), ("id",)) for s in SIDES
    )
    assert plain_document(floor_blocks(one)).splitlines()[2].endswith("one seed cannot tell")


def test_how_to_read_names_the_interval():
    low, high = next(iter(floor_measures(SIDES).values()))[1].interval
    assert f"k-means alignment in [{low:.3f}, {high:.3f}]" in how_to_read(SIDES)
    lost = (side("baseline", None, None, None), side("gender-blind", None, None, None))
    assert "no floor here" in how_to_read(lost)
    assert plain_document(floor_blocks(lost)).splitlines()[2].split()[-1] == "–"


def test_a_floor_is_trained_once(tmp_path, monkeypatch):
    corpus: Corpus = toy_corpus(tmp_path)

    def run() -> comparing.Comparison:
        return conduct_floor(
            corpus,
            floor_plan((1,), TrainSettings(dim=8, epochs=1)),
            Conduct(tmp_path / "mlruns", progress=False),
        )

    found = run()
    assert found.name.startswith("floor-toy-")
    assert [each.strategy for each in found.sides] == ["baseline", "gender-blind"]
    assert found.sides[1].control
    runs = Store.open(tmp_path / "mlruns").runs(found.parent)
    assert sorted(each.kind or "" for each in runs) == ["baseline", "cell"]

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a finished run was trained again")

    monkeypatch.setattr(worker, "train_cell", refuse)
    assert run().sides == found.sides
    report = report_of(read_study(Store.open(tmp_path / "mlruns"), found.name))
    assert report.question.startswith("What do the lipstick tests show in toy without any gender")
    assert report.headline == how_to_read(found.sides)
    assert report.tables[0].cells == floor_table(found.sides).cells
    assert report.tables[0].title in html_page(report)


def test_the_command(own_folder, capfd):
    write_toy(own_folder)
    common = ["--min-count", "1", "--dim", "8", "--epochs", "1", "--seeds", "1"]
    said = call(capfd, "floor", "toy.txt", *common, "--out", "floor.md")
    assert said.code == 0, said.err
    assert said.out.startswith("test ")
    assert "next: python -m debiaslab ui --study floor-toy-" in said.out
    assert Path("floor.md").read_text(encoding="utf-8").startswith("| test | baseline |")
