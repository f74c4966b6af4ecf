"""What the C library keeps of freed memory."""

import os
import platform
import subprocess
import sys

import pytest

from debiaslab.system.memory import blocks_kept_whole

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator")

# Tensors of one size, of which five are alive at most, between small ones that stay.
PENALTY_STEPS = """
import resource, torch
torch.set_num_threads(1)
n, d = 4096, 100
few, stay = [torch.ones(n, d)], []
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for turn in range(300):
    few.append(torch.ones(n, d))
    stay += [torch.ones(1 + turn % 7) for _ in range(20)]
    if len(few) == 5:
        few = few[turn % 3 :][:2]
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / (4 * n * d))
"""


def copies() -> float:
    done = subprocess.run(
        [sys.executable, "-c", PENALTY_STEPS], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


@glibc
def test_tensors_of_one_size_are_put_where_others_were() -> None:
    with blocks_kept_whole():
        assert copies() < 10  # of which 5 are in use; glibc 2.36 as it comes takes 270


def test_the_environment_is_as_before_and_what_the_user_set_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "GLIBC_TUNABLES"
    monkeypatch.delenv(name, raising=False)
    with blocks_kept_whole():
        assert "glibc.malloc.tcache_count=0" in os.environ[name].split(":")
    assert name not in os.environ
    monkeypatch.setenv(name, "glibc.malloc.tcache_count=3")
    with blocks_kept_whole():
        assert os.environ[name].endswith(":glibc.malloc.tcache_count=3")  # the last one counts
    assert os.environ[name] == "glibc.malloc.tcache_count=3"


@glibc
def test_free_memory_is_given_back() -> None:
    code = """
from debiaslab.system.memory import give_back
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
kept = [bytes(4000) for _ in range(20_000)]
last = kept[-1]
del kept
before = resident()
give_back()
print(before - resident())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 50e6
