"""Setting B against plain PyTorch in the homework's style, batch 512."""

from __future__ import annotations

from experiments.benchmarks.measuring import alternate, in_fresh_process
from experiments.benchmarks.results import Row, ratio_of_medians
from experiments.benchmarks.rows import sides
from experiments.benchmarks.rows.words import speed
from experiments.benchmarks.setup import B, Setup

_BATCH = 512
_SECONDS = 12.0


def homework(setup: Setup) -> list[Row]:
    """Return the row; PyTorch trains for some seconds, debiaslab a whole epoch."""
    text = setup.large()
    threads = sides.all_threads()

    def by_us(turn: int) -> float:
        settings = sides.ours(B, threads=threads, epochs=1, seed=turn + 1)
        return speed(
            in_fresh_process(
                "ours_speed", text=text, cache=setup.cache, settings=settings, penalty=False
            )
        )

    def by_torch(turn: int) -> float:
        return speed(
            in_fresh_process(
                "torch_homework",
                text=text,
                cache=setup.cache,
                settings=sides.ours(B, threads=threads, epochs=1, seed=turn + 1),
                batch=_BATCH,
                seconds=1.0 if setup.quick else _SECONDS,
            )
        )

    found = alternate("homework", setup.repeats, ours=by_us, pytorch=by_torch)
    return [
        Row(
            "homework",
            f"setting B, words/s ÷ plain PyTorch's (DataLoader, AdamW, batch {_BATCH})",
            1000,
            value=ratio_of_medians(found),
            text=text[0].name if text else "built-in",
            unit="words/s",
            measurements=found,
            note=f"{threads} threads each; PyTorch for {_SECONDS:g} s",
        )
    ]
