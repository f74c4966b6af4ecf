"""Times one of debiaslab's metrics, or the scorecard, on vectors that are in memory."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from debiaslab.metrics import (
    direct_bias,
    ect,
    evaluate,
    load_similarity,
    mac,
    ripa,
    rnd,
    weat,
    word_similarity,
)
from debiaslab.metrics.projection import indirect_bias
from debiaslab.metrics.rnsb import rnsb
from debiaslab.metrics.sembias import factual_association
from debiaslab.vectors.embeddings import Embeddings
from experiments.benchmarks.workers.metrics_vectors import complete, random_vectors
from experiments.oracle.queries import Queries, queries

BIAS = ("weat", "association", "geometry")
LIPSTICK = (*BIAS, "lipstick")


def main(
    what: str, times: int, vectors: str | None = None, rows: int = 0, dim: int = 0
) -> dict[str, Any]:
    """Return the seconds, and CPU seconds, of each of ``times`` calls; the first one is cold.

    The vectors are those of a file, or random ones of ``rows`` × ``dim``.
    """
    embeddings = complete(vectors) if vectors else random_vectors(rows, dim)
    call = calls(embeddings, queries())[what]
    seconds, cpu = [], []
    for _ in range(times):
        before, cpu_before = time.perf_counter(), time.process_time()
        call()
        seconds.append(time.perf_counter() - before)
        cpu.append(time.process_time() - cpu_before)
    return {"seconds": seconds, "cpu_seconds": cpu, "shape": embeddings.vectors.shape}


def calls(embeddings: Embeddings, asked: Queries) -> dict[str, Callable[[], object]]:
    """Return what can be timed, by name; single metrics without intervals, as others have none."""
    groups = {"female": asked.female, "male": asked.male}
    pairs = list(zip(asked.female, asked.male, strict=True))
    plain: dict[str, Any] = {"bootstrap": 0}
    known = embeddings.split(asked.women)[0]
    return {
        "weat-7": partial(weat, embeddings, **asked.weat["7"]),
        "weat-1": partial(weat, embeddings, **asked.weat["1"]),
        "scorecard": partial(evaluate, embeddings, groups=BIAS),
        "scorecard-lipstick": partial(evaluate, embeddings, groups=LIPSTICK),
        "scorecard-default": partial(evaluate, embeddings),
        "weat-p": partial(weat, embeddings, **asked.weat["6b"], **plain),
        "weat-d": partial(weat, embeddings, **asked.weat["6b"], permutations=0, **plain),
        "rnd": partial(rnd, embeddings, asked.family, groups, **plain),
        "rnsb": partial(rnsb, embeddings, groups, asked.family, asked.career, repeats=10),
        "mac": partial(mac, embeddings, groups, [asked.family, asked.career], **plain),
        "ect": partial(ect, embeddings, asked.family, groups, **plain),
        "ripa": partial(ripa, embeddings, asked.family, pairs, relation="mean", **plain),
        "direct-bias": partial(direct_bias, embeddings, asked.neutral, asked.definitional, **plain),
        "indirect-bias": partial(
            indirect_bias, embeddings, "softball", "receptionist", asked.definitional
        ),
        "factual": partial(
            factual_association,
            embeddings,
            {word: asked.women[word] for word in known},
            asked.definitional,
            permutations=0,  # the other side has the p of a formula
            **plain,
        ),
        "similarity": partial(word_similarity, embeddings, load_similarity("SimLex-999"), **plain),
    }


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
