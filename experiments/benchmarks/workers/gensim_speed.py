"""gensim's training alone: words and seconds, from a pre-tokenised file (its fastest way)."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from gensim.models import Word2Vec


def main(tokens: str, settings: dict[str, Any]) -> dict[str, float]:
    """Build the vocabulary, train, and return words and seconds of the training."""
    model = Word2Vec(**settings)
    model.build_vocab(corpus_file=tokens)  # also reads the file into the page cache
    started, cpu = time.perf_counter(), time.process_time()
    model.train(
        corpus_file=tokens,
        total_words=model.corpus_total_words,
        total_examples=model.corpus_count,
        epochs=model.epochs,
    )
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    counts = sum(model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key)
    return {
        "words": int(counts) * model.epochs,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "types": len(model.wv),
    }


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
