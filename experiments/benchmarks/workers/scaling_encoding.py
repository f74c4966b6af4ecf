"""Encoding a text of several files: seconds, in this process alone or on a Dask cluster of some."""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from typing import Any

from debiaslab.corpus import Corpus
from debiaslab.corpus.encoding import numbers_for
from debiaslab.settings.training import CorpusSettings
from debiaslab.study.cluster import connected, map_on


def main(text: list[str], cache: str, workers: int) -> dict[str, Any]:
    """Encode with so many workers, 0 for none, and return the time without that of their start."""
    began = time.perf_counter()
    if workers == 0:
        numbers_for(1 << 30, (), CorpusSettings())  # compiled code is loaded
        started = time.perf_counter()
        corpus = Corpus.build(text, cache=cache, progress=False)
        ended = time.perf_counter()
    else:
        with connected(workers=workers) as client:
            client.run(numbers_for, 1 << 30, (), CorpusSettings())
            started = time.perf_counter()
            mapper = partial(map_on, client)
            corpus = Corpus.build(text, cache=cache, progress=False, mapper=mapper)
            ended = time.perf_counter()
    return {
        "seconds": ended - started,
        "start": started - began,
        "tokens": corpus.raw_tokens,
        "raw_types": corpus.raw_types,
        "types": len(corpus),
        "fingerprint": corpus.fingerprint,
    }


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
