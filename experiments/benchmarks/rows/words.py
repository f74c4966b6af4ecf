"""Words a second of the training alone, debiaslab and gensim in alternation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.benchmarks.measuring import Finished, alternate, in_fresh_process
from experiments.benchmarks.results import Row, conditions, ratio_of_medians
from experiments.benchmarks.rows import sides
from experiments.benchmarks.setup import Setting, Setup


def words(setup: Setup, setting: Setting, threads: int, bar: float) -> list[Row]:
    """Return the row of one setting and number of threads."""
    text = setup.small()
    tokens = setup.tokenized(text)

    def by_us(turn: int) -> Finished:
        return in_fresh_process(
            "ours_speed",
            setup,
            threads,
            text=text,
            cache=setup.cache,
            settings=sides.ours(setting, threads=threads, epochs=1, seed=turn + 1),
            penalty=False,
        )

    def by_gensim(turn: int) -> Finished:
        return in_fresh_process(
            "gensim_speed",
            setup,
            threads,
            tokens=tokens,
            settings=sides.gensim(setting, threads=threads, epochs=1, seed=turn + 1),
        )

    name = f"words-{setting.name.lower()}-{threads}"
    found = alternate(name, setup.repeats, ours=by_us, gensim=by_gensim)
    speeds = speed(found)
    what = f"setting {setting.name}, {threads} thread{'s' * (threads > 1)}, words/s ÷ gensim's"
    return [
        Row(
            name,
            what,
            bar,
            value=ratio_of_medians(speeds),
            by_cpu=by_cpu(found),
            text=text[0].name if text else "built-in",
            unit="words/s",
            measurements=speeds,
            conditions=conditions(found),
        )
    ]


def speed(found: Mapping[str, Sequence[Finished]]) -> dict[str, list[float]]:
    """Return in-vocabulary corpus words, counted before subsampling, per second of training."""
    return _words_per(found, "seconds")


def by_cpu(found: Mapping[str, Sequence[Finished]]) -> float:
    """Return the ratio of the two sides in words per CPU second of training."""
    return ratio_of_medians(_words_per(found, "cpu_seconds"))


def _words_per(found: Mapping[str, Sequence[Finished]], time: str) -> dict[str, list[float]]:
    return {
        side: [run.said["words"] / run.said[time] for run in runs] for side, runs in found.items()
    }
