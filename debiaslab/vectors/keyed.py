"""gensim's native format: what ``KeyedVectors.save`` writes and ``KeyedVectors.load`` reads."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.inert import attributes, to_array, to_text
from debiaslab.vectors.words import Wanted, checked


def write(embeddings: Embeddings, path: Path) -> None:
    """Write one file, however big: no ``.vectors.npy`` beside it, and no date inside it.

    Given a name, gensim puts arrays of 10 million numbers in a second file; given an open file, it
    keeps everything in one, which can then be moved into place in one step.
    """
    keyed = embeddings.to_keyed_vectors()
    keyed.lifecycle_events = None
    with path.open("wb") as stream:
        keyed.save(stream)


def read(stream: BinaryIO, path: Path, wanted: Wanted, compressed: bool) -> Embeddings:
    """Read the native format of gensim 1 to 4, with the arrays that stand in files beside it.

    Raises:
        UserError: As ``attributes`` raises, a file beside it is missing or damaged, or a check of
            ``checked`` fails.
    """
    state = attributes(stream, path)
    words = _words(state, path)
    name = "vectors" if "vectors" in state or "vectors" in _aside(state) else "syn0"
    if name in _aside(state):
        vectors = _beside(path, name, compressed)
    else:
        try:
            vectors = to_array(state.get(name))
        except ValueError as error:
            raise UserError(f"{path} holds no vectors, or damaged ones ({error})") from error
    return checked(words, vectors, path, wanted, counts=_counts(state, words))


def _words(state: dict[str, object], path: Path) -> list[str]:
    keys = state.get("index_to_key", state.get("index2word"))
    try:
        if not isinstance(keys, list):
            raise ValueError("no list")
        return [to_text(key) for key in keys]
    except ValueError as error:
        raise UserError(
            f"{path} holds no list of words", allowed="KeyedVectors whose keys are words"
        ) from error


def _counts(state: dict[str, object], words: list[str]) -> NDArray[np.number] | list[float] | None:
    """Return how often each word occurs, where gensim 4 or an earlier one has kept it."""
    expandos, vocabulary = state.get("expandos"), state.get("vocab")
    if isinstance(expandos, dict) and "count" in expandos:
        try:
            counts = to_array(expandos["count"], kinds="fiu")
        except ValueError:
            return None
        return counts if counts.shape == (len(words),) else None
    if isinstance(vocabulary, dict) and vocabulary:
        entries = [getattr(vocabulary.get(word), "state", None) for word in words]
        found = [entry.get("count") for entry in entries if isinstance(entry, dict)]
        numbers = [float(count) for count in found if isinstance(count, int | float)]
        return numbers if len(numbers) == len(words) else None
    return None


def _aside(state: dict[str, object]) -> list[object]:
    names = state.get("__numpys")
    return names if isinstance(names, list) else []


def _beside(path: Path, name: str, compressed: bool) -> NDArray[np.floating]:
    side = path.with_name(f"{path.name}.{name}.{'npz' if compressed else 'npy'}")
    try:
        loaded = np.load(side, allow_pickle=False)
        return loaded["val"] if compressed else loaded
    except FileNotFoundError as error:
        raise UserError(
            f"{path} keeps its vectors in {side.name}, which is not beside it",
            next_step="copy both files, or read with gensim and save with separately=[]",
        ) from error
    except (OSError, ValueError, EOFError, MemoryError, KeyError) as error:
        raise UserError(f"{side} is damaged ({error})", next_step="copy it again") from error
