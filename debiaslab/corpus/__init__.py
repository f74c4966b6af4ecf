"""Text to ids: reading, tokens, multi-word expressions, vocabulary and the cached id stream."""

from debiaslab.corpus.corpus import Corpus
from debiaslab.corpus.encoding import Mapper, in_turn
from debiaslab.corpus.learning import learn_phrases, write_phrases
from debiaslab.corpus.stream import keep_probability, noise_distribution
from debiaslab.settings.training import CorpusSettings

__all__ = [
    "Corpus",
    "CorpusSettings",
    "Mapper",
    "in_turn",
    "keep_probability",
    "learn_phrases",
    "noise_distribution",
    "write_phrases",
]
