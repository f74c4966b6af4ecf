"""Vector files: word2vec text and binary, gensim's ``KeyedVectors``, and numpy's ``.npz``."""

from debiaslab.vectors.formats import FORMATS, Format, check_writable, read, write

__all__ = ["FORMATS", "Format", "check_writable", "read", "write"]
