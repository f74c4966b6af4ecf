"""The planted-bias control: texts with known associations, and what every metric makes of them."""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from debiaslab import lexicons
from debiaslab.errors import UserError, nearest
from debiaslab.metrics import Scorecard
from debiaslab.metrics.planted import measure_planted, planted_metrics
from debiaslab.regularizers import BoundStrategy, Coverage, Planted
from debiaslab.results import Dosed, PlantedStudy
from debiaslab.results.comparison import dose_shift
from debiaslab.settings.study import Base
from debiaslab.sgns import TrainSettings
from debiaslab.study.cell import Cell
from debiaslab.study.driver import (
    Conduct,
    Conducted,
    StudyHeader,
    conduct_study,
    open_study_run,
)
from debiaslab.study.executors import Executor
from debiaslab.study.listed import CellList, ListedCells
from debiaslab.study.objective import Objective
from debiaslab.study.planted_words import PlantedWords, planted_words
from debiaslab.study.run_log import flat
from debiaslab.tracking import RunLog, Store
from debiaslab.tracking.names import (
    CORPUS_TAG,
    PLANTED_CARD,
    PLANTED_WORDS,
    PLANTING_TAG,
    default_study_name,
)

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
    - ``alike``: so are those near all words that these are held against, at any dose: at dose 0
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
        if self.base not in get_args(Base):
            raise UserError(
                f"the base was {self.base!r}",
                allowed=", ".join(get_args(Base)),
                nearest=nearest(self.base, get_args(Base)),
            )
        if len(self.doses) < 2 or len(set(self.doses)) < len(self.doses):
            raise UserError(
                f"the doses were {', '.join(map(str, self.doses)) or 'none'}",
                allowed="two or more different numbers from -1 to 1",
                next_step="--doses -1,-0.5,0,0.5,1",
            )
        for dose in self.doses:
            if not (math.isfinite(dose) and -1 <= dose <= 1):
                raise UserError(f"a dose was {dose!r}", allowed="numbers from -1 to 1")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise UserError("planting needs one seed or more, each named once")
        for seed in self.seeds:
            replace(self.settings, seed=seed)  # refuses what is no seed

    def cell(self, words: PlantedWords, dose: float, seed: int) -> Cell:
        """Return one training, with the words of its seed."""
        settings = replace(self.settings, seed=seed)
        treatment = Dosing(self, words, dose)
        return Cell("none", 0.0, (), "all", settings, Objective(), treatment=treatment)

    def planted(self, words: PlantedWords, dose: float) -> Planted:
        """Return the rewriting of one dose.

        With the base ``alike`` the words that chosen ones are held against get dose 0, whatever the
        dose of the chosen ones.
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
        return 2 * (self.at_zero(male_share) + self.shift(dose, male_share)) - 1

    def at_zero(self, male_share: float) -> float:
        """Return the share of male words near the chosen ones at dose 0 (not for ``corpus``)."""
        return 0.5 if self.base == "balanced" else male_share

    def shift(self, dose: float, male_share: float) -> float:
        """Return how much that share changes by a dose; for ``corpus``, the dose itself."""
        return dose_shift(self.base, dose, male_share)


@dataclass(frozen=True)
class Planting:
    """What a planted-bias control found."""

    name: str
    parent: str  # MLflow run
    study: PlantedStudy
    failures: tuple[str, ...]


def plant(
    corpus: Corpus,
    plan: PlantingPlan,
    *,
    root: str | Path = "mlruns",
    progress: bool = True,
    executor: Executor | None = None,
) -> Planting:
    """Train on the text with each dose and seed, and measure the chosen and the control words.

    What finished before is not trained again: the same call continues an interrupted one. A
    training that diverges leaves its cell empty.

    Args:
        corpus: Encoded corpus.
        plan: Words, doses, seeds and settings.
        root: Folder of the local store.
        progress: Whether to draw progress bars.
        executor: What runs several workers; None: this process alone does the work, in order.

    Raises:
        UserError: The corpus lacks gender words or words like the chosen ones; before any training.
    """
    return conduct_planting(corpus, plan, Conduct(Path(root), executor=executor, progress=progress))


def conduct_planting(corpus: Corpus, plan: PlantingPlan, conduct: Conduct) -> Planting:
    """Do what ``plant`` does, as ``conduct`` says."""
    from debiaslab.study.spec import study_of

    sets = {seed: words_of(corpus, plan, seed) for seed in plan.seeds}
    name = planting_name(corpus, plan)
    site, _ = open_study_run(corpus, name, _header(corpus, plan), conduct)
    own = study_of(replace(plan, name=name), corpus.sources, corpus.settings)
    listed = cells_of(plan, sets)
    source = listed.source(conduct.root, corpus)

    def finish(done: Conducted) -> Planting:
        if conduct.executor is not None:
            source.begin(done.worker)  # what others have done
        doses = tuple(_dosed(site.store, plan, sets, source, dose) for dose in sorted(plan.doses))
        failures = tuple(_failures(listed, source))
        for failure in failures:
            label, _, reason = failure.partition(": ")
            warnings.warn(f"{label} is left empty: {reason}", stacklevel=4)
        study = PlantedStudy(
            corpus=corpus.name,
            base=plan.base,
            apart=plan.apart,
            words=tuple(words.chosen for words in sets.values()),
            control=tuple(words.control for words in sets.values()),
            male_share=sets[plan.seeds[0]].male_share,
            shared=mean(words.shared for words in sets.values()),
            pool=len(sets[plan.seeds[0]].pool),
            doses=doses,
        )
        return Planting(name, site.parent, study, failures)

    return conduct_study(site, (listed, source, listed.total), own, conduct, finish)


def cells_of(plan: PlantingPlan, sets: Mapping[int, PlantedWords]) -> CellList:
    """Return every training of a control, dose by dose; ``sets`` are the words of each seed."""
    return CellList(
        tuple(
            plan.cell(sets[seed], dose, seed) for dose in sorted(plan.doses) for seed in plan.seeds
        ),
        needed=PLANTED_CARD,
    )


def rows_of(plan: PlantingPlan) -> list[tuple[str | None, list[Cell]]]:
    """Return the cells of a control, dose by dose, without the words: they follow from the seed."""
    unknown = PlantedWords((), (), (), (), math.nan, math.nan)
    return [
        (f"{dose:+g}", [plan.cell(unknown, dose, seed) for seed in plan.seeds])
        for dose in sorted(plan.doses)
    ]


def _header(corpus: Corpus, plan: PlantingPlan) -> StudyHeader:
    params = {
        "doses": list(plan.doses),
        "base": plan.base,
        "apart": plan.apart,
        "seeds": list(plan.seeds),
        "words": ", ".join(plan.words) or f"{plan.count} chosen by each seed",
        "corpus": corpus.name,
        "corpus_fingerprint": corpus.fingerprint,
        **_settings(plan),
    }
    tags = {CORPUS_TAG: corpus.name, PLANTING_TAG: "true"}
    return StudyHeader(params, tags, f"Planted-bias control on {corpus.name}.")


def _dosed(
    store: Store,
    plan: PlantingPlan,
    sets: Mapping[int, PlantedWords],
    source: ListedCells,
    dose: float,
) -> Dosed:
    """Return what the trainings of one dose measured; None where one failed."""
    cells = [plan.cell(sets[seed], dose, seed) for seed in plan.seeds]
    ids = [source.runs.get(cell.digest) for cell in cells]
    cards = [None if run_id is None else _card(store, run_id) for run_id in ids]
    male_share = sets[plan.seeds[0]].male_share
    return Dosed(dose, abs(plan.shift(dose, male_share)), tuple(cards), tuple(ids))


def _card(store: Store, run_id: str) -> Scorecard:
    path = store.artifact(run_id, PLANTED_CARD)
    return Scorecard.from_json(path.read_text(encoding="utf-8"))


def _failures(listed: CellList, source: ListedCells) -> Iterator[str]:
    """Say of each cell without a run why it has none."""
    for cell in listed.cells:
        if cell.digest in source.failed and isinstance(cell.treatment, Dosing):
            dose = f"dose {cell.treatment.dose:g}, seed {cell.seed}"
            yield f"{dose}: {source.failed[cell.digest]}"


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
        """Return the planted text as what a training is given."""
        return bound_planting(corpus, self.plan.planted(self.words, self.dose), seed)

    def describe(self, log: RunLog) -> None:
        """Keep the words with the run."""
        log.json(asdict(self.words), PLANTED_WORDS)

    def measure(self, log: RunLog, result: TrainResult, seed: int) -> None:
        """Keep what the metrics make of the chosen and of the control words."""
        card = measure_planted(result.embeddings, self.words, apart=self.plan.apart, seed=seed)
        log.metrics(flat(card), step=result.words)
        log.json(card.to_dict(), PLANTED_CARD)


def words_of(corpus: Corpus, plan: PlantingPlan, seed: int) -> PlantedWords:
    """Return the words that a seed plants in, and those it holds them against."""
    window = plan.settings.window
    return planted_words(corpus, words=plan.words, count=plan.count, window=window, seed=seed)


def planting_name(corpus: Corpus, plan: PlantingPlan) -> str:
    """Return the given name, or one that differs whenever anything that shapes a run does.

    Doses and seeds do not: more of them continue the same study.
    """
    if plan.name is not None:
        return plan.name
    identity = {
        "corpus": corpus.fingerprint,
        "words": plan.words or plan.count,
        "base": plan.base,
        "settings": _settings(plan),
        "metrics": [each.metric for each in planted_metrics(apart=plan.apart)],
        "lexicons": lexicons.versions(),
    }
    if plan.apart:
        identity["apart"] = True
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    kind = "planted-apart" if plan.apart else "planted"
    return default_study_name(kind, corpus.name, digest)


def _settings(plan: PlantingPlan) -> dict[str, Any]:
    return {key: value for key, value in asdict(plan.settings).items() if key != "seed"}


def bound_planting(corpus: Corpus, planted: Planted, seed: int) -> BoundStrategy:
    """Return a planted text as what a training is given; words it has no token of are not kept."""
    text = planted.bind(corpus, seed)
    lost = np.flatnonzero((corpus.counts > 0) & (text.counts(corpus.counts) == 0))
    return BoundStrategy(
        preprocessing=text,
        penalty=None,
        post=None,
        coverage=Coverage("all", 0, False, text.pairs, text.pairs_missing),
        seed=seed,
        untrained=frozenset(corpus.words[int(i)] for i in lost),
    )


def words_from(text: str) -> tuple[str, ...]:
    """Return the words of a lexicon by its name, or of a list with commas.

    Raises:
        UserError: One name that is no lexicon, or nothing at all.
    """
    given: Sequence[str] = [word.strip() for word in text.split(",") if word.strip()]
    if len(given) != 1:
        if not given:
            raise UserError("no words were given", allowed="words with commas, or a lexicon")
        return tuple(dict.fromkeys(given))
    return tuple(lexicons.load(given[0]).words)
