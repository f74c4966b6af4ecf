"""A table of a word's nearest neighbours, in one set of vectors or two side by side."""

from __future__ import annotations

from debiaslab.errors import UserError
from debiaslab.report.word_columns import Column, beside, shown, side
from debiaslab.vectors.embeddings import Embeddings


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
    sides = [side(head, column, shared) for head, column in zip(heads, columns, strict=True)]
    title = f"nearest neighbours of {shown(word)} by cosine similarity"
    foot = [f"* in both lists: {len(shared)}"] if compare else []
    return "\n".join([title, *beside(sides), *foot])


def _neighbors(embeddings: Embeddings, word: str, n: int, label: str) -> Column:
    try:
        return embeddings.neighbors(embeddings.lookup(word) or word, n)
    except UserError as error:
        raise UserError(f"{label}: {error}") from error
