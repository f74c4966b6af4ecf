"""A table of the answers to *man : X :: woman : ?*, in one set of vectors."""

from __future__ import annotations

from debiaslab.errors import UserError
from debiaslab.metrics.bias_analogies import Method, bias_analogies
from debiaslab.report.word_columns import beside, shown, side
from debiaslab.vectors.embeddings import Embeddings

_METHODS: dict[Method, str] = {"cosadd": "3CosAdd", "cosmul": "3CosMul"}


def analogy_table(
    embeddings: Embeddings, word: str, pair: tuple[str, str], n: int = 10, label: str = "vectors"
) -> str:
    """Return the answers to ``pair[0] : word :: pair[1] : ?`` in four columns.

    By 3CosAdd and by 3CosMul, each without the three words of the question among the answers, and
    with them (marked *).

    Raises:
        UserError: A word is unknown (with the nearest known word), or the question has no answer;
            ``label`` is what the vectors are called there.
    """
    asked = [_known(embeddings, each, label) for each in (*pair, word)]
    sides = []
    for method, name in _METHODS.items():
        found = bias_analogies(
            embeddings, [asked[2]], pair=(asked[0], asked[1]), method=method, n=n
        )
        if found.reason is not None:
            raise UserError(f"{label}: {found.reason}")
        (answer,) = found.answers
        sides.append(side(name, answer.restricted, score="score"))
        sides.append(side(f"{name}, any word", answer.unrestricted, asked, "score"))
    title = f"{shown(pair[0])} : {shown(word)} :: {shown(pair[1])} : ?"
    foot = [
        f"* a word of the question; answers are among the first {found.candidates:,} words",
        "score: of 3CosAdd a cosine, of 3CosMul a product of cosines; they do not compare",
    ]
    return "\n".join([title, *beside(sides), *foot])


def _known(embeddings: Embeddings, word: str, label: str) -> str:
    known = embeddings.lookup(word) or word
    try:
        _ = embeddings[known]
    except UserError as error:
        raise UserError(f"{label}: {error}") from error
    return known
