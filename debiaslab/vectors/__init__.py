"""Words with vectors, and every file they come in: word2vec, GloVe, fastText, gensim, numpy."""

from debiaslab.vectors.embeddings import FORMATS, Embeddings, Format, check_writable
from debiaslab.vectors.table import BadWords
from debiaslab.vectors.words import read_frequencies

read = Embeddings.load
write = Embeddings.save

__all__ = [
    "FORMATS",
    "BadWords",
    "Embeddings",
    "Format",
    "check_writable",
    "read",
    "read_frequencies",
    "write",
]
