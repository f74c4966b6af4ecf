"""A sweep by the command, with some workers: the pace of its trials."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import optuna

from debiaslab.cli import main as command
from debiaslab.corpus import Corpus
from debiaslab.study.search_storage import storage_url


def main(text: list[str], cache: str, trials: int, workers: int) -> dict[str, Any]:
    """Sweep with one seed and one epoch; the corpus was encoded before."""
    corpus = Corpus.build(text, cache=cache, progress=False)
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("data").mkdir()
        Path("data/cache").symlink_to(cache, target_is_directory=True)
        words = ["sweep", *text, "--trials", str(trials), "--seeds", "1", "--epochs", "1"]
        words += ["--study", "pace", *(["--workers", str(workers)] if workers > 1 else [])]
        with contextlib.redirect_stdout(io.StringIO()):
            if command(words):
                raise RuntimeError("the sweep failed")
        study = optuna.load_study(study_name="pace", storage=storage_url(Path("mlruns")))
        spans = [(t.datetime_start, t.datetime_complete) for t in study.trials]
    begun, ended = min(a for a, _ in spans), max(b for _, b in spans)
    return {
        "seconds": (ended - begun).total_seconds(),
        "trials": len(spans),
        "tokens": corpus.tokens,
        "types": len(corpus),
    }


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
