"""How fast training is on this machine: by batch size and by threads."""

from debiaslab.bench.batch_size import BatchTime, homework_settings, time_batch_sizes
from debiaslab.bench.files import write_batch_sizes, write_threads
from debiaslab.bench.threads import ThreadSpeed, thread_counts, time_threads

__all__ = [
    "BatchTime",
    "ThreadSpeed",
    "homework_settings",
    "thread_counts",
    "time_batch_sizes",
    "time_threads",
    "write_batch_sizes",
    "write_threads",
]
