"""Time, memory and trials an hour at three sizes of text, for docs/scaling.md.

``python -m experiments.benchmarks.scaling`` measures into ``scaling.json``, a measurement that is
there already is kept; ``scaling_fit`` fits and extrapolates them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from debiaslab.system.files import replacing
from debiaslab.system.provenance import provenance
from experiments.benchmarks.__main__ import WORK
from experiments.benchmarks.measuring import Finished, in_fresh_process
from experiments.benchmarks.rows import sides
from experiments.benchmarks.setup import A, Setup, find_data

RESULTS = Path(__file__).with_name("scaling.json")
SIZES = {"0.5M": 920, "5M": 9_200, "25M": 45_106}  # lines of the biographies
FILES = 8  # a text is cut into, for shards
_TRIALS = 3
WORKERS = [(dim, strategy) for dim in (100, 300) for strategy in ("tying", "projection")]
Measure = Callable[[], Finished]


def main(argv: list[str] | None = None) -> int:
    """Measure what is not known yet."""
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks.scaling")
    parser.add_argument("--only", default="", help="measurements whose name begins so")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--patience", type=float, default=30.0)
    parser.add_argument("--work", type=Path, default=WORK)
    args = parser.parse_args(argv)
    setup = Setup(args.repeats, False, args.work, find_data(), args.patience)
    if setup.data is None:
        print("scaling: no data; see NOTES.md", file=sys.stderr)
        return 2
    for name, measure in _measurements(setup):
        while name.startswith(args.only) and len(_known()["runs"].get(name, [])) < args.repeats:
            figures = _figures(measure())
            _keep(name, figures)
            print(f"{name}: {figures}", file=sys.stderr)
    return 0


def _known() -> dict[str, Any]:
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {"runs": {}}


def _keep(name: str, figures: dict[str, Any]) -> None:
    known = _known()
    known["runs"].setdefault(name, []).append(figures)
    known["made_with"] = {key: provenance()[key] for key in ("python", "packages", "machine")}
    with replacing(RESULTS) as new:
        new.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")


def _figures(run: Finished) -> dict[str, Any]:
    """Return what is kept of a measurement; ``seconds`` is that of the work alone."""
    return {**asdict(run), "process_seconds": run.seconds, **run.said, "said": None}


def _measurements(setup: Setup) -> Iterator[tuple[str, Measure]]:
    for size, lines in SIZES.items():
        files = _cut(setup, size, lines)
        whole = [setup.large()[0]] if size == "25M" else setup.start_of_large(lines)
        for workers in (0, 1, 2):
            yield f"encode/{size}/{workers}", partial(_encode, setup, files, workers)
        for kind, text in (("whole", whole), ("shards", files)):
            yield f"train/{size}/{kind}", partial(_train, setup, text)
        for workers in (1, 2):
            yield f"sweep/{size}/{workers}", partial(_sweep, setup, whole, workers)
        for dim, strategy in WORKERS:
            yield f"worker/{size}/{dim}/{strategy}", partial(_worker, setup, whole, dim, strategy)
    yield "overhead", partial(_overhead, setup)


def _cut(setup: Setup, size: str, lines: int) -> list[Path]:
    """Return the start of the large text in files of as many lines each."""
    folder = setup.work / f"in-files-{size}"
    files = [folder / f"{i}.txt" for i in range(FILES)]
    with gzip.open(setup.large()[0], "rb") as text:
        for i, file in enumerate(files):
            if not file.exists():
                own = slice(lines * i // FILES, lines * (i + 1) // FILES)
                text.seek(0)
                with replacing(file) as new, new.open("wb") as out:
                    out.writelines(islice(text, own.start, own.stop))
    return files


def _encode(setup: Setup, files: list[Path], workers: int) -> Finished:
    cache = setup.work / "encoded-anew"
    shutil.rmtree(cache, ignore_errors=True)
    run = in_fresh_process(
        "scaling_encoding", setup, max(workers, 2), text=files, cache=cache, workers=workers
    )
    shutil.rmtree(cache, ignore_errors=True)
    return run


def _train(setup: Setup, text: list[Path]) -> Finished:
    settings = sides.ours(A, threads=1, epochs=1, seed=1)
    return in_fresh_process(
        "ours_speed", setup, 1, text=text, cache=setup.cache, settings=settings, penalty=False
    )


def _sweep(setup: Setup, text: list[Path], workers: int) -> Finished:
    return in_fresh_process(
        "scaling_sweep",
        setup,
        workers,
        text=[file.resolve() for file in text],
        cache=setup.cache.resolve(),
        trials=_TRIALS,
        workers=workers,
    )


def _worker(setup: Setup, text: list[Path], dim: int, strategy: str) -> Finished:
    return in_fresh_process(
        "scaling_worker",
        setup,
        2,
        text=[file.resolve() for file in text],
        cache=setup.cache.resolve(),
        dim=dim,
        strategy=strategy,
    )


def _overhead(setup: Setup) -> Finished:
    return in_fresh_process(
        "ours_overhead", setup, 1, text=[], cache=setup.cache, trials=8, settings={"epochs": 1}
    )


if __name__ == "__main__":
    sys.exit(main())
