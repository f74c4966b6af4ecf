"""A table of a word's nearest neighbours, in one set of vectors or two side by side."""

from __future__ import annotations

import unicodedata

from debiaslab.embeddings import Embeddings
from debiaslab.errors import UserError

_Column = list[tuple[str, float]]


def neighbors_table(
    embeddings: Embeddings,
    word: str,
    n: int = 10,
    compare: Embeddings | None = None,
    labels: tuple[str, str] = ("first", "second"),
) -> str:
    """Return a table of the ``n`` nearest neighbours of ``word`` by cosine similarity.

    Args:
        embeddings: Where to look; the word is found as ``Embeddings.lookup`` finds it.
        word: The word.
        n: How many neighbours, 1 or more.
        compare: A second set of vectors, shown beside the first; neighbours in both lists get a *.
        labels: Names of the two sets, for the head of the table.

    Raises:
        UserError: The word is unknown to either (with the nearest known word), or ``n`` < 1.
    """
    columns = [_neighbors(embeddings, word, n, labels[0])]
    if compare is not None:
        columns.append(_neighbors(compare, word, n, labels[1]))
    shared = {w for w, _ in columns[0]} & {w for w, _ in columns[-1]} if compare else set()
    heads = [labels[i] if compare else "word" for i in range(len(columns))]
    sides = [_side(head, column, shared) for head, column in zip(heads, columns, strict=True)]
    height = max(len(side) for side in sides)
    ranks = ["rank", *(str(i) for i in range(1, height))]
    lines = [
        "  ".join([f"{rank:>4}", *(side[i] if i < len(side) else "" for side in sides)]).rstrip()
        for i, rank in enumerate(ranks)
    ]
    title = f"nearest neighbours of {_shown(word)} by cosine similarity"
    foot = [f"* in both lists: {len(shared)}"] if compare else []
    return "\n".join([title, *lines, *foot])


def _neighbors(embeddings: Embeddings, word: str, n: int, label: str) -> _Column:
    try:
        return embeddings.neighbors(embeddings.lookup(word) or word, n)
    except UserError as error:
        raise UserError(f"{label}: {error}") from error


def _side(head: str, column: _Column, shared: set[str]) -> list[str]:
    """Return the head and the lines of one list, all equally wide."""
    shown = [f"{'* ' if word in shared else '  '}{_shown(word)}" for word, _ in column]
    width = max(_width(text) for text in [f"  {_shown(head)}", *shown])
    lines = [f"{_padded(f'  {_shown(head)}', width)}  cosine"]
    cosines = (f"{cosine:6.3f}" for _, cosine in column)
    return lines + [
        f"{_padded(text, width)}  {cosine}" for text, cosine in zip(shown, cosines, strict=True)
    ]


def _shown(word: str) -> str:
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
