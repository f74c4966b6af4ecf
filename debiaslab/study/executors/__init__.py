"""Where the participants of a sweep run.

An executor starts some participants, each of which is told its ``Share`` and does what is left of
the study until nothing is (``work``). It does not deal the work out: the participants settle among
themselves who does what (``claims``), so one that dies takes nothing with it, and more may join, by
this or another command, on this or another machine. Without an executor the sweep's own process is
the only participant.
"""

from debiaslab.study.executors.dask_cluster import DaskCluster
from debiaslab.study.executors.executor import Executor
from debiaslab.study.executors.processes import Processes
from debiaslab.study.executors.share import Share, work

__all__ = ["DaskCluster", "Executor", "Processes", "Share", "work"]
