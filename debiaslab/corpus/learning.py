"""Phrases learned from a text: pairs of words that stand together more often than by chance.

The score is the normalised pointwise mutual information of two neighbours (Bouma 2009), as in
gensim's ``Phrases(scoring="npmi")``: NPMI = ln(p(a, b) / (p(a) p(b))) / −ln p(a, b), where p is a
count divided by the number of tokens. It is 1 for words seen together only, 0 for independence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus.cache import scratch
from debiaslab.corpus.encoding import END, Counted, chosen_marks, number_tokens
from debiaslab.corpus.reading import ByteBar, sources_of
from debiaslab.corpus.tokens import LONGEST_PHRASE, SEPARATOR, Phrase, load_phrases
from debiaslab.errors import UserError
from debiaslab.settings.training import CorpusSettings, Marks
from debiaslab.system.files import replacing

_CHUNK = 1 << 21  # numbers handled at a time
_MOST_CELL_BITS = 26  # of the hash of a pair, in the first count: 256 MiB of counts


def learn_phrases(
    paths: Sequence[str | Path] = (),
    *,
    threshold: float = 0.5,
    min_count: int = 5,
    passes: int = 1,
    mwes: str | Path | None = None,
    marks: Marks = "auto",
    cache: str | Path = "data/cache",
    progress: bool = True,
) -> tuple[Phrase, ...]:
    """Return the phrases of a text in alphabetical order, as lower-cased tokens.

    Args:
        paths: Text files as for ``Corpus.build``; none means the built-in articles.
        threshold: Pairs with an NPMI above it are phrases.
        min_count: Rarer pairs are none.
        passes: The second pass joins what the first has found with its neighbours, and so on.
        mwes: File of phrases that are merged from the start; they are returned too.
        marks: What combining marks do (see ``CorpusSettings``).
        cache: Folder where the numbered text stands while this runs, four bytes a token.
        progress: Show progress bars on stderr.

    Raises:
        UserError: A number is out of range, a file cannot be read, or no phrase was found.
    """
    _check(threshold, min_count, passes)
    settings = CorpusSettings(marks=marks)
    sources = sources_of([paths] if isinstance(paths, str | Path) else paths)
    phrases = set(load_phrases(mwes, settings)) if mwes is not None else set()
    known = len(phrases)
    for _ in range(passes):
        with scratch(Path(cache), "phrases") as folder:
            numbered = folder / "numbered.i32"
            merged = sorted(phrases)
            counted = number_tokens(sources, settings, merged, numbered, progress=progress)
            if other := chosen_marks(counted, settings):
                settings = other
                counted = number_tokens(sources, settings, merged, numbered, progress=progress)
            pairs, counts = _frequent_pairs(numbered, counted, min_count, progress=progress)
        phrases |= _above(threshold, pairs, counts, counted, phrases)
    if len(phrases) == known:
        raise UserError(
            f"no two neighbours are seen {min_count:,} times or more and score above {threshold}",
            next_step="a lower threshold, or more text",
        )
    return tuple(sorted(phrases))


def write_phrases(phrases: Iterable[Phrase], path: str | Path) -> None:
    """Write phrases to a file for ``CorpusSettings.mwes``: one a line, with blanks between words.

    Raises:
        UserError: The file cannot be written.
    """
    with replacing(path) as temporary:
        lines = "".join(f"{' '.join(phrase)}\n" for phrase in phrases)
        temporary.write_text(lines, encoding="utf-8", newline="\n")


def _check(threshold: float, min_count: int, passes: int) -> None:
    if not -1 <= threshold < 1:
        raise UserError(
            f"a phrase threshold of {threshold} cannot be used",
            allowed="from -1 to below 1; 0 is chance, 1 is always together",
            next_step="--phrase-threshold 0.5",
        )
    for name, number in (("minimum count", min_count), ("number of passes", passes)):
        if number < 1:
            raise UserError(f"a {name} of {number} cannot be used", allowed="a whole number from 1")


def _above(
    threshold: float,
    pairs: NDArray[np.int64],
    counts: NDArray[np.int64],
    counted: Counted,
    merged: Iterable[Phrase],
) -> set[Phrase]:
    """Return the pairs that score above the threshold as phrases, what was merged taken apart."""
    parts = {SEPARATOR.join(phrase): phrase for phrase in merged}
    found = pairs[_npmi(pairs, counts, counted) > threshold]
    sides = ([counted.words[number] for number in pair] for pair in found.tolist())
    joined = (parts.get(a, (a,)) + parts.get(b, (b,)) for a, b in sides)
    return {phrase for phrase in joined if len(phrase) <= LONGEST_PHRASE}


def _npmi(
    pairs: NDArray[np.int64], counts: NDArray[np.int64], counted: Counted
) -> NDArray[np.float64]:
    tokens = counted.tokens
    p_a, p_b = (counted.counts[pairs] / tokens).T
    p_ab = counts / tokens
    score: NDArray[np.float64] = np.log(p_ab / (p_a * p_b)) / -np.log(p_ab)
    return score


def _frequent_pairs(
    numbered: Path, counted: Counted, min_count: int, *, progress: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of neighbours seen ``min_count`` times or more, shape (n, 2), and counts.

    Most pairs are rare, and there are too many to keep. So a first count is of hashes, in a table
    of limited size, where a pair never seems rarer than it is; only pairs that seem frequent there
    are then counted themselves.
    """
    bits = min(int(counted.counts.sum()).bit_length(), _MOST_CELL_BITS)
    cells: NDArray[np.int32] = np.zeros(1 << bits, np.int32)
    for keys in _pair_keys(numbered, counted, min_count, "counting pairs 1/2", progress=progress):
        np.add.at(cells, _cell(keys, bits), 1)
    pairs: NDArray[np.int64] = np.zeros(0, np.int64)
    counts: NDArray[np.int64] = np.zeros(0, np.int64)
    for keys in _pair_keys(numbered, counted, min_count, "counting pairs 2/2", progress=progress):
        keys = keys[cells[_cell(keys, bits)] >= min_count]
        pairs, counts = _added(pairs, counts, *np.unique(keys, return_counts=True))
    frequent = counts >= min_count
    pairs = np.stack(np.divmod(pairs[frequent], len(counted.words)), axis=1)
    return pairs, counts[frequent]


def _pair_keys(
    numbered: Path, counted: Counted, min_count: int, what: str, *, progress: bool
) -> Iterator[NDArray[np.int64]]:
    """Yield one number for each two neighbours in a document which are frequent enough alone."""
    may_be_part = counted.counts >= min_count
    may_be_part[END] = False
    last: NDArray[np.int32] = np.zeros(1, np.int32)
    with numbered.open("rb") as file, ByteBar(what, numbered.stat().st_size, show=progress) as bar:
        while len(numbers := np.fromfile(file, np.int32, _CHUNK)):
            row = np.concatenate([last, numbers])
            part = may_be_part[row]
            first = np.flatnonzero(part[:-1] & part[1:])
            yield row[first].astype(np.int64) * len(counted.words) + row[first + 1]
            last = row[-1:]
            bar.advance(numbers.nbytes)


def _cell(keys: NDArray[np.int64], bits: int) -> NDArray[np.intp]:
    hashes = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # Knuth's multiplicative hash
    return (hashes >> np.uint64(64 - bits)).astype(np.intp)


def _added(
    keys: NDArray[np.int64],
    counts: NDArray[np.int64],
    more: NDArray[np.int64],
    times: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the sorted ``keys`` and their counts, with ``more`` sorted keys counted in."""
    place = np.searchsorted(keys, more)
    known = place < len(keys)
    known[known] = keys[place[known]] == more[known]
    counts[place[known]] += times[known]
    new = place[~known]
    return np.insert(keys, new, more[~known]), np.insert(counts, new, times[~known])
