"""Hard debiasing: neutral words lose the gender direction, pairs become symmetric around it."""

from __future__ import annotations

from dataclasses import dataclass

from debiaslab.regularizers.neutralize import NeutralizeAndEqualize
from debiaslab.regularizers.postprocess import DebiasWords, Eraser, PostProcess
from debiaslab.regularizers.registry import register
from debiaslab.regularizers.subspace import WordSet, bias_subspace, check_components, check_known
from debiaslab.vectors.embeddings import Embeddings


@register("hard")
@dataclass(frozen=True)
class HardDebias(PostProcess):
    """Hard debias: neutralise the covered words, equalise the gender pairs.

    The subspace is that of the pairs' first ``components`` principal components (the paper: 1), and
    the pairs are the equalise sets too. Cosines are those of the paper, which normalises all
    vectors: here neutral words keep their lengths and a pair gets its mean length. Only covered
    words and the words of the pairs change.
    """

    components: int = 1

    citation = (
        "Bolukbasi et al. 2016, Man is to Computer Programmer as Woman is to Homemaker? (NeurIPS), "
        "section 6, steps 1 and 2a"
    )

    def check_size(self, pairs: int, dim: int) -> None:
        """Refuse more components than the pairs can span."""
        check_components(self.components, pairs, pairs, dim)

    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Find the gender subspace; nothing is drawn."""
        check_known(embeddings, words.neutral)
        B = bias_subspace(embeddings, words.pairs, self.components)
        return NeutralizeAndEqualize(B, without(words.neutral, words.pairs), words.pairs)


def without(neutral: tuple[str, ...], sets: tuple[WordSet, ...]) -> tuple[str, ...]:
    """Return the neutral words that are in no set: those mean what is to be removed."""
    defining = {word for each in sets for word in each}
    return tuple(word for word in neutral if word not in defining)
