"""One training outside any study, and a run of any study made again from what was logged of it."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from debiaslab import lexicons, regularizers
from debiaslab.corpus import Corpus, CorpusSettings
from debiaslab.corpus.corpus import CorpusReference
from debiaslab.corpus.reading import BuiltinSource
from debiaslab.errors import UserError
from debiaslab.metrics import Scorecard, evaluate
from debiaslab.regularizers.words import check_cover
from debiaslab.results.runs import RunResults
from debiaslab.settings.study import parse
from debiaslab.sgns import Checkpoints, Report, Start, TrainResult, TrainSettings
from debiaslab.study.cell import Cell, acts, strategy_label
from debiaslab.study.run import (
    LOSS_METRICS,
    Site,
    flat,
    log_results,
    open_run,
    train_bound,
    train_logged,
    vectors_of,
)
from debiaslab.system.files import check_output_folder
from debiaslab.system.provenance import provenance
from debiaslab.tracking import STUDY_TAG, Store
from debiaslab.tracking.names import (
    CORPUS,
    KIND_TAG,
    PROVENANCE,
    SCORECARD,
    SINGLE_KIND,
    STRATEGY_TAG,
    STUDY_KIND,
    VECTORS,
)
from debiaslab.tracking.records import RunInfo
from debiaslab.vectors.embeddings import Embeddings


@dataclass(frozen=True)
class SingleTraining(Cell):
    """What is trained; made before the corpus is read, so that a slip costs no time.

    Raises:
        UserError: The strategy, λ, a knob or the cover is unknown, or the vectors to continue from
            have another dimension.
    """

    init: Start | None = None  # vectors to continue from
    tensorboard: str | Path | None = None  # folder for events of the running loss; None: none

    def __post_init__(self) -> None:
        regularizers.create(self.strategy, weight=self.weight, **dict(self.knobs))
        check_cover(self.cover)
        if self.init is not None:
            self.init.check(self.settings.dim)

    @property
    def name(self) -> str:
        """The strategy with its λ."""
        return strategy_label(self.strategy, self.made) if acts(self.made) else "baseline"

    @property
    def tags(self) -> dict[str, str]:
        """The tags of its run."""
        return {KIND_TAG: SINGLE_KIND, STRATEGY_TAG: self.strategy}


@dataclass(frozen=True)
class SingleRun:
    """What a single training made."""

    run_id: str
    training: TrainResult
    scorecard: Scorecard

    @property
    def text(self) -> str:
        """The scorecard and how the training went, for the terminal."""
        training = self.training
        notes = ", stopped early" if training.stopped_early else ""
        if training.resumed_at is not None:
            notes += f", resumed at {training.resumed_at:,} words"
        loss = training.history[-1].loss if training.history else float("nan")
        start = "" if training.continued is None else f"{training.continued}\n"
        return (
            f"{self.scorecard.table()}\n{start}"
            f"trained {training.words:,} words in {training.seconds:.1f} s "
            f"({training.words_per_second:,.0f} words/s, {training.engine} engine{notes}), "
            f"loss {loss:.4f}, run {self.run_id}"
        )


def train_single(
    corpus: Corpus,
    training: SingleTraining,
    *,
    out: str | Path,
    root: str | Path = "mlruns",
    checkpoint: Checkpoints | None = None,
    progress: bool = True,
) -> SingleRun:
    """Train once, log to MLflow, measure, and save the vectors to ``out``.

    Args:
        corpus: Encoded corpus.
        training: What is trained.
        out: File for the vectors; its ending chooses the format.
        root: Folder of the local store.
        checkpoint: Where the training is saved and resumed; removed when the run has ended well.
            None: it is not saved.
        progress: Whether to draw a progress bar.

    Raises:
        UserError: The training diverged, the corpus lacks the strategy's words, or ``out`` could
            not be written; in the last case the finished run keeps the vectors.
    """
    site = Site(Store.open(root), Path(root), corpus, corpus.name, parent="")
    init = None if training.init is None else "vectors of a file"
    with (
        open_run(site, training, init=init, checkpoint=checkpoint) as run,
        _tensorboard(training.tensorboard) as on_report,
    ):
        log = run.log
        result = train_logged(
            run,
            corpus,
            training.settings,
            init=training.init,
            on_report=on_report,
            progress=progress,
        )
        unsaved = None
        try:  # first of all: measuring can wait
            result.embeddings.save(out)
        except UserError as error:
            unsaved = error
        scorecard = evaluate(result.embeddings, name=str(out), seed=training.seed)
        log_results(log, corpus, result, scorecard)
    if unsaved is not None:
        reason = str(unsaved).partition(";")[0]
        raise UserError(
            f"{reason}; the training is not lost: run {log.run_id} keeps the vectors",
            next_step=f"python -m debiaslab export --run {log.run_id} --out {Path(out).name} "
            "in a folder with space",
        ) from unsaved
    return SingleRun(log.run_id, result, scorecard)


@contextmanager
def _tensorboard(folder: str | Path | None) -> Iterator[Callable[[Report], None] | None]:
    if folder is None:
        yield None
        return
    check_output_folder(folder)
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:

        def write(report: Report) -> None:
            for name in LOSS_METRICS:
                writer.add_scalar(name, getattr(report, name), report.step)

        yield write


_NEEDED = (CORPUS, PROVENANCE, SCORECARD, VECTORS)
_MADE = ("single", "baseline", "trial", "cell")  # kinds of runs that are one training
_HELD_AGAINST = "cell"  # the kind that is measured against its baseline, by `compare`
_WARM = "init"  # setting of a run that began with vectors: those of its baseline, or of a file


@dataclass(frozen=True)
class Recipe:
    """What a run was made of, as it was logged."""

    run: RunInfo
    cell: Cell
    corpus: Mapping[str, Any]  # fingerprint, sources, settings
    made_with: Mapping[str, Any]  # provenance
    vectors: Embeddings
    scorecard: Scorecard
    baseline: Embeddings | None  # of its study and seed; None: it is one, or they are gone


@dataclass(frozen=True)
class Circumstance:
    """Something a result depends on: then and here."""

    what: str
    then: str
    here: str

    @property
    def same(self) -> bool:
        """Whether it is as it was."""
        return self.then == self.here


@dataclass(frozen=True)
class Verdict:
    """How a run that was made again compares with the one that was logged.

    Attributes:
        identical: Whether words, vectors and all numbers that were measured again are equal, bit
            for bit.
        same_words: Whether vocabulary and dimension are.
        largest: Largest absolute difference of a coordinate; None with other words.
        cosine: Smallest cosine between the two vectors of a word; None with other words.
        measured: Numbers of the scorecard that both have: values, intervals, p, n, nulls.
        differing: Those that differ, as (name, then, here), the largest difference first.
        elsewhere: Numbers of the logged scorecard that were not made again, as they need the
            vectors of the baseline, which are gone.
    """

    identical: bool
    same_words: bool
    largest: float | None
    cosine: float | None
    measured: int
    differing: tuple[tuple[str, float, float], ...]
    elsewhere: int


def read_recipe(store: Store, named: str) -> Recipe:
    """Return what a run was made of; its id is ``named``, or begins so as no other does.

    Raises:
        UserError: There is no such run, or it cannot be made again.
    """
    run = store.run_named(named)
    run_id = run.run_id
    if run.kind not in _MADE:
        raise _no_training(run)
    there = store.artifacts(run_id)
    if missing := [path for path in _NEEDED if path not in there]:
        raise UserError(
            f"the run {run_id} ({run.status}) did not keep {', '.join(missing)}",
            allowed="a run that has finished",
        )
    before = RunResults(run, store).baseline
    baseline = None if before is None else before.embeddings()
    if _WARM in run.params and baseline is None:
        raise UserError(
            f"the run {run_id} began with {run.params[_WARM]}, which the store does not have",
            allowed="runs that were trained from the beginning, or whose baseline is there",
        )
    names = {each.name for each in fields(TrainSettings)}
    logged = {name: text for name, text in run.params.items() if name in names}
    given = {name: parse(text) for name, text in logged.items() if text not in ("None", "auto")}
    knobs = {k.removeprefix("knob."): v for k, v in run.params.items() if k.startswith("knob.")}
    cover: Any = run.params["cover"]

    def text(path: str) -> str:
        return store.artifact(run_id, path).read_text(encoding="utf-8")

    return Recipe(
        run=run,
        cell=Cell(
            strategy=run.params["strategy"],
            weight=float(run.params["weight"]),
            knobs=tuple(knobs.items()),
            cover=cover,
            settings=TrainSettings(**given),
        ),
        corpus=json.loads(text(CORPUS)),
        made_with=json.loads(text(PROVENANCE)),
        vectors=vectors_of(store, run_id),
        scorecard=Scorecard.from_json(text(SCORECARD)),
        baseline=baseline,
    )


def _no_training(run: RunInfo) -> UserError:
    """Say what a run is that cannot be made again, and where the ids of those that can be are."""
    what, name = f"the run {run.run_id} is {run.kind or 'something'!r}", "NAME"
    if run.kind == STUDY_KIND:
        name = run.tags.get(STUDY_TAG, run.name)
        what = f"{run.run_id} is the study {name!r}"
    return UserError(
        f"{what}, not one training",
        allowed="runs of train, sweep and compare: a single one, a baseline, a trial or a cell",
        next_step=f"python -m debiaslab status {shlex.quote(name)}, which shows the ids of a "
        "study's runs",
    )


def find_corpus(recipe: Recipe, files: Sequence[str], cache: str | Path) -> Corpus:
    """Return the corpus of a run: of the files, where it was, or from the cache.

    Raises:
        UserError: It is nowhere, or the text is another.
    """
    wanted, sources = recipe.corpus["fingerprint"], recipe.corpus["sources"]
    settings = CorpusSettings.from_record(recipe.corpus["settings"])
    builtin = sources == [BuiltinSource.label]
    if not files:
        there = CorpusReference(
            wanted, Path(cache) / "none", settings, recipe.run.params["corpus"], tuple(sources)
        )
        if found := there.find(cache):
            return found
        if not builtin and not all(Path(source).is_file() for source in sources):
            raise UserError(
                f"the text of the run is not here: {', '.join(sources)}",
                allowed=f"a text with the fingerprint {wanted[:16]}…",
                next_step=f"python -m debiaslab reproduce {recipe.run.run_id} FILE…",
            )
    corpus = Corpus.build(files or ([] if builtin else sources), settings, cache=cache)
    if corpus.fingerprint != wanted:
        raise UserError(
            f"{', '.join(corpus.sources)} is another text: its fingerprint is "
            f"{corpus.fingerprint[:16]}…",
            allowed=f"a text with the fingerprint {wanted[:16]}…, read with {_said(settings)}",
        )
    return corpus


def _said(settings: CorpusSettings) -> str:
    """Return what shapes the ids, in words."""
    rare = "left out" if settings.rare == "drop" else "as <UNK>"
    case = "in lower case" if settings.lowercase else "in their own case"
    phrases = "no multi-word expressions"
    if settings.mwes is not None:
        phrases = f"the multi-word expressions of {settings.mwes} joined"
    marks = {"keep": "marks kept", "cut": "words cut at marks", "auto": "marks kept if frequent"}
    shaped = ", ".join((rare, case, phrases, marks[settings.marks]))
    return f"words seen fewer than {settings.min_count} times {shaped}"


def circumstances(recipe: Recipe, corpus: Corpus) -> tuple[Circumstance, ...]:
    """Return what the result depends on, then and here."""
    then, here = recipe.made_with, provenance()
    packages = sorted({*then["packages"], *here["packages"]})
    rows = [
        ("debiaslab", then["debiaslab"], here["debiaslab"]),
        ("commit", _commit(then), _commit(here)),
        ("python", then["python"], here["python"]),
        *((name, then["packages"].get(name), here["packages"].get(name)) for name in packages),
        ("cpu", then["machine"]["cpu"], here["machine"]["cpu"]),
        ("corpus", recipe.corpus["fingerprint"][:16], corpus.fingerprint[:16]),
        ("word lists", *_lists(recipe.run.params.get("lexicon_versions", "{}"))),
    ]
    return tuple(Circumstance(name, str(a), str(b)) for name, a, b in rows)


def make_again(recipe: Recipe, corpus: Corpus, *, progress: bool = True) -> Verdict:
    """Train and measure with what was logged, and compare.

    Raises:
        UserError: The word lists here no longer give the strategy the words it had.
    """
    init = recipe.baseline if _WARM in recipe.run.params else None
    cell = recipe.cell
    result = train_bound(corpus, cell.settings, cell.bind(corpus), init=init, progress=progress)
    scorecard = evaluate(
        result.embeddings,
        name=recipe.scorecard.vectors,
        seed=cell.seed,
        baseline=recipe.baseline if recipe.run.kind == _HELD_AGAINST else None,
        lipstick_nulls=False,
        anchor=recipe.baseline if recipe.scorecard.anchored else None,
    )
    return compared(recipe, result.embeddings, scorecard)


def compared(recipe: Recipe, vectors: Embeddings, scorecard: Scorecard) -> Verdict:
    """Compare vectors and their scorecard with the logged ones; metrics that are newer are not."""
    a, b = recipe.vectors, vectors
    same_words = a.words == b.words and a.dim == b.dim
    then, here = flat(recipe.scorecard), flat(_of_metrics_in(recipe.scorecard, scorecard))
    both = [name for name in then if name in here]
    differing = [(name, then[name], here[name]) for name in both if then[name] != here[name]]
    equal = same_words and bool(np.array_equal(a.vectors, b.vectors))
    return Verdict(
        identical=equal and not differing and set(here) <= set(then),
        same_words=same_words,
        largest=float(np.abs(a.vectors - b.vectors).max()) if same_words else None,
        cosine=_least_cosine(a.vectors, b.vectors) if same_words else None,
        measured=len(both),
        differing=tuple(sorted(differing, key=lambda row: -abs(row[1] - row[2]))),
        elsewhere=len(then) - len(both),
    )


def _of_metrics_in(logged: Scorecard, scorecard: Scorecard) -> Scorecard:
    """Return a scorecard without the metrics that a logged one does not know."""
    known, along = ({r.metric for r in each} for each in (logged.records, logged.anchored))
    return replace(
        scorecard,
        records=tuple(record for record in scorecard.records if record.metric in known),
        anchored=tuple(record for record in scorecard.anchored if record.metric in along),
    )


def _least_cosine(a: np.ndarray, b: np.ndarray) -> float:
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    dots = np.einsum("ij,ij->i", a, b, dtype=np.float64)
    return float(np.min(dots[norms > 0] / norms[norms > 0], initial=1.0))


def _commit(made_with: Mapping[str, Any]) -> str:
    git = made_with["git"]
    if git is None:
        return "no checkout"
    if not git["dirty"]:
        return str(git["commit"])[:12]
    changes = json.dumps([git["changed"], git["diff"]]).encode()
    return f"{git['commit'][:12]} with changes {hashlib.sha256(changes).hexdigest()[:6]}"


def _lists(logged: str) -> tuple[str, str]:
    """Return the versions of the word lists that are not the same then and here."""
    then, here = json.loads(logged), dict(lexicons.versions())
    other = sorted(k for k in {*then, *here} if str(then.get(k)) != str(here.get(k)))
    if not other:
        return "the same", "the same"
    return (
        ", ".join(f"{name} {then.get(name)}" for name in other),
        ", ".join(f"{name} {here.get(name)}" for name in other),
    )
