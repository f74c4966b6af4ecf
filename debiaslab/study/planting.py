"""The planted-bias control: texts with known associations, and what every metric makes of them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab import lexicons
from debiaslab.errors import UserError, require_known
from debiaslab.metrics import Scorecard
from debiaslab.metrics.planted import measure_planted, planted_metrics
from debiaslab.metrics.vocabulary import MIN_WORDS, shortlist
from debiaslab.regularizers import BoundStrategy, Coverage, Planted
from debiaslab.regularizers.swapping import Swap
from debiaslab.regularizers.words import gender_terms
from debiaslab.results import Dosed, PlantedStudy
from debiaslab.results.runs import dose_shift, share_at_zero
from debiaslab.settings.study import Base
from debiaslab.sgns import TrainSettings
from debiaslab.study.cell import Cell
from debiaslab.study.driver import (
    Conduct,
    ListedFinding,
    conduct_study,
    open_study_run,
    refuse_other_settings,
)
from debiaslab.study.objective import Objective
from debiaslab.study.plan import check_seeds, name_from
from debiaslab.study.run import flat
from debiaslab.study.worker import CellList
from debiaslab.tracking import RunLog, Store
from debiaslab.tracking.names import PLANTED_CARD, PLANTED_WORDS, PLANTING_TAG
from debiaslab.vectors.words import written_in

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.sgns import TrainResult


@dataclass(frozen=True)
class PlantingPlan:
    """What is planted, how much of it, and how it is trained.

    What dose 0 is depends on ``base``; doses −1 and 1 leave only female, and only male, gender
    words near the chosen words.

    - ``text``: gender words near the chosen words are male as often as in the whole text, so that
      the chosen words are like any other word: no association.
    - ``alike``: so are those near all words that these are compared with, at any dose: at dose 0
      nothing was done to the one that was not done to the other. The price is a text in which far
      more gender words are dealt out by chance, and less gender is left to be learnt.
    - ``balanced``: half of them are male, which in a text about men is a female association.
    - ``corpus``: they are as they were: the association that the text had.

    With ``apart`` every other chosen word gets the opposite dose: for metrics in which an
    association that all words share cancels out.

    Attributes:
        words: The chosen words; none: ``count`` words are chosen from the text, others for each
            seed, so that the intervals over seeds are over words as well.
        doses: From −1 (female) to 1 (male).
        base: What dose 0 is.
        seeds: Of the trainings, of the choice of words, and of which gender words are turned.
        settings: Of the trainings; gender words are turned within their window.
        count: How many words are chosen.
        name: Of the study; None: made from all of this.
        apart: Whether the chosen words are pulled to both sides.

    Raises:
        UserError: One of them cannot be used.
    """

    words: tuple[str, ...] = ()
    doses: tuple[float, ...] = (-1.0, -0.5, 0.0, 0.5, 1.0)
    base: Base = "text"
    seeds: tuple[int, ...] = (1, 2, 3)
    settings: TrainSettings = field(default_factory=TrainSettings)
    count: int = 16
    name: str | None = None
    apart: bool = False

    def __post_init__(self) -> None:
        require_known(self.base, get_args(Base), f"the base was {self.base!r}")
        if len(self.doses) < 2 or len(set(self.doses)) < len(self.doses):
            raise UserError(
                f"the doses were {', '.join(map(str, self.doses)) or 'none'}",
                allowed="two or more different numbers from -1 to 1",
                next_step="--doses -1,-0.5,0,0.5,1",
            )
        for dose in self.doses:
            if not (math.isfinite(dose) and -1 <= dose <= 1):
                raise UserError(f"a dose was {dose!r}", allowed="numbers from -1 to 1")
        check_seeds(self.seeds, self.settings)

    def study_name(self, corpus: Corpus) -> str:
        """Return the given name, or one that differs whenever anything that shapes a run does.

        Doses and seeds do not: more of them continue the same study.
        """
        identity = {
            "corpus": corpus.fingerprint,
            "words": self.words or self.count,
            "base": self.base,
            "settings": self.settings.shared(),
            "metrics": [each.metric for each in planted_metrics(apart=self.apart)],
            "lexicons": lexicons.versions(),
            **({"apart": True} if self.apart else {}),
        }
        kind = "planted-apart" if self.apart else "planted"
        if self.name is not None:
            return self.name
        return name_from(kind, corpus, identity)

    def cell(self, words: PlantedWords, dose: float, seed: int) -> Cell:
        """Return one training, with the words of its seed."""
        settings = replace(self.settings, seed=seed)
        treatment = Dosing(self, words, dose)
        return Cell("none", 0.0, (), "all", settings, Objective(), treatment=treatment)

    def planted(self, words: PlantedWords, dose: float) -> Planted:
        """Return the rewriting of one dose.

        With the base ``alike`` the words that the chosen ones are compared with get dose 0,
        whatever the dose of the chosen ones.
        """
        window = self.settings.window
        base: Literal["corpus", "balanced"] = "corpus" if self.base == "corpus" else "balanced"
        there, back = (self._dose(signed, words.male_share) for signed in (dose, -dose))
        first = words.chosen[::2] if self.apart else words.chosen
        second = words.chosen[1::2] if self.apart else ()
        like = words.pool if self.base == "alike" else ()
        zero = self._dose(0.0, words.male_share)
        return Planted(first, there, base, window, second, back, like, zero)

    def _dose(self, dose: float, male_share: float) -> float:
        """Return a dose as ``Planted`` takes it."""
        if self.base == "corpus":
            return dose
        shift = dose_shift(self.base, dose, male_share)
        return 2 * (share_at_zero(self.base, male_share) + shift) - 1


@dataclass(frozen=True)
class Planting(ListedFinding):
    """What a planted-bias control found."""

    study: PlantedStudy
    findings: tuple[str, ...] = ()


def conduct_planting(corpus: Corpus, plan: PlantingPlan, conduct: Conduct) -> Planting:
    """Train on the text with each dose and seed, and measure the chosen and the control words.

    What finished before is not trained again: the same call continues an interrupted one. A
    training that diverges leaves its cell empty.

    Raises:
        UserError: The corpus lacks gender words or words like the chosen ones; before any training.
    """
    from debiaslab.study.spec import study_of

    name = check_planting(corpus, plan, root=conduct.root)
    sets = {seed: words_of(corpus, plan, seed) for seed in plan.seeds}
    params = {"doses": list(plan.doses), "seeds": list(plan.seeds), **_must_equal(plan)}
    said = "Planted-bias control on"
    site, _ = open_study_run(
        corpus, name, conduct, params=params, tags={PLANTING_TAG: "true"}, description=said
    )
    own = study_of(replace(plan, name=name), corpus.sources, corpus.settings)
    listed = CellList(rows_of(plan, sets), needed=PLANTED_CARD)
    source = listed.source(conduct.root, corpus)

    def finish(_: int) -> Planting:
        first, doses = sets[plan.seeds[0]], []
        for dose, (_row, cells) in zip(sorted(plan.doses), listed.rows, strict=True):
            runs = tuple(map(source.run_of, cells))
            size = abs(dose_shift(plan.base, dose, first.male_share))
            doses.append(Dosed(dose, size, tuple(_card(site.store, run) for run in runs), runs))
        study = PlantedStudy(
            corpus=corpus.name,
            base=plan.base,
            apart=plan.apart,
            words=tuple(words.chosen for words in sets.values()),
            control=tuple(words.control for words in sets.values()),
            male_share=first.male_share,
            shared=mean(words.shared for words in sets.values()),
            pool=len(first.pool),
            doses=tuple(doses),
        )
        return Planting(name, site.parent, source.failures(), study)

    return conduct_study(site, (listed, source, listed.total), own, conduct, finish)


def _must_equal(plan: PlantingPlan) -> dict[str, object]:
    """Return what must be equal for planted doses to be continued, besides the text."""
    words = ", ".join(plan.words) or f"{plan.count} chosen by each seed"
    own = {"base": plan.base, "apart": plan.apart, "words": words}
    return {**own, **plan.settings.shared()}


def check_planting(corpus: Corpus, plan: PlantingPlan, *, root: str | Path) -> str:
    """Return the name of the study; nothing is made.

    Raises:
        UserError: It was made with another text, other words or another setting of training.
    """
    name = plan.study_name(corpus)
    shared = {"corpus_fingerprint": corpus.fingerprint, **_must_equal(plan)}
    refuse_other_settings(name, root, shared, kind="planted study", free="doses and seeds")
    return name


def rows_of(
    plan: PlantingPlan, sets: Mapping[int, PlantedWords] | None = None
) -> list[tuple[str | None, list[Cell]]]:
    """Return the cells of a control, dose by dose.

    Args:
        sets: The words of each seed; None: without them, since they follow from the seed.
    """
    unknown = PlantedWords((), (), (), (), math.nan, math.nan)
    sets = sets or dict.fromkeys(plan.seeds, unknown)
    return [
        (f"{dose:+g}", [plan.cell(sets[seed], dose, seed) for seed in plan.seeds])
        for dose in sorted(plan.doses)
    ]


def _card(store: Store, run_id: str | None) -> Scorecard | None:
    """Return what a training measured; None where it failed."""
    if run_id is None:
        return None
    path = store.artifact(run_id, PLANTED_CARD)
    return Scorecard.from_json(path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Dosing:
    """The text treatment of one dose: a cell of a planted-bias control (see ``cell.Treatment``)."""

    plan: PlantingPlan
    words: PlantedWords
    dose: float

    @property
    def label(self) -> str:
        """Such as ``dose +0.5``."""
        return f"dose {self.dose:+g}"

    @property
    def params(self) -> dict[str, object]:
        """Dose, base and words, as they are logged."""
        return {
            "planted.dose": repr(self.dose),
            "planted.base": self.plan.base,
            "planted.apart": self.plan.apart,
            "planted.words": ", ".join(self.words.chosen),
        }

    def bind(self, corpus: Corpus, seed: int) -> BoundStrategy:
        """Return the planted text; words it has no token of are not kept."""
        text = self.plan.planted(self.words, self.dose).bind(corpus, seed)
        lost = np.flatnonzero((corpus.counts > 0) & (text.counts(corpus.counts) == 0))
        return BoundStrategy(
            preprocessing=text,
            penalty=None,
            post=None,
            coverage=Coverage("all", 0, False, text.pairs, text.pairs_missing),
            seed=seed,
            untrained=frozenset(corpus.words[int(i)] for i in lost),
        )

    def describe(self, log: RunLog) -> None:
        """Keep the words with the run."""
        log.json(asdict(self.words), PLANTED_WORDS)

    def measure(self, log: RunLog, result: TrainResult, seed: int) -> None:
        """Keep what the metrics make of the chosen and of the control words."""
        card = measure_planted(result.embeddings, self.words, apart=self.plan.apart, seed=seed)
        log.metrics(flat(card), step=result.words)
        log.json(card.to_dict(), PLANTED_CARD)


def words_of(corpus: Corpus, plan: PlantingPlan, seed: int) -> PlantedWords:
    """Return the words that a seed plants in, and those it compares them with."""
    window = plan.settings.window
    return planted_words(corpus, words=plan.words, count=plan.count, window=window, seed=seed)


def words_from(text: str) -> tuple[str, ...]:
    """Return the words of a lexicon by its name, or of a list with commas; `UserError` if none."""
    given: Sequence[str] = [word.strip() for word in text.split(",") if word.strip()]
    if len(given) != 1:
        if not given:
            raise UserError("no words were given", allowed="words with commas, or a lexicon")
        return tuple(dict.fromkeys(given))
    return tuple(lexicons.load(given[0]).words)


LEAST_SHARE, MOST_SHARE = 0.002, 0.01  # of the text's gender words, near one word
LEAST_NEAR = 20  # gender words near one word, whatever the size of the text
LEAST_RATE = 0.15  # gender words near a word, for each time it occurs
_PIECE = 1_000_000  # ids looked at at once


@dataclass(frozen=True)
class PlantedWords:
    """Three sets of one size whose words occur, and have gender words near them, equally often."""

    chosen: tuple[str, ...]  # the words a bias is planted in
    control: tuple[str, ...]  # words that no dose is given
    other: tuple[str, ...]  # words that no dose is given either, for metrics that compare two sets
    # the words that random sets are drawn from: like the chosen ones, none of them
    pool: tuple[str, ...]
    male_share: float  # share of the male ones among all gender words of the text
    # share of the gender words near a control word that are near a chosen one as well: as
    # much of what is planted reaches the control words
    shared: float


def planted_words(
    corpus: Corpus, *, words: Sequence[str] = (), count: int = 16, window: int = 5, seed: int = 1
) -> PlantedWords:
    """Choose words to plant a bias in, and match each with two that no dose is given.

    Chosen by chance among the *candidates*: words of no lexicon, no gender words and no first
    names, with 0.2 % to 1 % of the text's gender words near them, at least 20, and at least 0.15
    for each time they occur. Fewer would hardly move a word's vector; more, and a chosen word
    would move those of all others.

    Args:
        words: The words to plant a bias in; those the text lacks are left out. None: chosen.
        count: How many to choose.
        window: How far "near" reaches, in words of the same document.
        seed: Seed of the choice.

    Raises:
        UserError: The text has no gender words, fewer than 4 of ``words``, or too few candidates.
    """
    swap = Swap.of(corpus.words, corpus.counts)
    near = gender_words_near(corpus, swap.gender, window)
    candidates = _candidates(corpus, swap.gender, near)
    if words:
        chosen = _given(corpus, words, swap.gender)
    else:
        _require(candidates, 3 * count, f"to choose 3 × {count} words from")
        order = np.random.default_rng(seed).permutation(len(candidates))[:count]
        chosen = [candidates[int(i)] for i in sorted(order)]
    free = [i for i in candidates if i not in set(chosen)]
    _require(free, 2 * len(chosen), f"to match {len(chosen)} words with, twice")
    features = np.log1p(np.stack([corpus.counts, near], axis=1))
    control = _matched(chosen, free, features)
    other = _matched(chosen, [i for i in free if i not in set(control)], features)
    male, both = (corpus.counts[at].sum() for at in (swap.gender > 0, swap.gender != 0))

    def named(ids: Sequence[int]) -> tuple[str, ...]:
        return tuple(corpus.words[i] for i in ids)

    return PlantedWords(
        chosen=named(chosen),
        control=named(control),
        other=named(other),
        pool=named(free),
        male_share=float(male / both),
        shared=_shared(corpus, swap.gender, (chosen, control), window),
    )


def gender_words_near(
    corpus: Corpus, gender: NDArray[np.int8], window: int = 5
) -> NDArray[np.int64]:
    """Return how many gender words stand near the occurrences of each word, together, ``(V,)``.

    Args:
        gender: 0 for words without gender, shape ``(V,)``; such words count for others only.
        window: How far "near" reaches, in words of the same document.
    """
    found = np.zeros(len(corpus.words), dtype=np.int64)
    for ids, starts, ends in _pieces(corpus):
        gendered = np.where(ids >= 0, gender[ids] != 0, False)
        before = np.concatenate([[0], np.cumsum(gendered)])
        place = np.arange(len(ids))
        near = before[np.minimum(place + window + 1, ends)]
        near -= before[np.maximum(place - window, starts)] + gendered
        words = ids >= 0
        found += np.bincount(ids[words], weights=near[words], minlength=len(found)).astype(np.int64)
    return found


def _pieces(
    corpus: Corpus,
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]]:
    """Yield whole documents, and for each place where its document starts and ends."""
    offsets = corpus.document_offsets()
    first = 0
    while first < len(offsets) - 1:
        last = int(np.searchsorted(offsets, offsets[first] + _PIECE, side="right")) - 1
        last = max(last, first + 1)
        own = offsets[first : last + 1] - offsets[first]
        lengths = np.diff(own)
        ids = np.asarray(corpus.ids[offsets[first] : offsets[last]])
        yield ids, np.repeat(own[:-1], lengths), np.repeat(own[1:], lengths)
        first = last


def _candidates(corpus: Corpus, gender: NDArray[np.int8], near: NDArray[np.int64]) -> list[int]:
    names = lexicons.first_names()
    listed = lexicons.tune_words() | lexicons.report_words() | lexicons.gender_words()
    listed |= gender_terms() | {*names.male, *names.female}
    total = int(corpus.counts[gender != 0].sum())
    usable = (near >= max(LEAST_NEAR, LEAST_SHARE * total)) & (near <= MOST_SHARE * total)
    usable &= (near >= LEAST_RATE * corpus.counts) & (gender == 0)
    return [
        int(i)
        for i in np.flatnonzero(usable)
        if corpus.words[i].lower() not in listed and any(map(str.isalpha, corpus.words[i]))
    ]


def _given(corpus: Corpus, words: Sequence[str], gender: NDArray[np.int8]) -> list[int]:
    written = {word: written_in(corpus.index, word) for word in words}
    known = list(dict.fromkeys(form for form in written.values() if form is not None))
    lost = tuple(word for word, form in written.items() if form is None)
    if lost and len(known) >= MIN_WORDS:
        warnings.warn(
            f"{len(lost)} of the {len(written)} chosen words are not in the corpus and get no "
            f"bias: {shortlist(lost)}",
            stacklevel=3,
        )
    for word in known:
        if gender[corpus.index[word]]:
            raise UserError(
                f"the chosen word {word!r} has a gender itself", allowed="words without gender"
            )
    if len(known) < MIN_WORDS:
        raise UserError(
            f"{len(known)} of the {len(written)} chosen words are in the corpus",
            allowed=f"at least {MIN_WORDS} of its words",
            next_step="a smaller --min-count, or no --words, to have them chosen",
        )
    return [corpus.index[word] for word in known]


def _require(candidates: Sequence[int], least: int, purpose: str) -> None:
    if len(candidates) < least:
        raise UserError(
            f"{len(candidates)} words of the corpus can be used {purpose}: neutral words that have "
            "gender words near them often enough",
            allowed=f"{least} or more",
            next_step="fewer words, or a larger corpus",
        )


def _matched(words: Sequence[int], free: Sequence[int], features: NDArray[np.float64]) -> list[int]:
    """Return for each word the free one with the most similar features, each one once."""
    left = list(free)
    found = []
    for word in words:
        distances = np.abs(features[left] - features[word]).sum(axis=1)
        found.append(left.pop(int(np.argmin(distances))))
    return found


def _shared(
    corpus: Corpus, gender: NDArray[np.int8], sets: tuple[Sequence[int], Sequence[int]], window: int
) -> float:
    """Return the share of the gender words near the second set that are near the first as well."""
    from debiaslab.regularizers.swap_kernel import near_chosen

    marks = np.zeros((2, len(corpus.words)), dtype=bool)
    for mark, own in zip(marks, sets, strict=True):
        mark[list(own)] = True
    both = of_control = 0
    for ids, _, _ in _pieces(corpus):
        turned, others = (near_chosen(ids, mark, gender, window) for mark in marks)
        both += len(np.intersect1d(turned, others, assume_unique=True))
        of_control += len(others)
    return both / of_control if of_control else 0.0
