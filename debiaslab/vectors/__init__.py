"""Vector files: word2vec text and binary, gensim's ``KeyedVectors``, and numpy's ``.npz``."""

from debiaslab.vectors.formats import FORMATS, Format, check_writable, read, write
from debiaslab.vectors.frequency import read_frequencies
from debiaslab.vectors.words import BadWords

__all__ = ["FORMATS", "BadWords", "Format", "check_writable", "read", "read_frequencies", "write"]
