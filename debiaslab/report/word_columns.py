"""Columns of words with a score each, side by side as text."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence

Column = Sequence[tuple[str, float]]


def side(
    head: str, column: Column, marked: Collection[str] = (), score: str = "cosine"
) -> list[str]:
    """Return the head and the lines of one list, all equally wide; ``marked`` words get a *."""
    words = [f"{'* ' if word in marked else '  '}{shown(word)}" for word, _ in column]
    width = max(_width(text) for text in [f"  {shown(head)}", *words])
    lines = [f"{_padded(f'  {shown(head)}', width)}  {score:>6}"]
    cosines = (f"{cosine:6.3f}" for _, cosine in column)
    return lines + [
        f"{_padded(text, width)}  {cosine}" for text, cosine in zip(words, cosines, strict=True)
    ]


def shown(word: str) -> str:
    """Return the word, quoted and escaped when a terminal would not show it as it is."""
    return word if word.isprintable() and word else repr(word)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Count terminal cells: East Asian wide letters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def beside(sides: Sequence[list[str]]) -> list[str]:
    """Return the lines of columns with their ranks."""
    height = max(len(side) for side in sides)
    blank = ["" if not side else " " * _width(side[0]) for side in sides]
    ranks = ["rank", *(str(i) for i in range(1, height))]
    return [
        "  ".join(
            [
                f"{rank:>4}",
                *(side[i] if i < len(side) else blank[j] for j, side in enumerate(sides)),
            ]
        ).rstrip()
        for i, rank in enumerate(ranks)
    ]
