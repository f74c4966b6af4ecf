"""What shapes a corpus besides its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from debiaslab.errors import UserError, nearest

Rare = Literal["drop", "unk"]
Marks = Literal["auto", "keep", "cut"]


@dataclass(frozen=True)
class CorpusSettings:
    """How text becomes ids.

    Attributes:
        mwes: File of multi-word expressions, one phrase a line.
        lowercase: Whether the text is lower-cased.
        min_count: A type seen less often is rare.
        rare: ``drop``: rare tokens vanish; ``unk``: they become ``<UNK>``.
        marks: What combining marks do (vowel signs of Devanagari, points of Hebrew, dots below).
            ``keep``: they belong to their word, as joiners inside it do, and the text is in normal
            form C. ``cut``: they end a word and the text is as it is, exactly as the pattern
            ``\\w+`` finds words. ``auto``: normal form C, and keep, unless fewer than one word in
            1,000 holds a mark: the tokens of English text, a foreign name in it or not, are those
            of ``cut``.

    Raises:
        UserError: ``min_count`` is not a whole number from 1, or ``rare`` or ``marks`` is unknown.
    """

    mwes: str | None = None
    lowercase: bool = True
    min_count: int = 5
    rare: Rare = "drop"
    marks: Marks = "auto"

    def __post_init__(self) -> None:
        if not isinstance(self.min_count, int) or self.min_count < 1:
            raise UserError(
                f"a minimum count of {self.min_count!r} cannot be used",
                allowed="a whole number from 1",
                next_step="--min-count 5",
            )
        if self.rare not in get_args(Rare):
            raise UserError(
                f"{self.rare!r} is no way to treat rare words",
                allowed=" or ".join(get_args(Rare)),
                nearest=nearest(str(self.rare), get_args(Rare)),
            )
        if self.marks not in get_args(Marks):
            raise UserError(
                f"{self.marks!r} is no way to treat combining marks",
                allowed=" or ".join(get_args(Marks)),
                nearest=nearest(str(self.marks), get_args(Marks)),
            )

    @classmethod
    def from_record(cls, recorded: Mapping[str, Any]) -> CorpusSettings:
        """Return settings as a run or study recorded them; before there was a choice, marks cut."""
        return cls(**{"marks": "cut", **recorded})
