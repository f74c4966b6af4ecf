"""Nearest neighbours: tables for a word, and the index of a page's word box."""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.metrics.analogies import Method, bias_analogies
from debiaslab.tables import Column, Table
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
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


SEARCHED = 5_000  # words that have an entry
CANDIDATES = 20_000  # words that can be a neighbour; their numbers fit in 16 bits
SHOWN = 8  # neighbours of a word
EXAMPLES = ("nurse", "doctor", "engineer", "teacher", "family", "science", "art", "university")
_BLOCK = 512


@dataclass(frozen=True)
class NeighborIndex:
    """Neighbours by cosine, in two sets of vectors with the same words.

    Attributes:
        words: The candidates, by falling frequency; the first ``len(before)`` have an entry.
        before: Numbers of the neighbours in ``words``, nearest first, shape ``(searched, n)``.
        before_cosines: Their cosines.
        after: The same, after.
        after_cosines: The same, after.
    """

    words: tuple[str, ...]
    before: NDArray[np.uint16]
    before_cosines: NDArray[np.float32]
    after: NDArray[np.uint16]
    after_cosines: NDArray[np.float32]

    @property
    def searched(self) -> int:
        """How many words have an entry."""
        return len(self.before)

    @property
    def shown(self) -> int:
        """How many neighbours an entry has."""
        return int(self.before.shape[1])

    def of(self, word: str) -> tuple[list[tuple[str, float]], list[tuple[str, float]]] | None:
        """Return the neighbours of a word before and after; None when it has no entry."""
        if word not in self.words[: self.searched]:
            return None
        row = self.words.index(word)
        before = zip(self.before[row], self.before_cosines[row], strict=True)
        after = zip(self.after[row], self.after_cosines[row], strict=True)
        return (
            [(self.words[int(i)], float(c)) for i, c in before],
            [(self.words[int(i)], float(c)) for i, c in after],
        )

    def examples(self) -> list[str]:
        """Return words that a page shows without being asked, or the most frequent ones."""
        known = set(self.words[: self.searched])
        found = [word for word in EXAMPLES if word in known]
        return found or list(self.words[: min(4, self.searched)])

    def packed(self) -> dict[str, object]:
        """Return it as JSON values: numbers as base64 of little-endian 16 and of 8 bits."""
        return {
            "words": list(self.words),
            "searched": self.searched,
            "shown": self.shown,
            "before": _base64(self.before.astype("<u2")),
            "after": _base64(self.after.astype("<u2")),
            "beforeCosines": _base64(_byte(self.before_cosines)),
            "afterCosines": _base64(_byte(self.after_cosines)),
        }


def neighbor_index(before: Embeddings, after: Embeddings) -> NeighborIndex | None:
    """Return the neighbours of the first 5,000 words that both have, among their first 20,000.

    Two words are the least that have neighbours; None when there are fewer.
    """
    words = [word for word in before.words if word in after.index][:CANDIDATES]
    if len(words) < 2:
        return None
    near = [_nearest(vectors, words) for vectors in (before, after)]
    return NeighborIndex(tuple(words), *near[0], *near[1])


def _nearest(
    vectors: Embeddings, words: list[str]
) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    unit = vectors.rows(words)
    searched, n = min(SEARCHED, len(words)), min(SHOWN, len(words) - 1)
    numbers = np.empty((searched, n), dtype=np.uint16)
    cosines = np.empty((searched, n), dtype=np.float32)
    for start in range(0, searched, _BLOCK):
        stop = min(start + _BLOCK, searched)
        block = unit[start:stop] @ unit.T
        block[np.arange(stop - start), np.arange(start, stop)] = -np.inf
        top = np.argpartition(-block, n - 1, axis=1)[:, :n]
        values = np.take_along_axis(block, top, axis=1)
        order = np.lexsort((top, -values), axis=1)
        numbers[start:stop] = np.take_along_axis(top, order, axis=1)
        cosines[start:stop] = np.take_along_axis(values, order, axis=1)
    return numbers, cosines


def _byte(cosines: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Round cosines in [−1, 1] to 201 steps of a hundredth: what the page shows."""
    steps = np.rint((np.clip(cosines, -1, 1) + 1) * 100)
    return steps.astype(np.uint8)


def _base64(array: NDArray[np.generic]) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
