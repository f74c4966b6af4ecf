"""What makes two trainings the same: everything that shapes their vectors, as JSON values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from debiaslab.corpus.stream import read_ids
from debiaslab.sgns.engine import Engine, PenaltyTerm, Preprocessing
from debiaslab.sgns.settings import TrainSettings
from debiaslab.sgns.start import Start
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

FORMAT = 1  # of checkpoints; raise it whenever the same settings give other vectors
_REWRITTEN = 20_000  # ids by which pre-processing is told apart, besides its counts


def identity_of(
    corpus: Corpus,
    settings: TrainSettings,
    engine: Engine,
    penalty: PenaltyTerm | None,
    preprocessing: Preprocessing | None,
    start: Start | None,
) -> dict[str, Any]:
    """Return what a checkpoint must share with the training that goes on from it."""
    chosen = {key: value for key, value in asdict(settings).items() if key != "engine"}
    active = penalty if penalty is not None and penalty.weight > 0 else None
    identity = {
        "format": FORMAT,
        "corpus": corpus.fingerprint,
        "settings": chosen,
        "engine": {"name": engine.name, **engine.identity},
        "penalty": None if active is None else _penalty(active),
        "preprocessing": None if preprocessing is None else _rewriting(corpus, preprocessing),
        "init": None if start is None else _vectors(start.targets),
    }
    if start is not None and start.contexts is not None:
        identity["contexts"] = _vectors(start.contexts)
    return dict(json.loads(json.dumps(identity)))


def key_of(identity: dict[str, Any]) -> str:
    """Return a short name for an identity."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def differences(ours: dict[str, Any], theirs: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Name the values in which two identities differ, as ``settings.lr``."""
    for name in {**ours, **theirs}:
        a, b = ours.get(name), theirs.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            yield from differences(a, b, f"{prefix}{name}.")
        elif a != b:
            yield f"{prefix}{name}"


def _vectors(embeddings: Embeddings) -> str:
    return _digest("\n".join(embeddings.words), embeddings.vectors)


def _penalty(penalty: PenaltyTerm) -> dict[str, Any]:
    kind = type(penalty)
    named = f"{kind.__module__}.{kind.__qualname__}"
    return {"weight": penalty.weight, "identity": getattr(penalty, "identity", named)}


def _rewriting(corpus: Corpus, preprocessing: Preprocessing) -> str:
    """Return a digest of what it does: its counts, and how it rewrites where the stream begins."""
    ids = read_ids(corpus.ids, 0, _REWRITTEN)
    ends = np.flatnonzero(ids < 0)
    whole = ids[: ends[-1] + 1] if len(ends) else ids
    counts = preprocessing.counts(corpus.counts.copy())
    return _digest("", counts, *(preprocessing.rewrite(whole.copy(), 0, epoch) for epoch in (0, 1)))


def _digest(text: str, *arrays: np.ndarray) -> str:
    digest = hashlib.sha256(text.encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
