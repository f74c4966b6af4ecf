"""debiaslab's reader: text to the encoded stream on disk."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from debiaslab.corpus import Corpus, CorpusSettings


def main(text: str, cache: str, mwes: str | None) -> dict[str, Any]:
    """Encode a plain text file into an empty cache; return its bytes and the seconds it took."""
    started = time.perf_counter()
    corpus = Corpus.build([text], CorpusSettings(mwes=mwes), cache=cache, progress=False)
    return {
        "seconds": time.perf_counter() - started,
        "bytes": Path(text).stat().st_size,
        "tokens": corpus.tokens,
    }


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
