"""Times one of responsibly's metrics; run by the Python (3.7) of the oracle's environment."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

from responsibly.we import GenderBiasWE, load_w2v_small
from responsibly.we.weat import calc_single_weat


def calls(asked, folder):
    """Return what can be timed, by name."""
    model = load_w2v_small()
    gender = GenderBiasWE(model)
    sides = [{"words": asked["sets"][role], "name": role} for role in "XYAB"]
    path = folder / "pairs.tsv"
    path.write_text(
        "".join("{}\t{}\t{}\n".format(*tuple(p)) for p in asked["pairs"]), encoding="utf-8"
    )
    return {
        "weat-p": partial(calc_single_weat, model, *sides),
        "weat-d": partial(calc_single_weat, model, *sides, with_pvalue=False),
        "direct-bias": partial(gender.calc_direct_bias, asked["neutral"]),
        "indirect-bias": partial(gender.calc_indirect_bias, "softball", "receptionist"),
        "factual": partial(gender.compute_factual_association, asked["women"]),
        "similarity": partial(model.evaluate_word_pairs, str(path)),
    }


def main(what, times, asked):
    """Return the seconds of each of ``times`` calls, after one that is not timed."""
    seconds, cpu = [], []
    with tempfile.TemporaryDirectory() as folder:
        call = calls(asked, Path(folder))[what]
        for _ in range(times + 1):
            before, cpu_before = time.perf_counter(), time.process_time()
            call()
            seconds.append(time.perf_counter() - before)
            cpu.append(time.process_time() - cpu_before)
    return {"seconds": seconds[1:], "cpu_seconds": cpu[1:]}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(main(**json.loads(sys.argv[1]))))
