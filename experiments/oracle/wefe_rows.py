"""debiaslab against WEFE 1.0.1 on WEFE's own test vectors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from debiaslab.metrics import ect, mac, ripa, rnd, weat
from debiaslab.metrics.rnsb import rnsb
from debiaslab.vectors.embeddings import Embeddings
from experiments.oracle.compare import TOLERANCE, Compared, Fault, of_draws, of_splits
from experiments.oracle.hard_debias import hard_debias_rows
from experiments.oracle.queries import ABSENT, DRAWS, SPLITS, Queries

Answers = dict[str, Any]

DDOF = "population standard deviation (ddof 0), where the published numbers need ddof 1"
SUMS = "difference of sums, which grows with the lists; the paper's test is the same with means"
REPLACEMENT = "draws with replacement: no re-partitions of the words; ties do not count"
SIGNED = "compares sizes with the signed statistic; and draws with replacement; ties do not count"
LENGTHS = "takes raw vectors, so that long ones count more; ours makes them of unit length first"
COSINE = "subtracts cosine similarities and calls them distances: the sign is turned"
INTERCEPT = "its solver (liblinear) also shrinks the intercept"
STALE = (
    "`normalize` divides by lengths that gensim kept from before the update: pairs that were "
    "neutralised and then equalised (She, Mother) end up longer than 1; their direction is right"
)
MISALIGNED = "a missing word moves all later ones up: pairs are no longer the pairs that were given"

row = partial(Compared, "WEFE")


def wefe_rows(embeddings: Embeddings, queries: Queries, values: Answers) -> Iterator[Compared]:
    """Yield every comparison; ``values`` is what WEFE's worker measured."""
    yield from _weat(embeddings, queries, values)
    yield from _p_values(embeddings, queries, values)
    yield from _distances(embeddings, queries, values)
    yield from _ripa(embeddings, queries, values)
    yield from _rnsb(embeddings, queries, values)
    saved = (Path(values[key]) for key in ("hard", "hard/mended"))
    yield from hard_debias_rows("WEFE", embeddings, queries, *saved, reason=STALE)


def _weat(embeddings: Embeddings, queries: Queries, values: Answers) -> Iterator[Compared]:
    for name, sets in queries.weat_of(embeddings).items():
        sample, population = (
            weat(embeddings, **sets, ddof=ddof, permutations=0, bootstrap=0) for ddof in (1, 0)
        )
        theirs, size = partial(values.get, f"weat/{name}/d"), sample.effect_size
        yield row(
            "WEAT d", name, size, theirs(), reason=DDOF, mended=values[f"weat/{name}/d/ddof1"]
        )
        yield row("WEAT d", f"{name}, ddof 0", population.effect_size, theirs())
        yield row(
            "WEAT s", name, sample.statistic, values[f"weat/{name}/sum"],
            reason=SUMS, mended=values[f"weat/{name}/mean"],
        )  # fmt: skip


def _p_values(embeddings: Embeddings, queries: Queries, values: Answers) -> Iterator[Compared]:
    tests = {**queries.weat_of(embeddings), "small": queries.small()}
    for name in ("6", "7", "8", "small"):
        sets = tests[name]
        label = "4 career/4 family words × terms" if name == "small" else name
        label = f"{label}, {DRAWS:,} draws"
        ours = weat(embeddings, **sets, bootstrap=0)
        assert ours.p is not None
        assert ours.p_two_sided is not None
        yield row(
            "WEAT p", label, ours.p, values[f"p/{name}"], of_draws(ours.p, DRAWS),
            reason=REPLACEMENT, mended=values[f"p/{name}/permuted"],
        )  # fmt: skip
        yield row(
            "WEAT p, two-sided", f"{label}, X and Y exchanged", ours.p_two_sided,
            values[f"p2/{name}"], of_draws(ours.p_two_sided, DRAWS),
            reason=SIGNED, mended=values[f"p2/{name}/permuted"],
        )  # fmt: skip


def _distances(embeddings: Embeddings, queries: Queries, values: Answers) -> Iterator[Compared]:
    groups = {"female": queries.female, "male": queries.male}
    for topic, words in (("career", queries.career), ("family", queries.family)):
        label, key = f"female/male terms × {topic}", f"rnd/{topic}"
        measure = partial(rnd, embeddings, words, groups, bootstrap=0)
        yield row(
            "RND, norm", label, measure().value, values[f"{key}/norm/raw"],
            reason=LENGTHS, mended=values[f"{key}/norm/unit"],
        )  # fmt: skip
        yield row(
            "RND, norm", f"{label}, raw", measure(unit=False).value, values[f"{key}/norm/raw"]
        )
        yield row(
            "RND, cosine", f"{label}, unit vectors", measure(distance="cosine").value,
            values[f"{key}/cos/unit"], reason=COSINE, mended=values[f"{key}/cos/distance"],
        )  # fmt: skip
        yield row(
            "ECT", label, ect(embeddings, words, groups, bootstrap=0).value,
            values[f"ect/{topic}/raw"], reason=LENGTHS, mended=values[f"ect/{topic}/unit"],
        )  # fmt: skip
    topics = {"family": queries.family, "career": queries.career}
    ours = mac(embeddings, groups, topics, bootstrap=0).value
    yield row("MAC", "female/male terms × family/career", ours, values["mac"])


def _ripa(embeddings: Embeddings, queries: Queries, values: Answers) -> Iterator[Compared]:
    pairs = list(zip(queries.female, queries.male, strict=True))
    measure = partial(ripa, embeddings, queries.family, relation="mean", bootstrap=0)
    label = "8 pairs × family, mean over pairs"
    yield row("RIPA", label, measure(pairs).signed, values["ripa"])
    broken = [pairs[0], (ABSENT, "king"), *pairs[1:]]
    yield row(
        "RIPA", f"{label}, one word of a 9th pair missing", measure(broken).signed,
        values["ripa/missing"], reason=MISALIGNED, mended=values["ripa"],
    )  # fmt: skip


def _rnsb(embeddings: Embeddings, queries: Queries, values: Answers) -> Iterator[Compared]:
    measure = partial(
        rnsb, embeddings, [queries.female, queries.male], queries.family, queries.career
    )
    label = "female/male terms × family/career"
    theirs, mended = (values[f"rnsb/whole/{solver}"] for solver in ("liblinear", "lbfgs"))
    yield row(
        "RNSB", f"{label}, no holdout", measure(holdout=0).value, theirs, TOLERANCE,
        reason=INTERCEPT, mended=mended,
    )  # fmt: skip
    split = measure(repeats=SPLITS)
    low, high = split.interval
    assert low is not None
    assert high is not None
    yield row(
        "RNSB", f"{label}, mean of {SPLITS} splits, their solver lbfgs", split.value,
        values["rnsb/splits/lbfgs"], of_splits((low, high), SPLITS),
    )  # fmt: skip


def wefe_faults(embeddings: Embeddings, queries: Queries, facts: Answers) -> Iterator[Fault]:
    """Yield the faults that no single number shows."""
    sets = queries.weat["7"]
    exact = weat(embeddings, **sets, bootstrap=0)
    yield Fault(
        "WEFE", "`exact` is offered and not implemented", 'WEAT 7, `p_value_method="exact"`',
        facts["exact"], f"p = {exact.p:.5f}, {exact.method}, {exact.permutations:,} partitions",
        facts["exact"] == "NotImplementedError",
    )  # fmt: skip
    share = facts["draws with a word twice"]
    yield Fault(
        "WEFE", "“permutations” are drawn with replacement", "WEAT 7: draws that hold a word twice",
        f"{share:.1%} of 1,000", "none", share > 0,
    )  # fmt: skip
    first, second = facts["asked twice"]
    again = weat(embeddings, **sets, bootstrap=0)
    yield Fault(
        "WEFE", "no seed", "p of WEAT 7, 1,000 draws, asked twice",
        f"{first:.4f}, {second:.4f}", f"{exact.p:.4f}, {again.p:.4f}",
        first != second and exact.p == again.p,
    )  # fmt: skip
    lost = weat(
        embeddings, **{**sets, "X": [f"{ABSENT}-{i}" for i in range(3)] + sets["X"]}, bootstrap=0
    )
    yield Fault(
        "WEFE", "keys vanish when words are lost", "WEAT 7 with 3 absent words in X",
        f"d = {facts['d with 3 of 11 words lost']}; no key {', '.join(facts['keys that vanish'])}",
        f"d = {lost.effect_size:.4f}, and the {len(lost.missing)} words as `missing`",
        bool(facts["keys that vanish"]) and lost.effect_size is not None,
    )  # fmt: skip
    before, after = facts["rnsb defaults"]
    added = set(after) - set(before)
    yield Fault(
        "WEFE", "RNSB changes its own defaults", "default `estimator_params` before and after "
        "a call with `random_state=42`",
        f"afterwards also {', '.join(f'{key} = {after[key]}' for key in sorted(added))}",
        "frozen results, no mutable defaults", bool(added),
    )  # fmt: skip
    first, second = facts["rnsb orders"]
    ours = [
        rnsb(embeddings, [queries.female, queries.male], good, bad).value
        for good, bad in (
            (queries.family, queries.career),
            (queries.family[::-1], queries.career[::-1]),
        )
    ]
    yield Fault(
        "WEFE", "the order of words matters", "RNSB, one seed, attribute lists turned round",
        f"{first:.4f}, {second:.4f}", ", ".join(f"{value:.4f}" for value in ours),
        first != second and ours[0] == ours[1],
    )  # fmt: skip
