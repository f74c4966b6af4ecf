"""The vectors that metrics are timed on: published ones, or random ones of the same shape."""

from __future__ import annotations

import numpy as np

from debiaslab import lexicons
from debiaslab.lexicons import association_tests
from debiaslab.lexicons.tables import load_occupation_women, load_sembias, occupation_women_names
from debiaslab.metrics import default_similarity_sets
from debiaslab.vectors.embeddings import Embeddings

DIM = 300
_SEED = 0
_ROWS = 100_000  # made at a time


def complete(path: str) -> Embeddings:
    """Return vectors of a file in which every list of the scorecard is whole.

    Words that the file lacks take the places of its last words, so that nothing is quicker because
    it is missing.
    """
    loaded = Embeddings.load(path)
    asked = listed_words()
    lacking = [word for word in asked if word not in loaded]
    keep = set(asked)
    words = list(loaded.words)
    free = (i for i in range(len(words) - 1, -1, -1) if words[i] not in keep)
    for word, i in zip(lacking, free, strict=False):
        words[i] = word
    return Embeddings(words, loaded.vectors)


def random_vectors(rows: int, dim: int = DIM) -> Embeddings:
    """Return normal vectors: the lists' words, then made-up ones, without a second copy."""
    listed = listed_words()[:rows]
    rng = np.random.default_rng(_SEED)
    vectors = np.empty((rows, dim), dtype=np.float32)
    for start in range(0, rows, _ROWS):
        block = vectors[start : start + _ROWS]
        block[:] = rng.standard_normal(block.shape, dtype=np.float32)
    vectors.flags.writeable = False
    return Embeddings([*listed, *map(_made_up, range(rows - len(listed)))], vectors)


def listed_words() -> list[str]:
    """Return the words of every list that the scorecard reads, each once."""
    tests = (words for test in association_tests() for words in test.half("all"))
    lists = (lexicons.load(name).words for name in lexicons.names())
    pairs = [pair for name in lexicons.pair_names() for pair in lexicons.load_pairs(name).pairs]
    for row in load_sembias().rows:
        pairs += [row.definition, row.stereotype, *row.none]
    pairs += [pair[:2] for each in default_similarity_sets() for pair in each.pairs]
    women = (load_occupation_women(name).half("all") for name in occupation_women_names())
    return list(dict.fromkeys(word for each in (*tests, *lists, *pairs, *women) for word in each))


def _made_up(number: int) -> str:
    """Return a word of lower-case letters only: nulls and lipstick tests draw from no others."""
    letters = ""
    while number or not letters:
        number, letter = divmod(number, 26)
        letters += chr(ord("a") + letter)
    return f"q{letters}q"
