"""Tables of a word's nearest neighbours, and of its answers to an analogy."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import zip_longest

from debiaslab.errors import UserError
from debiaslab.metrics.nearest import Method, bias_analogies
from debiaslab.tables import Column, Table
from debiaslab.vectors.embeddings import Embeddings

Found = Sequence[tuple[str, float]]  # words with a cosine or a score, the nearest first

_METHODS: dict[Method, str] = {"cosadd": "3CosAdd", "cosmul": "3CosMul"}


def neighbors_table(
    embeddings: Embeddings,
    word: str,
    n: int = 10,
    compare: Embeddings | None = None,
    labels: tuple[str, str] = ("first", "second"),
) -> Table:
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
    lists = [_neighbors(embeddings, word, n, labels[0])]
    if compare is not None:
        lists.append(_neighbors(compare, word, n, labels[1]))
    shared = {w for w, _ in lists[0]} & {w for w, _ in lists[-1]} if compare else set()
    heads = [labels[i] if compare else "word" for i in range(len(lists))]
    notes = (f"* in both lists: {len(shared)}",) if compare else ()
    title = f"nearest neighbours of {printable(word)} by cosine similarity"
    return _side_by_side(title, dict(zip(heads, lists, strict=True)), shared, notes, "cosine")


def analogy_table(
    embeddings: Embeddings, word: str, pair: tuple[str, str], n: int = 10, label: str = "vectors"
) -> Table:
    """Return the answers to ``pair[0] : word :: pair[1] : ?`` in four columns.

    By 3CosAdd and by 3CosMul, each without the three words of the question among the answers, and
    with them (marked *).

    Raises:
        UserError: A word is unknown (with the nearest known word), or the question has no answer;
            ``label`` is what the vectors are called there.
    """
    asked = [_known(embeddings, each, label) for each in (*pair, word)]
    lists: dict[str, Found] = {}
    candidates = 0
    for method, name in _METHODS.items():
        found = bias_analogies(
            embeddings, [asked[2]], pair=(asked[0], asked[1]), method=method, n=n
        )
        if found.reason is not None:
            raise UserError(f"{label}: {found.reason}")
        (answer,) = found.answers
        lists[name] = answer.restricted
        lists[f"{name}, any word"] = answer.unrestricted
        candidates = found.candidates
    title = f"{printable(pair[0])} : {printable(word)} :: {printable(pair[1])} : ?"
    notes = (
        f"* a word of the question; answers are among the first {candidates:,} words",
        "score: of 3CosAdd a cosine, of 3CosMul a product of cosines; they do not compare",
    )
    return _side_by_side(title, lists, asked, notes, "score")


def printable(word: str) -> str:
    """Return the word, quoted and escaped when a terminal would not show it as it is."""
    return word if word.isprintable() and word else repr(word)


def _side_by_side(
    title: str,
    lists: dict[str, Found],
    marked: Collection[str],
    notes: tuple[str, ...],
    score: str,
) -> Table:
    """Return lists of words beside each other, by rank; ``marked`` words get a *."""
    columns = [Column("rank")]
    for head in lists:
        columns.append(Column(f"  {printable(head)}", align="left", missing=""))
        columns.append(Column(score, ".3f", missing=""))
    rows: list[list[object]] = []
    for rank, found in enumerate(zip_longest(*lists.values(), fillvalue=None), start=1):
        row: list[object] = [rank]
        for each in found:
            word, value = (None, None) if each is None else each
            mark = "*" if word in marked else " "
            row += [None if word is None else f"{mark} {printable(word)}", value]
        rows.append(row)
    return Table(tuple(columns), rows, title, notes, ruled=False)


def _neighbors(embeddings: Embeddings, word: str, n: int, label: str) -> Found:
    try:
        return embeddings.neighbors(embeddings.lookup(word) or word, n)
    except UserError as error:
        raise UserError(f"{label}: {error}") from error


def _known(embeddings: Embeddings, word: str, label: str) -> str:
    known = embeddings.lookup(word) or word
    try:
        _ = embeddings[known]
    except UserError as error:
        raise UserError(f"{label}: {error}") from error
    return known
