"""gensim from a pre-tokenised file to saved vectors, as a whole process, by LineSentence."""

from __future__ import annotations

import json
import sys
from typing import Any

from gensim.models import Word2Vec
from gensim.models.word2vec import LineSentence


def main(tokens: str, settings: dict[str, Any], out: str) -> dict[str, float]:
    """Build the vocabulary, train and save, as its documentation shows it."""
    model = Word2Vec(LineSentence(tokens), **settings)
    model.wv.save(out)
    return {"types": len(model.wv)}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
