"""What shapes a corpus besides its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from debiaslab.settings.options import File, Flag, Whole, option, settings

Rare = Literal["drop", "unk"]
Marks = Literal["auto", "keep", "cut"]


@settings
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

    mwes: File | None = option(
        "multi-word expressions, one phrase a line", default=None, metavar="FILE"
    )
    lowercase: Flag = option(
        "whether the text is lower-cased",
        default=True,
        flag=None,
        off=("--keep-case", "do not lower-case the text"),
    )
    min_count: Whole = option("rarer words are left out", default=5, ge=1)
    rare: Rare = option("rare words: drop them, or unk for the token <UNK>", default="drop")
    marks: Marks = option(
        "combining marks: keep them in words, cut words at them as \\w+ does, or auto: keep "
        "unless fewer than one word in 1,000 has any",
        default="auto",
    )

    @classmethod
    def from_record(cls, recorded: Mapping[str, Any]) -> CorpusSettings:
        """Return settings as a run or study recorded them; before there was a choice, marks cut."""
        return cls(**{"marks": "cut", **recorded})
