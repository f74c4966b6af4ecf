"""Setting B against plain PyTorch in the homework's style, batch 512."""

from __future__ import annotations

from experiments.benchmarks.measuring import Finished, alternate, in_fresh_process
from experiments.benchmarks.results import Row, conditions, ratio_of_medians
from experiments.benchmarks.rows import sides
from experiments.benchmarks.rows.words import by_cpu, speed
from experiments.benchmarks.setup import B, Setup

_BATCH = 512
_SECONDS = 12.0


def homework(setup: Setup) -> list[Row]:
    """Return the row; PyTorch trains for some seconds, debiaslab a whole epoch."""
    text = setup.large()
    threads = sides.all_threads()

    def by_us(turn: int) -> Finished:
        settings = sides.ours(B, threads=threads, epochs=1, seed=turn + 1)
        return in_fresh_process(
            "ours_speed",
            setup,
            threads,
            text=text,
            cache=setup.cache,
            settings=settings,
            penalty=False,
        )

    def by_torch(turn: int) -> Finished:
        return in_fresh_process(
            "torch_homework",
            setup,
            threads,
            text=text,
            cache=setup.cache,
            settings=sides.ours(B, threads=threads, epochs=1, seed=turn + 1),
            batch=_BATCH,
            seconds=1.0 if setup.quick else _SECONDS,
        )

    found = alternate("homework", setup.repeats, ours=by_us, pytorch=by_torch)
    speeds = speed(found)
    return [
        Row(
            "homework",
            f"setting B, words/s ÷ plain PyTorch's (DataLoader, AdamW, batch {_BATCH})",
            1000,
            value=ratio_of_medians(speeds),
            by_cpu=by_cpu(found),
            text=text[0].name if text else "built-in",
            unit="words/s",
            measurements=speeds,
            conditions=conditions(found),
            note=f"{threads} threads each; PyTorch for {_SECONDS:g} s",
        )
    ]
