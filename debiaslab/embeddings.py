"""Where ``Embeddings`` was until version 0.1; import it from ``debiaslab``."""

from debiaslab.vectors.embeddings import Embeddings

__all__ = ["Embeddings"]
