"""The aims of the project, compared with a comparison: `experiments/comparisons`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from debiaslab.metrics import Record, Scorecard, SimilaritySet
from debiaslab.results import StrategyResult
from debiaslab.tracking import Store
from debiaslab.vectors.embeddings import Embeddings
from experiments.comparisons.__main__ import table
from experiments.comparisons.bar import LINES, Seeds, Standing, met, standings


def standing(label: str = "x", **other: object) -> Standing:
    good = Standing(
        label=label,
        control=False,
        s=(Seeds((0.04, 0.05)),) * 3,
        direct_bias=Seeds((0.009, 0.011)),
        lipstick=(Seeds((0.98, 0.98)), Seeds((0.99, 0.99)), Seeds((0.7, 0.72))),
        women=Seeds((0.1, -0.1)),
        women_p=Seeds((0.4, 0.5)),
        kept=(Seeds((0.98, 0.99)), Seeds((1.1,))),
        overlap=Seeds((0.5,)),
    )
    return replace(good, **other)  # type: ignore[arg-type]


BASELINE = standing("baseline", overlap=Seeds((0.53, 0.55)))
FLOOR = standing("gender-blind")


def test_a_strategy_may_meet_every_line():
    assert met(standing(), BASELINE, FLOOR) == dict.fromkeys(LINES, True)


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("|s|", {"s": (Seeds((0.0,)), Seeds((0.0,)), Seeds((0.05, 0.07)))}),
        ("direct bias", {"direct_bias": Seeds((0.009, 0.012))}),
        ("lipstick", {"lipstick": (Seeds((0.97,)), Seeds((0.99,)), Seeds((0.95,)))}),
        ("women", {"women": Seeds((0.30, 0.31))}),
        ("women", {"women_p": Seeds((0.4, 0.04))}),
        ("retention", {"kept": (Seeds((0.98, 0.97)), Seeds((1.1,)))}),
        ("overlap", {"overlap": Seeds((0.48,))}),
    ],
)
def test_each_line_is_missed_by_itself(line, other):
    found = met(standing(**other), BASELINE, FLOOR)
    assert found == dict.fromkeys(LINES, True) | {line: False}


def test_what_was_not_measured_is_neither_met_nor_missed():
    nothing = Seeds(())
    found = met(standing(s=(nothing,) * 3, kept=(), women=nothing), BASELINE, None)
    assert [line for line, held in found.items() if held is None] == [
        "|s|", "lipstick", "women", "retention",
    ]  # fmt: skip
    head, _, _, row = table([BASELINE, standing(s=(nothing,) * 3)], ["a", "b"])
    assert "–, –, –" in row
    assert row.endswith("| (\\|s\\|), (lipstick) |")  # no side is the floor
    assert row.replace(r"\|", "").count("|") == head.replace(r"\|", "").count("|")


class _Folder:
    """A store with the vectors of each run in a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def artifact(self, run: str, path: str) -> Path:
        return self.folder / f"{run}.npz"


def test_numbers_are_held_against_the_baseline_of_the_same_seed(tmp_path):
    words = ["fixed", *(f"w{i}" for i in range(80))]
    angles = np.append(0, np.linspace(1.5, 0.1, 80))
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for name in ("a", "b"):
        Embeddings(words, vectors).save(tmp_path / f"{name}.npz")
    pairs = tuple(("fixed", f"w{i}", float(i)) for i in range(80))

    def side(
        name: str, statistics: tuple[float, ...], runs: tuple[str | None, ...]
    ) -> StrategyResult:
        cards = tuple(
            None
            if run is None
            else Scorecard("", (Record("weat", "7", "report", 1.0, extra={"statistic": s}),))
            for s, run in zip(statistics, runs, strict=True)
        )
        return StrategyResult(name, None, "in", False, cards, (None,) * 2, runs)

    sides = [side("baseline", (0.1, 0.4), ("a", "b")), side("x", (-0.05, 0.1), ("a", None))]
    store = cast(Store, _Folder(tmp_path))
    baseline, x = standings(store, sides, [SimilaritySet("made up", pairs)])
    assert baseline.s[1].values == (1.0, 1.0)
    assert x.s[1].values == (0.5,)  # the second seed has failed
    assert x.s[0].values == ()
    assert x.kept[0].values == (pytest.approx(1.0),)
    assert baseline.kept[0].values == (pytest.approx(1.0),) * 2
