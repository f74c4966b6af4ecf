"""debiaslab from text to saved vectors, as a whole process."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from debiaslab.corpus import Corpus
from debiaslab.sgns import TrainSettings, train


def main(text: list[str], cache: str, settings: dict[str, Any], out: str) -> dict[str, float]:
    """Encode (or open what is encoded), train and save; return the seconds of each part."""
    started = time.perf_counter()
    corpus = Corpus.build(text, cache=cache, progress=False)
    encoded = time.perf_counter()
    result = train(corpus, TrainSettings(**settings), progress=False)
    trained = time.perf_counter()
    result.embeddings.save(out)
    return {
        "encoding": encoded - started,
        "training": trained - encoded,
        "saving": time.perf_counter() - trained,
        "words": result.words,
    }


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
