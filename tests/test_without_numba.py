"""Where numba cannot be loaded or compile: one warning, and the reference engine takes over."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from debiaslab.corpus import Corpus
from debiaslab.regularizers import bind_strategy, create
from debiaslab.sgns import TrainSettings, train
from tests.toys import toy_corpus

SETTINGS = TrainSettings(dim=8, epochs=1, subsample=0.0, batch_size=64)
NAMES = ("none", "projection", "cds", "gender-blind")

RUN = """
import sys
if sys.argv[2] == "missing":
    sys.modules["numba"] = None
import warnings
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from tests.test_without_numba import NAMES, SETTINGS, digest, toy_corpus
corpus = toy_corpus(Path(sys.argv[1]), documents=30)
for name in NAMES:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        engine, sha256 = digest(corpus, name, SETTINGS)
    print(name, engine, sha256, *(str(warning.message) for warning in caught), sep="|")
"""


@pytest.mark.parametrize("numba", ["missing", "switched off"])
def test_the_reference_engine_takes_over_with_one_warning(numba, tmp_path):
    corpus = toy_corpus(tmp_path, documents=30)
    root = str(Path(__file__).parents[1])
    off = {"NUMBA_DISABLE_JIT": "1"} if numba == "switched off" else {}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path), numba, root],
        env={**os.environ, **off},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(NAMES)
    for name, line in zip(NAMES, lines, strict=True):
        said, engine, sha256, *warned = line.split("|")
        assert (said, engine) == (name, "reference")
        assert len(warned) == 1, warned
        assert "the fast engine is not available here (numba" in warned[0]
        assert "training with the reference engine" in warned[0]
        assert sha256 == digest(corpus, name, replace(SETTINGS, engine="reference"))[1]


def digest(corpus: Corpus, name: str, settings: TrainSettings) -> tuple[str, str]:
    """Return the engine that trained, and the sha256 of the vectors."""
    bound = bind_strategy(create(name, weight=0.1), corpus.words, corpus.counts, seed=1)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    result = train(
        corpus, settings, bound.penalty, preprocessing=bound.preprocessing, progress=False
    )
    torch.set_num_threads(before)
    vectors = np.ascontiguousarray(result.embeddings.vectors)
    return result.engine, hashlib.sha256(vectors.tobytes()).hexdigest()
