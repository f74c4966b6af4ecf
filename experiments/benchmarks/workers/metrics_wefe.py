"""Times one of WEFE's metrics on its test vectors; run by the Python of its environment."""

from __future__ import annotations

import json
import logging
import sys
import time
from functools import partial
from typing import Any

from wefe.metrics import ECT, MAC, RIPA, RND, RNSB, WEAT
from wefe.query import Query
from wefe.utils import load_test_model


def calls(asked: dict[str, Any], draws: int) -> dict[str, Any]:
    """Return what can be timed, by name."""
    model = load_test_model()
    sets, groups = asked["sets"], asked["groups"]
    weat = Query([sets["X"], sets["Y"]], [sets["A"], sets["B"]])
    family, both = (
        Query(groups, [asked["family"]]),
        Query(groups, [asked["family"], asked["career"]]),
    )
    return {
        "weat-p": partial(
            WEAT().run_query, weat, model, calculate_p_value=True, p_value_iterations=draws
        ),
        "weat-d": partial(WEAT().run_query, weat, model),
        "rnd": partial(RND().run_query, family, model),
        "rnsb": partial(RNSB().run_query, both, model, n_iterations=10),
        "mac": partial(MAC().run_query, both, model),
        "ect": partial(ECT().run_query, family, model),
        "ripa": partial(RIPA().run_query, family, model),
    }


def main(what: str, times: int, asked: dict[str, Any], draws: int = 50) -> dict[str, Any]:
    """Return the seconds of each of ``times`` calls, after one that is not timed."""
    logging.disable(logging.ERROR)
    call = calls(asked, draws)[what]
    seconds, cpu = [], []
    for _ in range(times + 1):
        before, cpu_before = time.perf_counter(), time.process_time()
        call()
        seconds.append(time.perf_counter() - before)
        cpu.append(time.process_time() - cpu_before)
    return {"seconds": seconds[1:], "cpu_seconds": cpu[1:]}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
