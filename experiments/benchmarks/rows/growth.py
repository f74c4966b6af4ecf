"""Does the time of an epoch grow linearly with the text?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from experiments.benchmarks.measuring import Finished, alternate, in_fresh_process
from experiments.benchmarks.results import Row, conditions
from experiments.benchmarks.rows import sides
from experiments.benchmarks.setup import A, Setup

_LINES = {"0.5M": 920, "5M": 9_200, "25M": None}  # None: the whole text


def growth(setup: Setup) -> list[Row]:
    """Return the exponent of seconds = c · words^e, fitted to three texts with own vocabularies."""
    texts = {
        name: setup.large() if lines is None else setup.start_of_large(lines)
        for name, lines in _LINES.items()
    }

    def train(turn: int, *, text: Sequence[Path]) -> Finished:
        return in_fresh_process(
            "ours_speed",
            setup,
            1,
            text=text,
            cache=setup.cache,
            settings=sides.ours(A, threads=1, epochs=1, seed=turn + 1),
            penalty=False,
        )

    all_sizes = {name: partial(train, text=text) for name, text in texts.items()}
    found = alternate("growth", setup.repeats, **all_sizes)
    words = {name: runs[0].said["words"] for name, runs in found.items()}
    seconds = {name: [run.said["seconds"] for run in runs] for name, runs in found.items()}
    sizes = ", ".join(f"{name}: {count:,.0f}" for name, count in words.items())
    return [
        Row(
            "growth",
            "setting A, 1 thread, seconds of an epoch: exponent over 0.5M, 5M, 25M tokens",
            1.05,
            better="≤",
            value=None if setup.quick else exponent(words, seconds),
            text=", ".join(text[0].name if text else "built-in" for text in texts.values()),
            unit="s",
            measurements=seconds,
            conditions=conditions(found),
            note=f"in-vocabulary words {sizes}",
        )
    ]


def exponent(words: dict[str, float], seconds: dict[str, list[float]]) -> float:
    """Return the slope of log(median seconds) by log(words), least squares."""
    x = np.log([words[name] for name in seconds])
    y = np.log([median(values) for values in seconds.values()])
    return float(np.polyfit(x, y, 1)[0])
