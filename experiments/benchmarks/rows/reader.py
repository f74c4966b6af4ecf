"""Text to ids: MB/s, what phrases cost, and memory, also for a text ten times as long."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from statistics import median

from debiaslab.corpus import learn_phrases, write_phrases
from debiaslab.system.files import replacing
from experiments.benchmarks.measuring import Finished, alternate, in_fresh_process
from experiments.benchmarks.results import Row, conditions
from experiments.benchmarks.rows import sides
from experiments.benchmarks.setup import Setup

_PHRASES = 21_000
_THRESHOLD = 0.3  # of NPMI: low enough for so many phrases on 25M tokens
_LONGER = 10  # times the text


def reader(setup: Setup) -> list[Row]:
    """Return the rows of speed, of phrases, and of peak memory on the text and on ten of it."""
    text = setup.unpacked()
    phrases, count = _phrases(setup, text)

    def encode(turn: int, *, of: Path = text, mwes: Path | None = None) -> Finished:
        cache = setup.work / "encoded-anew"
        shutil.rmtree(cache, ignore_errors=True)
        finished = in_fresh_process(
            "ours_encoding", setup, sides.all_threads(), text=of, cache=cache, mwes=mwes
        )
        shutil.rmtree(cache, ignore_errors=True)
        return finished

    found = alternate(
        "reader", setup.repeats, plain=encode, phrases=lambda turn: encode(turn, mwes=phrases)
    )
    longer = _repeated(setup, text)
    whole = encode(0, of=longer)
    longer.unlink()
    speeds = {side: [_speed(run) for run in runs] for side, runs in found.items()}
    measured_under = conditions(found)
    peak = max(run.peak_mib or 0.0 for run in (*found["plain"], whole))
    return [
        Row(
            "reader",
            "reader: text to the encoded stream on disk, MB/s",
            30,
            value=median(speeds["plain"]),
            text=text.name,
            unit="MB/s",
            measurements={"plain": speeds["plain"]},
            conditions={key: {"plain": sides["plain"]} for key, sides in measured_under.items()},
            note=f"{sides.all_threads()} threads",
        ),
        Row(
            "reader-phrases",
            f"reader with {count:,} phrases: seconds ÷ without",
            1.25,
            better="≤",
            value=median(speeds["plain"]) / median(speeds["phrases"]),
            text=text.name,
            unit="MB/s",
            measurements=speeds,
            conditions=measured_under,
        ),
        Row(
            "reader-memory",
            f"reader: peak memory, also on {_LONGER} times the text, GiB",
            1.5,
            better="≤",
            value=peak / 1024 if peak else None,
            text=text.name,
            unit="MiB",
            measurements={
                "text": [run.peak_mib or 0.0 for run in found["plain"]],
                f"{_LONGER} times": [whole.peak_mib or 0.0],
            },
            note=f"{_LONGER} times the text: {_speed(whole):.0f} MB/s",
        ),
    ]


def _speed(run: Finished) -> float:
    return float(run.said["bytes"]) / 1e6 / float(run.said["seconds"])


def _phrases(setup: Setup, text: Path) -> tuple[Path, int]:
    """Return a file of 21,000 phrases of the text, or as many as it has, and their number."""
    path = setup.work / f"{text.name}.phrases.txt"
    if not path.exists():
        learned = learn_phrases([text], threshold=_THRESHOLD, cache=setup.cache)
        chosen = random.Random(0).sample(learned, min(_PHRASES, len(learned)))
        write_phrases(sorted(chosen), path)
    return path, sum(1 for _ in path.open(encoding="utf-8"))


def _repeated(setup: Setup, text: Path) -> Path:
    path = setup.work / f"{text.stem}-{_LONGER}.txt"
    with replacing(path) as new, new.open("wb") as out:
        for _ in range(_LONGER):
            with text.open("rb") as source:
                shutil.copyfileobj(source, out)
    return path
