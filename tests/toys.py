"""Small made-up corpora and vectors that several tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from debiaslab import lexicons
from debiaslab.corpus import Corpus, CorpusSettings

MALE = [
    "he",
    "man",
    "boy",
    "father",
    "son",
    "brother",
    "his",
    "male",
    "himself",
    "john",
    "him",
]
FEMALE = [
    "she",
    "woman",
    "girl",
    "mother",
    "daughter",
    "sister",
    "her",
    "female",
    "herself",
    "mary",
    "hers",
]


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


def toy_corpus(folder: Path, documents: int = 400, min_count: int = 1) -> Corpus:
    """Return the encoded toy text, cached in ``folder``."""
    path = folder / "toy.txt"
    path.write_text(toy_text(documents), encoding="utf-8")
    return Corpus.build(
        [path], CorpusSettings(min_count=min_count), cache=folder / "cache", progress=False
    )
