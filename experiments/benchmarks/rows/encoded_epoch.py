"""One epoch of 25M tokens in setting B, text already encoded: a whole process."""

from __future__ import annotations

from statistics import median

from experiments.benchmarks.measuring import Finished, alternate, in_fresh_process
from experiments.benchmarks.results import Row, conditions
from experiments.benchmarks.rows import sides
from experiments.benchmarks.setup import B, Setup


def encoded_epoch(setup: Setup) -> list[Row]:
    """Return the row: seconds from the start of Python to saved vectors."""
    text = setup.large()
    threads = sides.all_threads()

    def whole(turn: int) -> Finished:
        return in_fresh_process(
            "ours_vectors",
            setup,
            threads,
            text=text,
            cache=setup.cache,
            settings=sides.ours(B, threads=threads, epochs=1, seed=turn + 1),
            out=setup.work / "encoded.kv",
        )

    whole(0)  # encodes the text
    found = alternate("encoded", setup.repeats, ours=whole)
    seconds = [run.seconds for run in found["ours"]]
    return [
        Row(
            "encoded",
            "setting B, 1 epoch of 25M tokens, encoded before: whole process, seconds",
            10,
            better="≤",
            value=median(seconds),
            text=text[0].name if text else "built-in",
            unit="s",
            measurements={"ours": seconds},
            conditions=conditions(found),
            note=f"{threads} threads, vectors saved as .kv",
        )
    ]
