"""Hard debiasing for attributes of two classes or more, such as religion."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.regularizers.hard import without
from debiaslab.regularizers.neutralize import NeutralizeAndEqualize
from debiaslab.regularizers.postprocess import DebiasWords, Eraser, PostProcess
from debiaslab.regularizers.registry import register
from debiaslab.regularizers.subspace import (
    WordSet,
    bias_subspace,
    check_components,
    check_known,
)
from debiaslab.vectors.embeddings import Embeddings, written_in

_GENDER = ""


@register("multiclass-hard")
@dataclass(frozen=True)
class MulticlassHardDebias(PostProcess):
    """Multi-class hard debias: a subspace of definitional sets, neutralised and equalised.

    Without an ``attribute`` the classes are the two of the gender pairs. With one (``religion``,
    ``race``) they are its classes and the sets its definitional sets: the tune half, or all of
    them where no whole set is in the tune half. Words of the attribute are not neutralised.
    ``components`` 0 means one less than there are classes. Sets that share a word are equalised in
    turn, so that an earlier one may end up slightly unequal. Lengths as in ``hard``.
    """

    attribute: str = _GENDER
    components: int = 0

    citation = (
        "Manzini et al. 2019, Black is to Criminal as Caucasian is to Police (NAACL), section 3"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.attribute != _GENDER:
            lexicons.attribute(self.attribute)  # an unknown one is refused before any training

    def check_size(self, pairs: int, dim: int) -> None:
        """Refuse more components than the gender pairs can span."""
        if self.attribute == _GENDER:
            check_components(self._size(()), pairs, pairs, dim)

    def check_words(self, words: DebiasWords, vocabulary: frozenset[str]) -> None:
        """Refuse an attribute of which the vocabulary has no set, or sets that span too little."""
        if self.attribute != _GENDER:
            sets = _definitional_sets(self.attribute, vocabulary)
            spanned = sum(len(each) - 1 for each in sets)
            check_components(self._size(sets), spanned, len(sets), spanned + 1)

    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Find the subspace of the sets; nothing is drawn."""
        check_known(embeddings, words.neutral)
        sets: tuple[WordSet, ...] = words.pairs
        neutral = words.neutral
        if self.attribute != _GENDER:
            sets = _definitional_sets(self.attribute, embeddings)
            meant = _words_of(self.attribute)
            neutral = tuple(word for word in neutral if word.lower() not in meant)
        B = bias_subspace(embeddings, sets, self._size(sets))
        return NeutralizeAndEqualize(B, without(neutral, sets), sets)

    def _size(self, sets: Sequence[WordSet]) -> int:
        """Return the dimensions of the subspace: of pairs 1, unless ``components`` says other."""
        return self.components or max((len(each) for each in sets), default=2) - 1


def _definitional_sets(name: str, vocabulary: Container[str]) -> tuple[WordSet, ...]:
    """Return the sets of an attribute that a vocabulary holds, as it writes them."""
    attribute = lexicons.attribute(name)
    published = attribute.half("tune").definitional_sets or attribute.definitional_sets
    written = [[written_in(vocabulary, word) for word in each] for each in published]
    sets = tuple(
        tuple(word for word in each if word is not None) for each in written if None not in each
    )
    if not sets:
        raise UserError(
            f"of the attribute {name!r}, {len(published)} definitional sets are listed and none "
            "is in the vectors",
            allowed="an attribute with at least one set of words in the vectors",
            next_step="python -m debiaslab lexicon",
        )
    return sets


def _words_of(name: str) -> frozenset[str]:
    """Return every word that means a class of an attribute, both halves, in lower case."""
    attribute = lexicons.attribute(name)
    listed = (words for lexicon in attribute.classes.values() for words in lexicon.half("all"))
    in_sets = (word for each in attribute.definitional_sets for word in each)
    in_targets = (word for each in attribute.targets for word in each)
    return frozenset(word.lower() for word in (*listed, *in_sets, *in_targets))
