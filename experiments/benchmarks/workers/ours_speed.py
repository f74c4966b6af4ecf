"""debiaslab's training alone: words and seconds, after a warm-up that loads compiled code."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from debiaslab.corpus import Corpus
from debiaslab.sgns import PenaltyTerm, TrainSettings, train
from experiments.benchmarks.workers.penalty_words import projection_over_300_words


def main(text: list[str], cache: str, settings: dict[str, Any], penalty: bool) -> dict[str, float]:
    """Train on the text (encoded before) and return words and the seconds they took."""
    chosen = TrainSettings(**settings)
    warm_up = Corpus.build(cache=cache, progress=False)
    corpus = Corpus.build(text, cache=cache, progress=False)
    train(warm_up, chosen, _term(warm_up, penalty), progress=False)
    term = _term(corpus, penalty)
    before = time.process_time()
    result = train(corpus, chosen, term, progress=False)
    return {
        "words": result.words,
        "seconds": result.seconds,
        "cpu_seconds": time.process_time() - before,  # with the making of the model and tables
        "types": len(corpus),
    }


def _term(corpus: Corpus, penalty: bool) -> PenaltyTerm | None:
    return projection_over_300_words(corpus.words) if penalty else None


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
