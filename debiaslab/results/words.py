"""Which words a study acted on, tuned on, and only reported on."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from debiaslab import lexicons
from debiaslab.lexicons import Half


@dataclass(frozen=True)
class HeldOut:
    """The words of a study by what was done with them.

    Attributes:
        cover: Which non-gender words the strategy acts on: ``tune``, ``vocabulary``, ``all``.
        covered: How many those are; None when only the baseline has finished.
        report_words_covered: Whether report words are among them: then they are *covered but never
            tuned on*, otherwise *unseen*. None as above.
        pairs: Gender pairs that the strategy was given and the vocabulary has, as ``he/she``.
        pairs_missing: Those that it has not.
        tuned_on: Association tests whose tune words the objective reads.
        reported_on: Those that can be measured on report words.
    """

    cover: str
    covered: int | None
    report_words_covered: bool | None
    pairs: tuple[str, ...]
    pairs_missing: tuple[str, ...]
    tuned_on: tuple[str, ...]
    reported_on: tuple[str, ...]

    @property
    def report_words(self) -> str:
        """What report words are to this study, in words."""
        if self.report_words_covered is None:
            return "held out"
        return "covered but never tuned on" if self.report_words_covered else "unseen"

    def words(self, name: str, half: Half) -> tuple[str, ...]:
        """Return one half of a word list, such as ``occupations``, ``report``."""
        return lexicons.load(name).half(half)


def held_out(params: Mapping[str, str], yardstick: Iterable[str]) -> HeldOut:
    """Return what the settings of a run with a strategy say.

    Args:
        params: Of the run; those of a baseline have no coverage.
        yardstick: ``"test/half"`` of each association that has a yardstick.
    """
    tests = [key.rpartition("/") for key in yardstick]
    neutral = params.get("coverage.neutral")
    return HeldOut(
        cover=params.get("cover", ""),
        covered=None if neutral is None else int(neutral),
        report_words_covered=_literal(params.get("coverage.report_words_covered", "None")),
        pairs=_literal(params.get("coverage.pairs", "()")),
        pairs_missing=_literal(params.get("coverage.pairs_missing", "()")),
        tuned_on=tuple(test for test, _, half in tests if half == "tune"),
        reported_on=tuple(test for test, _, half in tests if half == "report"),
    )


def _literal(text: str) -> Any:
    return ast.literal_eval(text)
