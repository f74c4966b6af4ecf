"""What the projection penalty over 300 words and 10 pairs costs."""

from __future__ import annotations

from functools import partial

from experiments.benchmarks.measuring import Finished, alternate, in_fresh_process
from experiments.benchmarks.results import Row, conditions, ratio_of_medians
from experiments.benchmarks.rows import sides
from experiments.benchmarks.rows.words import by_cpu, speed
from experiments.benchmarks.setup import Setting, Setup


def penalty(setup: Setup, setting: Setting, threads: int) -> list[Row]:
    """Return the row of one setting and number of threads."""
    text = setup.large()  # a short text has as many penalty steps, and so less training between

    def measure(turn: int, *, penalty: bool) -> Finished:
        return in_fresh_process(
            "ours_speed",
            setup,
            threads,
            text=text,
            cache=setup.cache,
            settings=sides.ours(setting, threads=threads, epochs=1, seed=turn + 1),
            penalty=penalty,
        )

    name = f"penalty-{setting.name.lower()}-{threads}"
    both = {
        "with": partial(measure, penalty=True),
        "without": partial(measure, penalty=False),
    }
    found = alternate(name, setup.repeats, **both)
    speeds = speed(found)
    threads_text = f"{threads} thread{'s' * (threads > 1)}"
    return [
        Row(
            name,
            f"setting {setting.name}, {threads_text}, with the projection penalty ÷ without",
            0.85,
            value=ratio_of_medians(speeds),
            by_cpu=by_cpu(found),
            text=text[0].name if text else "built-in",
            unit="words/s",
            measurements=speeds,
            conditions=conditions(found),
        )
    ]
