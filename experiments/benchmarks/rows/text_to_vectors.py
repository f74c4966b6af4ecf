"""From raw text to saved vectors, setting A, 3 epochs: time, memory and quality of whole runs."""

from __future__ import annotations

import shutil
from statistics import mean

from debiaslab.metrics import load_similarity, word_similarity
from debiaslab.vectors.embeddings import Embeddings
from experiments.benchmarks.measuring import Finished, alternate, in_fresh_process
from experiments.benchmarks.results import Row, conditions, ratio_of_medians
from experiments.benchmarks.rows import sides
from experiments.benchmarks.setup import A, Setup

_EPOCHS = 3
_WITHIN = {"WordSim-353": 1.0, "SimLex-999": 0.7}  # points below gensim's mean that are allowed


def text_to_vectors(setup: Setup) -> list[Row]:
    """Return the rows of speed, peak memory and both similarity sets, from the same runs."""
    text = setup.large()
    tokens = setup.tokenized(text)
    threads = sides.all_threads()

    points: dict[str, dict[str, list[float]]] = {name: {} for name in _WITHIN}

    def measure(side: str, worker: str, **arguments: object) -> Finished:
        out = setup.work / f"{side}.kv"
        finished = in_fresh_process(worker, setup, threads, out=out, **arguments)
        vectors = Embeddings.load(out)
        for name, by_side in points.items():
            by_side.setdefault(side, []).append(_points(vectors, name))
        return finished

    def by_us(turn: int) -> Finished:
        cache = setup.work / "encoded-anew"
        shutil.rmtree(cache, ignore_errors=True)
        settings = sides.ours(A, threads=threads, epochs=_EPOCHS, seed=turn + 1)
        return measure("ours", "ours_vectors", text=text, cache=cache, settings=settings)

    def by_gensim(turn: int) -> Finished:
        settings = sides.gensim(A, threads=threads, epochs=_EPOCHS, seed=turn + 1)
        return measure("gensim", "gensim_vectors", tokens=tokens, settings=settings)

    found = alternate("text", setup.repeats, gensim=by_gensim, ours=by_us)
    name = text[0].name if text else "built-in"
    return [
        _time(found, name),
        _memory(found, name),
        *(_quality(points[similarity], name, similarity) for similarity in _WITHIN),
    ]


def _points(vectors: Embeddings, similarity: str) -> float:
    found = word_similarity(vectors, load_similarity(similarity), bootstrap=0)
    if found.value is None:
        raise RuntimeError(f"{similarity}: {found.reason}")
    return 100 * found.value


def _time(found: dict[str, list[Finished]], text: str) -> Row:
    seconds = {side: [run.seconds for run in runs] for side, runs in found.items()}
    parts = found["ours"][-1].said
    measured_under = conditions(found)
    return Row(
        "text",
        "setting A, 3 epochs, raw text to saved vectors: gensim's seconds ÷ ours",
        8,
        value=ratio_of_medians(seconds),
        by_cpu=ratio_of_medians(measured_under["cpu_seconds"]),
        text=text,
        unit="s",
        measurements=seconds,
        note=f"ours: encoding {parts['encoding']:.1f} s, training {parts['training']:.1f} s; "
        "gensim reads the tokens made before",
        conditions=measured_under,
    )


def _memory(found: dict[str, list[Finished]], text: str) -> Row:
    peaks = {
        side: [run.peak_mib for run in found[side] if run.peak_mib is not None]
        for side in ("ours", "gensim")
    }
    what = "peak memory of that ÷ gensim's"
    if not all(peaks.values()):
        return Row("memory", what, 0.5, better="≤", note="no /proc on this system")
    value = ratio_of_medians(peaks)
    return Row(
        "memory", what, 0.5, better="≤", value=value, text=text, unit="MiB", measurements=peaks
    )


def _quality(points: dict[str, list[float]], text: str, similarity: str) -> Row:
    return Row(
        f"quality-{similarity}",
        f"quality of those vectors, {similarity}: mean ours − mean gensim's, points",
        -_WITHIN[similarity],
        value=mean(points["ours"]) - mean(points["gensim"]),
        text=text,
        unit="ρ·100",
        measurements={side: points[side] for side in ("ours", "gensim")},
        note="a seed for each turn",
    )
