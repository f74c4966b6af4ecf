"""Words a second of the training alone, debiaslab and gensim in alternation."""

from __future__ import annotations

from experiments.benchmarks.measuring import Finished, alternate, in_fresh_process
from experiments.benchmarks.results import Row, ratio_of_medians
from experiments.benchmarks.rows import sides
from experiments.benchmarks.setup import Setting, Setup


def words(setup: Setup, setting: Setting, threads: int, bar: float) -> list[Row]:
    """Return the row of one setting and number of threads."""
    text = setup.small()
    tokens = setup.tokenized(text)

    def by_us(turn: int) -> float:
        return speed(
            in_fresh_process(
                "ours_speed",
                text=text,
                cache=setup.cache,
                settings=sides.ours(setting, threads=threads, epochs=1, seed=turn + 1),
                penalty=False,
            )
        )

    def by_gensim(turn: int) -> float:
        return speed(
            in_fresh_process(
                "gensim_speed",
                tokens=tokens,
                settings=sides.gensim(setting, threads=threads, epochs=1, seed=turn + 1),
            )
        )

    name = f"words-{setting.name.lower()}-{threads}"
    found = alternate(name, setup.repeats, ours=by_us, gensim=by_gensim)
    what = f"setting {setting.name}, {threads} thread{'s' * (threads > 1)}, words/s ÷ gensim's"
    return [
        Row(
            name,
            what,
            bar,
            value=ratio_of_medians(found),
            text=text[0].name if text else "built-in",
            unit="words/s",
            measurements=found,
        )
    ]


def speed(finished: Finished) -> float:
    """Return in-vocabulary corpus words, counted before subsampling, per second of training."""
    return finished.said["words"] / finished.said["seconds"]
