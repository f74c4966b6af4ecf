"""What a participant needs in memory, for the process that participants are forked from to make.

The pages of what is imported and compiled here are then in memory once, and a participant begins at
once. Nothing here may start a thread: threads do not survive a fork.
"""

import gc

import gensim.models
import jinja2
import matplotlib.axes
import matplotlib.backends.backend_agg
import matplotlib.figure
import sklearn.cluster
import sklearn.svm

import debiaslab.study.executors
from debiaslab.sgns.fast import fast_unavailable
from debiaslab.tracking import import_mlflow

import_mlflow()
# Compiles a kernel, or loads it: most of what numba imports and makes, it imports and makes then.
# Where it cannot, the reference engine trains.
fast_unavailable()
gc.collect()
gc.freeze()  # a collection writes to every object it looks at, which would copy all those pages

__all__ = ["debiaslab", "gensim", "jinja2", "matplotlib", "sklearn"]
