"""A sweep with two workers: the most memory that either has for itself."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from debiaslab.corpus import Corpus
from debiaslab.sgns.model import ROW_FLOATS

_POLL_SECONDS = 0.05  # reading what a process has takes the system some milliseconds
_FORKED = b"multiprocessing.forkserver"
_COMMAND = (sys.executable, "-m", "debiaslab", "sweep")


def main(text: list[str], cache: str, dim: int, strategy: str) -> dict[str, Any]:
    """Sweep two trials of one seed and one epoch; the corpus was encoded before."""
    corpus = Corpus.build(text, cache=cache, progress=False)
    with TemporaryDirectory() as folder:
        (Path(folder) / "data").mkdir()
        (Path(folder) / "data/cache").symlink_to(cache, target_is_directory=True)
        options = {"strategy": strategy, "dim": dim, "trials": 2, "workers": 2}
        options |= {"seeds": 1, "epochs": 1, "study": "memory", "sampler": "random"}
        words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        most = _watched([*_COMMAND, *text, *words], folder)
    matrices = 2 * 4 * len(corpus) * -(-dim // ROW_FLOATS) * ROW_FLOATS
    return {
        "types": len(corpus),
        "matrices_mib": matrices / 2**20,
        "worker_mib": sorted(most.values()),
    }


def _watched(command: list[str], folder: str) -> dict[int, float]:
    """Run a command; return by worker the most MiB of memory that no other process shares."""
    most: dict[int, float] = {}
    with open(Path(folder) / "said", "wb") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
        while process.poll() is None:
            for worker in _workers(process.pid):
                most[worker] = max(most.get(worker, 0.0), _own_mib(worker))
            time.sleep(_POLL_SECONDS)
    if process.returncode:
        raise RuntimeError((Path(folder) / "said").read_text()[-2000:])
    if not most:
        raise RuntimeError("no worker was seen: they are looked for in /proc")
    return most


def _workers(driver: int) -> list[int]:
    """Return the processes that were forked from the driver's server of forks."""
    servers = [child for child in _children(driver) if _FORKED in _command(child)]
    return [worker for server in servers for worker in _children(server)]


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # ended a moment ago
        return []


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _own_mib(pid: int) -> float:
    """Return what a process has written; pages of files it only reads are anybody's."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 1024


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
