"""Vector files: word2vec text and binary, gensim's ``KeyedVectors``, and numpy's ``.npz``."""

from debiaslab.vectors.formats import FORMATS, Format, read, write

__all__ = ["FORMATS", "Format", "read", "write"]
