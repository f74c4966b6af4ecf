"""What a participant imports, for the process that participants are forked from to import once.

The pages of what it imports are then in memory once, and a participant begins at once. Nothing here
may start a thread: threads do not survive a fork.
"""

import gc
from contextlib import suppress

import gensim.models
import matplotlib.backends.backend_agg
import sklearn.cluster
import sklearn.svm

import debiaslab.study.executors.share
from debiaslab.tracking import import_mlflow

import_mlflow()
with suppress(ImportError):  # where it cannot be imported, the reference engine trains
    import debiaslab.sgns.kernel
gc.collect()
gc.freeze()  # a collection writes to every object it looks at, which would copy all those pages

__all__ = ["debiaslab", "gensim", "matplotlib", "sklearn"]
