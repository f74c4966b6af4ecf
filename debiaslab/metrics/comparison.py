"""Scorecards side by side: ranks, which metrics agree, warnings, corrected p, pairs over seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.lexicons import Half
from debiaslab.metrics.registry import Better, direction_of
from debiaslab.metrics.scorecard import Record, Scorecard
from debiaslab.metrics.vocabulary import shortlist
from debiaslab.metrics.weat import is_scale_artefact
from debiaslab.statistics.bootstrap import RESAMPLES
from debiaslab.statistics.paired import FEW_SEEDS, Paired, benjamini_hochberg, holm, paired
from debiaslab.tables import Column, Table

MIN_FILES = 3
"""With two files every rank correlation is 1 or −1: it says nothing."""

Numbers = tuple[float | None, ...]


@dataclass(frozen=True)
class ComparedMetric:
    """One metric over ``n`` files.

    Attributes:
        metric, name, words: As in the records.
        key: Which number is compared: ``value``, or an extra such as ``statistic``.
        better: What is better; None when neither is, and nothing is ranked.
        values: One number a file; None where it was not measured.
        ranks: 1 for the best; equal files share the better rank; None without a value, or when the
            file has collapsed.
    """

    metric: str
    name: str
    words: Half
    key: str
    better: Better | None
    values: Numbers
    ranks: Numbers

    @property
    def label(self) -> str:
        """The metric in one phrase."""
        return f"{self.metric} {self.name} {self.words}"


@dataclass(frozen=True)
class RankCorrelations:
    """Result of :func:`rank_correlations`: Kendall's τ-b between ``m`` metrics.

    Attributes:
        labels: What each row and column is.
        taus: ``m`` rows of ``m`` numbers in [−1, 1]; None where fewer than three files have both,
            or one of the metrics ranks them all alike.
        reason: Why there is nothing; None when there is.
    """

    labels: tuple[str, ...] = ()
    taus: tuple[Numbers, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class ScorecardComparison:
    """Result of :func:`compare`.

    Attributes:
        vectors: The names of the files.
        rows: One metric, name and half each.
        collapsed: The numbers of the files that have collapsed, which are not ranked.
    """

    vectors: tuple[str, ...]
    rows: tuple[ComparedMetric, ...]
    collapsed: tuple[int, ...] = ()

    def half(self, half: Half) -> ScorecardComparison:
        """Return the rows of one half, and those that know no halves."""
        halved = {(row.metric, row.name) for row in self.rows if row.words == half}
        return ScorecardComparison(
            self.vectors,
            tuple(
                row
                for row in self.rows
                if row.words == half
                or (row.words == "all" and (row.metric, row.name) not in halved)
            ),
            self.collapsed,
        )


def compare(cards: Sequence[Scorecard]) -> ScorecardComparison:
    """Put two scorecards or more side by side.

    Vectors that have collapsed show no bias either: their numbers are there, and are not ranked.

    Returns:
        Every metric, name and half that any of them has, in the order of the first that has it.

    Raises:
        UserError: There are fewer than two.
    """
    if len(cards) < 2:
        raise UserError("one scorecard has nothing to be compared with", allowed="two or more")
    keys = dict.fromkeys((r.metric, r.name, r.words) for card in cards for r in card.records)
    return ScorecardComparison(
        tuple(card.vectors for card in cards),
        tuple(_compared(cards, *key) for key in keys),
        tuple(i for i, card in enumerate(cards) if card.collapsed),
    )


def rank_correlations(comparison: ScorecardComparison) -> RankCorrelations:
    """Return Kendall's τ-b between the rankings of the files by each ranked row.

    Positive where two metrics prefer the same files, whichever way their numbers point.
    """
    ranked = [row for row in comparison.rows if row.better is not None]
    return _correlated(comparison, [row.label for row in ranked], [row.ranks for row in ranked])


def metric_correlations(comparison: ScorecardComparison) -> RankCorrelations:
    """Return Kendall's τ-b between metrics, each by a file's mean rank over the metric's rows.

    Rows in which a file has no value are left out of its metric's mean, for every file; files that
    have collapsed are left out of all.
    """
    ranks: dict[str, list[Numbers]] = {}
    for row in comparison.rows:
        known = [rank for i, rank in enumerate(row.ranks) if i not in comparison.collapsed]
        if row.better is not None and None not in known:
            ranks.setdefault(row.metric, []).append(row.ranks)
    means = [np.array(rows, dtype=np.float64).mean(axis=0).tolist() for rows in ranks.values()]
    return _correlated(comparison, list(ranks), means)


def _compared(cards: Sequence[Scorecard], metric: str, name: str, words: Half) -> ComparedMetric:
    records = [card.record(metric, name, words) for card in cards]
    direction = next(direction_of(record) for record in records if record is not None)
    values = tuple(None if record is None else direction.number(record) for record in records)
    badness = [
        None
        if record is None or value is None or card.collapsed
        else direction.badness(value, record)
        for card, record, value in zip(cards, records, values, strict=True)
    ]
    return ComparedMetric(
        metric, name, words, direction.key, direction.better, values, _ranks(badness)
    )


def _ranks(badness: Sequence[float | None]) -> Numbers:
    known = [each for each in badness if each is not None]
    return tuple(
        None if each is None else 1.0 + sum(other < each for other in known) for each in badness
    )


def _correlated(
    comparison: ScorecardComparison, labels: Sequence[str], ranks: Sequence[Numbers]
) -> RankCorrelations:
    given, lost = len(comparison.vectors), len(comparison.collapsed)
    if given - lost < MIN_FILES:
        said = f"a rank correlation needs {MIN_FILES} files or more, {given} were given"
        return RankCorrelations(reason=said + (f", of which {lost} collapsed" if lost else ""))
    if not ranks:
        return RankCorrelations(reason="no metric was measured in every file")
    taus = _kendall(np.array(ranks, dtype=np.float64))
    return RankCorrelations(
        tuple(labels),
        tuple(tuple(None if np.isnan(tau) else float(tau) for tau in row) for row in taus),
    )


def _kendall(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return τ-b between the rows of ``ranks``, shape ``(m, files)``; NaN is a missing value.

    Kendall 1945: concordant less discordant pairs of files over the geometric mean of the pairs
    that each row does not tie, all over the files that both rows have.
    """
    first, second = np.triu_indices(ranks.shape[1], k=1)
    differences = ranks[:, first] - ranks[:, second]
    known = ~np.isnan(differences)
    signs = np.where(known, np.sign(differences), 0.0)
    untied = np.abs(signs) @ known.T.astype(np.float64)
    scale = np.sqrt(untied * untied.T)
    here = (~np.isnan(ranks)).astype(np.float64)
    usable = (scale > 0) & (here @ here.T >= MIN_FILES)
    taus = np.full(scale.shape, np.nan)
    np.divide(signs @ signs.T, scale, out=taus, where=usable)
    return taus


# Warnings -----------------------------------------------------------------------------------------

LOW_COVERAGE = 0.8
"""A share of words or pairs with vectors under this is warned about."""

LARGE_TURN = 45.0
"""Degrees by which leaving out one pair may turn the gender direction without a warning."""

_FELL = 0.5  # the statistic fell at least to this share of the baseline's …
_STAYED = 0.8  # … while d kept at least this share of its size


def warnings_of(
    card: Scorecard, baseline: Scorecard | None = None, *, seeds: int | None = None
) -> tuple[str, ...]:
    """Return warnings about a scorecard, the gravest first; none when nothing looks wrong.

    Collapse; few seeds; tests whose baseline is at its null already, so that a reduction means
    nothing; a large effect size ``d`` beside a statistic ``s`` within the random-word null,
    or one that stayed while ``s`` fell; a gender direction that is noise, or depends on one pair;
    low coverage.
    One sentence a kind, naming the records.

    Args:
        baseline: The scorecard of the vectors it is compared with, if any.
        seeds: How many seeds the numbers rest on, if they are to be compared.
    """
    found: list[str] = [*card.warnings]
    kinds = {
        "d is large while s does not exceed the random-word null here: read s": _large_d(card),
        "the differences of the gender pairs agree no more than those of random pairs, so their "
        "direction is noise: read raw direct bias": _pairs_too_near(card, baseline),
        "the gender direction depends on one pair: dropping it rotates the direction by over "
        f"{LARGE_TURN:.0f}° (run `reliability` for the effect on the number)": _one_pair(card),
        "words or pairs are missing from the vectors": _low_coverage(card),
    }
    if baseline is not None:
        found += [f"in the baseline: {warning}" for warning in baseline.warnings]
        at_null = (record.label for record in baseline.records if _is_at_null(record))
        kinds = {
            "in the baseline these tests do not exceed the random-word null, so a reduction means "
            "nothing": at_null,
            "d stayed while s fell: d is scale-free, read s": _scale_free(card, baseline),
            **kinds,
        }
    if seeds is not None and seeds < FEW_SEEDS:
        found.append(
            f"the numbers rest on {seeds} seed{'s' * (seeds != 1)}: fewer than {FEW_SEEDS} cannot "
            "tell a difference from chance"
        )
    named = {problem: tuple(records) for problem, records in kinds.items()}
    return (*found, *(f"{each}: {shortlist(names)}" for each, names in named.items() if names))


def _large_d(card: Scorecard) -> Iterator[str]:
    for record in card.records:
        d, s, null = record.value, record.number("statistic"), record.extra.get("null95")
        if record.metric == "weat" and is_scale_artefact(d, s, null):
            yield f"{record.label} (d {d:.2f}, s {s:.4f}, random words {null:.4f})"


def _one_pair(card: Scorecard) -> Iterator[str]:
    for record in card.records:
        turn = record.extra.get("turn_degrees")
        if turn is not None and turn > LARGE_TURN:
            distance = record.extra["pair_distance"]
            yield (
                f"{record.label} ({record.extra['turn_pair']}, {turn:.0f}°; the words of a pair "
                f"are {distance:.2f} apart)"
            )


def _pairs_too_near(card: Scorecard, baseline: Scorecard | None) -> Iterator[str]:
    for record in card.records:
        agreement, random = (
            record.extra.get(name) for name in ("pair_agreement", "random_pair_agreement")
        )
        if agreement is None or random is None or agreement > random:
            continue
        before = baseline and baseline.record(record.metric, record.name, record.words)
        cosine = before.extra.get("pair_cosine") if before else None
        cosines = {"the baseline": cosine, "random pairs": record.extra["random_pair_cosine"]}
        told = [f"{of} {each:.2f}" for of, each in cosines.items() if each is not None]
        yield (
            f"{record.label} (mean cosine of a pair {record.extra['pair_cosine']:.2f}, of "
            f"{', of '.join(told)}; agreement {agreement:.2f}, of random pairs up to {random:.2f})"
        )


def _scale_free(card: Scorecard, baseline: Scorecard) -> Iterator[str]:
    for record in card.records:
        before = baseline.record(record.metric, record.name, record.words)
        if record.metric != "weat" or before is None or _is_at_null(before):
            continue
        numbers = [each.number(key) for each in (record, before) for key in ("value", "statistic")]
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers):
            continue
        d, s, d0, s0 = known
        if abs(s) <= _FELL * abs(s0) and abs(d) >= _STAYED * abs(d0):
            yield f"{record.label} (d {d0:.2f} → {d:.2f}, s {s0:.4f} → {s:.4f})"


def _low_coverage(card: Scorecard) -> Iterator[str]:
    for record in card.records:
        coverage = _coverage(record)
        if record.words == "all" and coverage is not None and coverage < LOW_COVERAGE:
            yield f"{record.label} ({coverage:.0%} found)"


def _coverage(record: Record) -> float | None:
    """Return the share that has a vector; None when the record counts nothing that can be lost."""
    stated = record.extra.get("coverage")
    if stated is not None:
        return float(stated)
    known = sum(record.extra.get("sizes", (record.n,)))
    return known / (known + len(record.missing)) if known + len(record.missing) else None


def _is_at_null(record: Record) -> bool:
    """Whether the record has a yardstick and is no worse than what random words show.

    WEAT states the 95 % quantile of ``|s|``; other metrics the band of random words
    (``null_low``, ``null_high``), of which the worse end counts.
    """
    null95, s = record.extra.get("null95"), record.number("statistic")
    if record.metric == "lipstick":  # of any two words, so a reduction along he/she means something
        return False
    if record.metric == "weat":
        return null95 is not None and s is not None and abs(s) <= null95
    low, high = record.extra.get("null_low"), record.extra.get("null_high")
    direction = direction_of(record)
    if record.value is None or low is None or high is None or direction.better is None:
        return False
    value, *ends = (
        direction.badness(number, record) or 0.0 for number in (record.value, low, high)
    )
    return value <= max(ends)


# Corrected p-values, and the same records over seeds ----------------------------------------------

Sided = Literal["two", "one"]


@dataclass(frozen=True)
class CorrectedP:
    """The p-value of one record, and what it is worth among its family.

    Attributes:
        metric, name, words: As in the records; one half is one family.
        p: The record's own p-value.
        holm: Adjusted for the family-wise error rate (Holm 1979): under 0.05 means that with
            95 % certainty not one of the family's findings so marked is false.
        benjamini_hochberg: Adjusted for the false discovery rate (Benjamini & Hochberg 1995):
            of the findings under 0.05, about 5 % are expected to be false.
        family: Number of p-values corrected together.
    """

    metric: str
    name: str
    words: Half
    p: float
    holm: float
    benjamini_hochberg: float
    family: int


def corrected(card: Scorecard, *, sided: Sided = "two") -> tuple[CorrectedP, ...]:
    """Return the corrected p-value of every record that has one, in the scorecard's order.

    The p is the permutation p of the record: two-sided where the record has one
    (``p_two_sided``), because a scorecard looks for bias either way; ``sided="one"`` takes the
    one-sided ``p``, for who has stated the direction beforehand. The family is every p of one
    half: all, tune and report words are three looks at overlapping words, and a reader quotes
    one of them.

    Raises:
        UserError: ``sided`` is neither two nor one.
    """
    if sided not in ("two", "one"):
        raise UserError(f"sided was {sided!r}", allowed="two, one")
    tested = [(record, p) for record in card.records if (p := _p(record, sided)) is not None]
    found: dict[int, CorrectedP] = {}
    for half in dict.fromkeys(record.words for record, _ in tested):
        places = [i for i, (record, _) in enumerate(tested) if record.words == half]
        raw = [tested[i][1] for i in places]
        by_holm, by_bh = holm(raw).tolist(), benjamini_hochberg(raw).tolist()
        for i, p, holms, bhs in zip(places, raw, by_holm, by_bh, strict=True):
            record = tested[i][0]
            found[i] = CorrectedP(record.metric, record.name, half, p, holms, bhs, len(raw))
    return tuple(found[i] for i in range(len(tested)))


def _p(record: Record, sided: Sided) -> float | None:
    two_sided = record.extra.get("p_two_sided")
    return record.p if sided == "one" or two_sided is None else float(two_sided)


@dataclass(frozen=True)
class PairedRecord:
    """One record of the scorecards, compared.

    Attributes:
        metric, name, words: As in the records.
        what: The number that was compared, such as ``|statistic|`` or ``value``.
        better: Which way it improves.
        result: The comparison; None when a scorecard has no value.
        reason: Why there is no result.
    """

    metric: str
    name: str
    words: Half
    what: str
    better: Literal["lower", "higher"]
    result: Paired | None
    reason: str | None = None


def paired_scorecards(
    first: Sequence[Scorecard],
    second: Sequence[Scorecard],
    *,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> tuple[PairedRecord, ...]:
    """Compare two lists of scorecards, one for each seed, the same seeds in the same order.

    Each metric is compared by the number and in the direction that comparisons of files use
    (``metrics.direction``): a signed bias by its size, so that overshooting to the other side is
    no improvement. Metrics that have no better side are left out, as are records that the first
    scorecard of ``first`` does not have.

    Raises:
        UserError: The lists are empty or of different lengths.
    """
    if len(first) != len(second) or not first:
        raise UserError(
            f"{len(first)} scorecards were to be paired with {len(second)}",
            allowed="one scorecard for each seed in both, at least one seed",
        )
    return tuple(
        _paired(record, first, second, bootstrap, seed)
        for record in first[0].records
        if direction_of(record).better is not None
    )


def _paired(
    like: Record, first: Sequence[Scorecard], second: Sequence[Scorecard], bootstrap: int, seed: int
) -> PairedRecord:
    what, better = _what(like)
    numbers = [_number(card, like) for card in (*first, *second)]
    known = [number for number in numbers if number is not None]
    result, reason = None, None
    if len(known) < len(numbers):
        reason = f"not measured in {len(numbers) - len(known)} of {len(numbers)} scorecards"
    else:
        x, y = known[: len(first)], known[len(first) :]
        result = paired(x, y, better=better, bootstrap=bootstrap, seed=seed)
    return PairedRecord(like.metric, like.name, like.words, what, better, result, reason)


def _what(record: Record) -> tuple[str, Literal["lower", "higher"]]:
    direction = direction_of(record)
    if direction.better == "near 0":
        return f"|{direction.key}|", "lower"
    if direction.better == "near null":
        return f"|{direction.key} − random words|", "lower"
    return direction.key, "higher" if direction.better == "higher" else "lower"


def _number(card: Scorecard, like: Record) -> float | None:
    record = card.record(like.metric, like.name, like.words)
    number = None if record is None else direction_of(record).number(record)
    if record is None or number is None or direction_of(record).better in ("higher", "lower"):
        return number
    return direction_of(record).badness(number, record)


# As CSV -----------------------------------------------------------------------------------------


def scorecards_csv(cards: Sequence[Scorecard]) -> str:
    """Return CSV text: a header, then one row a record, the file or run in the column ``vectors``.

    The columns are those of the JSON in its order, and after them every extra value that any record
    has. An empty cell is no value; a list of words is joined by ``;``, another list is JSON.
    """
    rows = [
        {"vectors": card.vectors, **record.to_dict()} for card in cards for record in card.records
    ]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[row.get(column) for column in columns] for row in rows]
    return Table(tuple(map(Column, columns)), cells).csv()


def comparison_csv(comparison: ScorecardComparison) -> str:
    """Return one row a metric: what is compared, what is better, then value and rank by file.

    An empty cell is a value that was not measured.
    """
    head = (
        *("metric", "name", "words", "compared", "better"),
        *(f"value {each}" for each in comparison.vectors),
        *(f"rank {each}" for each in comparison.vectors),
    )
    rows = [
        (
            *(row.metric, row.name, row.words, row.key, row.better or "not ranked"),
            *row.values,
            *(None if rank is None else f"{rank:.0f}" for rank in row.ranks),
        )
        for row in comparison.rows
    ]
    return Table(tuple(map(Column, head)), rows).csv()


def correlations_csv(correlations: RankCorrelations) -> str:
    """Return the square matrix with a header and the labels in the first column."""
    found = zip(correlations.labels, correlations.taus, strict=True)
    columns = tuple(map(Column, ("Kendall tau-b", *correlations.labels)))
    return Table(columns, [(label, *taus) for label, taus in found]).csv()
