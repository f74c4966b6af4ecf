"""Which words a bias is planted in, and which like them are not."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.metrics.vocabulary import MIN_WORDS, shortlist
from debiaslab.regularizers.gender_words import gender_terms
from debiaslab.regularizers.swapping import Swap
from debiaslab.vectors.words import written_in

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

LEAST_SHARE, MOST_SHARE = 0.002, 0.01  # of the text's gender words, near one word
LEAST_NEAR = 20  # gender words near one word, whatever the size of the text
LEAST_RATE = 0.15  # gender words near a word, for each time it occurs
_PIECE = 1_000_000  # ids looked at at once


@dataclass(frozen=True)
class PlantedWords:
    """Three sets of one size whose words occur, and have gender words near them, equally often.

    Attributes:
        chosen: The words a bias is planted in.
        control: Words that no dose is given.
        other: Words that no dose is given either, for metrics that compare two sets.
        pool: The words that random sets are drawn from: like the chosen ones, none of them.
        male_share: Share of the male ones among all gender words of the text.
        shared: Share of the gender words near a control word that are near a chosen one as well:
            as much of what is planted reaches the control words.
    """

    chosen: tuple[str, ...]
    control: tuple[str, ...]
    other: tuple[str, ...]
    pool: tuple[str, ...]
    male_share: float
    shared: float


def planted_words(
    corpus: Corpus, *, words: Sequence[str] = (), count: int = 16, window: int = 5, seed: int = 1
) -> PlantedWords:
    """Choose words to plant a bias in, and match each with two that no dose is given.

    Chosen by chance among the *candidates*: words of no lexicon, no gender words and no first
    names, with 0.2 % to 1 % of the text's gender words near them, at least 20, and at least 0.15
    for each time they occur. Fewer would hardly move a word's vector; more, and a chosen word
    would move those of all others.

    Args:
        corpus: The text.
        words: The words to plant a bias in; those the text lacks are left out. None: chosen.
        count: How many to choose.
        window: How far "near" reaches, in words of the same document.
        seed: Seed of the choice.

    Raises:
        UserError: The text has no gender words, fewer than 4 of ``words``, or too few candidates.
    """
    swap = Swap.of(corpus.words, corpus.counts)
    near = gender_words_near(corpus, swap.gender, window)
    candidates = _candidates(corpus, swap.gender, near)
    if words:
        chosen = _given(corpus, words, swap.gender)
    else:
        _require(candidates, 3 * count, f"to choose 3 × {count} words from")
        order = np.random.default_rng(seed).permutation(len(candidates))[:count]
        chosen = [candidates[int(i)] for i in sorted(order)]
    free = [i for i in candidates if i not in set(chosen)]
    _require(free, 2 * len(chosen), f"to match {len(chosen)} words with, twice")
    control = _matched(chosen, free, corpus.counts, near)
    other = _matched(chosen, [i for i in free if i not in set(control)], corpus.counts, near)
    gendered = swap.gender != 0
    return PlantedWords(
        chosen=_named(corpus, chosen),
        control=_named(corpus, control),
        other=_named(corpus, other),
        pool=_named(corpus, free),
        male_share=float(corpus.counts[swap.gender > 0].sum() / corpus.counts[gendered].sum()),
        shared=_shared(corpus, swap.gender, chosen, control, window),
    )


def _named(corpus: Corpus, ids: Sequence[int]) -> tuple[str, ...]:
    return tuple(corpus.words[i] for i in ids)


def gender_words_near(
    corpus: Corpus, gender: NDArray[np.int8], window: int = 5
) -> NDArray[np.int64]:
    """Return how many gender words stand near the occurrences of each word, together, ``(V,)``.

    Args:
        corpus: The text.
        gender: 0 for words without gender, shape ``(V,)``; such words count for others only.
        window: How far "near" reaches, in words of the same document.
    """
    found = np.zeros(len(corpus.words), dtype=np.int64)
    for ids, starts, ends in _pieces(corpus):
        gendered = np.where(ids >= 0, gender[ids] != 0, False)
        before = np.concatenate([[0], np.cumsum(gendered)])
        place = np.arange(len(ids))
        near = before[np.minimum(place + window + 1, ends)]
        near -= before[np.maximum(place - window, starts)] + gendered
        words = ids >= 0
        found += np.bincount(ids[words], weights=near[words], minlength=len(found)).astype(np.int64)
    return found


def _pieces(
    corpus: Corpus,
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]]:
    """Yield whole documents, and for each place where its document starts and ends."""
    offsets = corpus.document_offsets()
    first = 0
    while first < len(offsets) - 1:
        last = int(np.searchsorted(offsets, offsets[first] + _PIECE, side="right")) - 1
        last = max(last, first + 1)
        own = offsets[first : last + 1] - offsets[first]
        lengths = np.diff(own)
        ids = np.asarray(corpus.ids[offsets[first] : offsets[last]])
        yield ids, np.repeat(own[:-1], lengths), np.repeat(own[1:], lengths)
        first = last


def _candidates(corpus: Corpus, gender: NDArray[np.int8], near: NDArray[np.int64]) -> list[int]:
    names = lexicons.first_names()
    listed = lexicons.tune_words() | lexicons.report_words() | lexicons.gender_words()
    listed |= gender_terms() | {*names.male, *names.female}
    total = int(corpus.counts[gender != 0].sum())
    usable = (near >= max(LEAST_NEAR, LEAST_SHARE * total)) & (near <= MOST_SHARE * total)
    usable &= (near >= LEAST_RATE * corpus.counts) & (gender == 0)
    return [
        int(i)
        for i in np.flatnonzero(usable)
        if corpus.words[i].lower() not in listed and any(map(str.isalpha, corpus.words[i]))
    ]


def _given(corpus: Corpus, words: Sequence[str], gender: NDArray[np.int8]) -> list[int]:
    written = {word: written_in(corpus.index, word) for word in words}
    known = list(dict.fromkeys(form for form in written.values() if form is not None))
    lost = tuple(word for word, form in written.items() if form is None)
    if lost and len(known) >= MIN_WORDS:
        warnings.warn(
            f"{len(lost)} of the {len(written)} chosen words are not in the corpus and get no "
            f"bias: {shortlist(lost)}",
            stacklevel=3,
        )
    for word in known:
        if gender[corpus.index[word]]:
            raise UserError(
                f"the chosen word {word!r} has a gender itself", allowed="words without gender"
            )
    if len(known) < MIN_WORDS:
        raise UserError(
            f"{len(known)} of the {len(written)} chosen words are in the corpus",
            allowed=f"at least {MIN_WORDS} of its words",
            next_step="a smaller --min-count, or no --words, to have them chosen",
        )
    return [corpus.index[word] for word in known]


def _require(candidates: Sequence[int], least: int, purpose: str) -> None:
    if len(candidates) < least:
        raise UserError(
            f"{len(candidates)} words of the corpus can be used {purpose}: neutral words that have "
            "gender words near them often enough",
            allowed=f"{least} or more",
            next_step="fewer words, or a larger corpus",
        )


def _matched(
    words: Sequence[int],
    free: Sequence[int],
    counts: NDArray[np.int64],
    near: NDArray[np.int64],
) -> list[int]:
    """Return for each word the most similar free one by frequency and gender words nearby."""
    features = np.log1p(np.stack([counts, near], axis=1))
    left = list(free)
    found = []
    for word in words:
        distances = np.abs(features[left] - features[word]).sum(axis=1)
        found.append(left.pop(int(np.argmin(distances))))
    return found


def _shared(
    corpus: Corpus,
    gender: NDArray[np.int8],
    chosen: Sequence[int],
    control: Sequence[int],
    window: int,
) -> float:
    from debiaslab.regularizers.swap_kernel import near_chosen

    marks = np.zeros((2, len(corpus.words)), dtype=bool)
    marks[0, list(chosen)] = marks[1, list(control)] = True
    both = of_control = 0
    for ids, _, _ in _pieces(corpus):
        turned, own = (near_chosen(ids, mark, gender, window) for mark in marks)
        both += len(np.intersect1d(turned, own, assume_unique=True))
        of_control += len(own)
    return both / of_control if of_control else 0.0
