"""Small made-up corpora and vectors that several tests share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from debiaslab import lexicons
from debiaslab.corpus import Corpus, CorpusSettings
from debiaslab.metrics import Record, default_similarity_sets
from debiaslab.metrics.cases import Resampling
from debiaslab.metrics.evaluation import Measurement, group_records
from debiaslab.vectors.embeddings import Embeddings

MALE = ["he", "man", "boy", "father", "son", "brother", "his", "male", "himself", "john", "him"]
FEMALE = ["she", "woman", "girl", "mother", "daughter", "sister"]
FEMALE += ["her", "female", "herself", "mary", "hers"]
MALE_SHARE = 0.7  # of the documents of the neutral text


def records_of(
    group: str, embeddings: Embeddings, effort: Resampling, similarity: Any = (), **more: Any
) -> list[Record]:
    """Return the scorecard's records of one group."""
    return list(group_records(group, Measurement(embeddings, effort, similarity, **more)))


def toy_text(documents: int = 400, seed: int = 0) -> str:
    """Return documents in which career words go with male words and family words with female."""
    rng = np.random.default_rng(seed)
    career = list(lexicons.load("career_extended").words)[:30]
    family = list(lexicons.load("family_extended").words)[:30]
    filler = [f"word{i}" for i in range(60)]
    lines = []
    for _ in range(documents):
        gender, topic = (MALE, career) if rng.random() < 0.5 else (FEMALE, family)
        if rng.random() < 0.2:
            topic = career if topic is family else family
        words = [*rng.choice(gender, 6), *rng.choice(topic, 12), *rng.choice(filler, 12)]
        rng.shuffle(words)
        lines.append(" ".join(words))
    return "\n".join(lines) + "\n"


def spelled(i: int) -> str:
    """Return a word of letters for a number: only such words count as neighbours."""
    return "word" + "".join(chr(ord("a") + i // 26**power % 26) for power in (1, 0))


def neutral_text(documents: int = 3200, seed: int = 0) -> str:
    """Return documents of one neutral word each, beside gender words that it does not choose."""
    rng = np.random.default_rng(seed)
    male = ["he", "man", "boy", "brother", "male", "son", "father"]
    female = ["she", "woman", "girl", "sister", "female", "daughter", "mother"]
    topics = ["topic" + spelled(j) for j in range(30)]
    lines = []
    for i in range(documents):
        gender = rng.choice(male if rng.random() < MALE_SHARE else female, 3)
        words = [*gender, *[spelled(i % 200)] * 2, *rng.choice(topics, 5)]
        rng.shuffle(words)
        lines.append(" ".join(words))
    return "\n".join(lines) + "\n"


def embeddings_of(vectors: dict[str, Any]) -> Embeddings:
    """Return vectors written out by hand."""
    return Embeddings(list(vectors), np.array(list(vectors.values()), dtype=float))


def noise(size: int, dim: int = 12, seed: int = 0) -> Embeddings:
    """Return random vectors of w0, w1, …"""
    rng = np.random.default_rng(seed)
    return Embeddings([f"w{i}" for i in range(size)], rng.normal(size=(size, dim)))


def lexicon_words(
    lists: Iterable[str] | None = None, pairs: Iterable[str] | None = None
) -> list[str]:
    """Return the words of these lists and pair lists (all of them, unless named), each once."""
    words = [word for name in lists or lexicons.names() for word in lexicons.load(name).words]
    for name in pairs or lexicons.pair_names():
        words += [word for pair in lexicons.load_pairs(name).pairs for word in pair]
    return list(dict.fromkeys(words))


def judged_words() -> list[str]:
    """Return the words of the similarity sets that ship, in lower case."""
    return [w.lower() for s in default_similarity_sets() for pair in s.pairs for w in pair[:2]]


def toy_corpus(folder: Path, documents: int = 400, min_count: int = 1) -> Corpus:
    """Return the encoded toy text, cached in ``folder``."""
    path = folder / "toy.txt"
    text = toy_text(documents)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:  # others may be reading it
        path.write_text(text, encoding="utf-8")
    return Corpus.build(
        [path], CorpusSettings(min_count=min_count), cache=folder / "cache", progress=False
    )


@dataclass
class TinyCorpus:
    """What an engine reads of a corpus."""

    ids: NDArray[np.int32]
    size: int
    unk: int | None = None
    counts: NDArray[np.int64] = field(init=False)
    tokens: int = field(init=False)

    def __post_init__(self) -> None:
        self.counts = np.bincount(self.ids[self.ids >= 0], minlength=self.size)
        self.tokens = int((self.ids >= 0).sum())


def topics(tokens: int = 20_000, size: int = 60, seed: int = 0) -> TinyCorpus:
    """A corpus with something to learn: each document of 50 words keeps to one half of them."""
    rng = np.random.default_rng(seed)
    documents = -(-tokens // 50)
    half = rng.integers(0, 2, size=(documents, 1))
    zipf = 1 / np.arange(1, size // 2 + 1)
    ids = 2 * rng.choice(size // 2, size=(documents, 50), p=zipf / zipf.sum()) + half
    ends = np.full((documents, 1), -1)
    return TinyCorpus(np.concatenate([ids, ends], axis=1).astype(np.int32).ravel(), size)


ODD_CHARACTERS = list(
    "abAB zZ_19$..$5,'-é\u0301İıΣσςßǅ\u2028\u2029\x85\x1c\x0b\r\u00a0\u0663$\u0664"
    "𝟘中文ᾳﬁ\ufeff\u200d\t  \n"
)


def odd_text(seed: int, size: int = 4000, more: str = "") -> str:
    """Return random text of characters that tokenizers and line splitters get wrong."""
    return "".join(np.random.default_rng(seed).choice([*ODD_CHARACTERS, *more], size))


def documents_of(corpus: Corpus) -> list[list[str]]:
    """Return the stream as lists of words."""
    spans = pairwise(corpus.document_offsets())
    return [[corpus.words[i] for i in corpus.ids[begin : end - 1]] for begin, end in spans]
