"""From raw text to saved vectors, setting A, 3 epochs: time, memory and quality of whole runs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from debiaslab.embeddings import Embeddings
from debiaslab.metrics import load_similarity, word_similarity
from experiments.benchmarks.measuring import Finished, alternate, in_fresh_process
from experiments.benchmarks.results import Row, ratio_of_medians
from experiments.benchmarks.rows import sides
from experiments.benchmarks.setup import A, Setup

_EPOCHS = 3
_WITHIN = {"WordSim-353": 1.0, "SimLex-999": 0.7}  # points below gensim's mean that are allowed


@dataclass(frozen=True)
class _Run:
    finished: Finished
    points: dict[str, float]  # similarity set → 100 · Spearman's ρ


def text_to_vectors(setup: Setup) -> list[Row]:
    """Return the rows of speed, peak memory and both similarity sets, from the same runs."""
    text = setup.large()
    tokens = setup.tokenized(text)
    threads = sides.all_threads()

    def by_us(turn: int) -> _Run:
        cache = setup.work / "encoded-anew"
        shutil.rmtree(cache, ignore_errors=True)
        return _run(
            "ours_vectors",
            setup.work / "ours.kv",
            text=text,
            cache=cache,
            settings=sides.ours(A, threads=threads, epochs=_EPOCHS, seed=turn + 1),
        )

    def by_gensim(turn: int) -> _Run:
        return _run(
            "gensim_vectors",
            setup.work / "gensim.kv",
            tokens=tokens,
            settings=sides.gensim(A, threads=threads, epochs=_EPOCHS, seed=turn + 1),
        )

    runs = alternate("text", setup.repeats, gensim=by_gensim, ours=by_us)
    name = text[0].name if text else "built-in"
    return [
        _time(runs, name),
        _memory(runs, name),
        *(_quality(runs, name, similarity) for similarity in _WITHIN),
    ]


def _run(worker: str, out: Path, **arguments: object) -> _Run:
    finished = in_fresh_process(worker, out=out, **arguments)
    vectors = Embeddings.load(out)
    return _Run(finished, {name: _points(vectors, name) for name in _WITHIN})


def _points(vectors: Embeddings, similarity: str) -> float:
    found = word_similarity(vectors, load_similarity(similarity), bootstrap=0)
    if found.value is None:
        raise RuntimeError(f"{similarity}: {found.reason}")
    return 100 * found.value


def _time(runs: dict[str, list[_Run]], text: str) -> Row:
    seconds = {side: [run.finished.seconds for run in done] for side, done in runs.items()}
    parts = runs["ours"][-1].finished.said
    return Row(
        "text",
        "setting A, 3 epochs, raw text to saved vectors: gensim's seconds ÷ ours",
        8,
        value=ratio_of_medians(seconds),
        text=text,
        unit="s",
        measurements=seconds,
        note=f"ours: encoding {parts['encoding']:.1f} s, training {parts['training']:.1f} s; "
        "gensim reads the tokens made before",
    )


def _memory(runs: dict[str, list[_Run]], text: str) -> Row:
    peaks = {
        side: [run.finished.peak_mib for run in runs[side] if run.finished.peak_mib is not None]
        for side in ("ours", "gensim")
    }
    what = "peak memory of that ÷ gensim's"
    if not all(peaks.values()):
        return Row("memory", what, 0.5, better="≤", note="no /proc on this system")
    value = ratio_of_medians(peaks)
    return Row(
        "memory", what, 0.5, better="≤", value=value, text=text, unit="MiB", measurements=peaks
    )


def _quality(runs: dict[str, list[_Run]], text: str, similarity: str) -> Row:
    points = {side: [run.points[similarity] for run in runs[side]] for side in ("ours", "gensim")}
    return Row(
        f"quality-{similarity}",
        f"quality of those vectors, {similarity}: mean ours − mean gensim's, points",
        -_WITHIN[similarity],
        value=mean(points["ours"]) - mean(points["gensim"]),
        text=text,
        unit="ρ·100",
        measurements=points,
        note="a seed for each turn",
    )
