"""Making a run again from what was logged of it, and holding the two against each other."""

from __future__ import annotations

import ast
import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from debiaslab import lexicons, regularizers
from debiaslab.corpus import Corpus, CorpusSettings
from debiaslab.corpus.corpus import CorpusReference
from debiaslab.corpus.sources import BuiltinSource
from debiaslab.errors import UserError
from debiaslab.metrics import Scorecard, evaluate
from debiaslab.sgns import TrainSettings, train
from debiaslab.study.cell import bound_strategy
from debiaslab.study.run import flat
from debiaslab.system.provenance import provenance
from debiaslab.tracking import PARENT_TAG, STUDY_TAG
from debiaslab.tracking.names import (
    BASELINE_KIND,
    CORPUS,
    PROVENANCE,
    SCORECARD,
    STUDY_KIND,
    VECTORS,
)
from debiaslab.tracking.records import RunInfo
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.tracking import Store

_NEEDED = (CORPUS, PROVENANCE, SCORECARD, VECTORS)
_MADE = ("single", "baseline", "trial", "cell")  # kinds of runs that are one training
_HELD_AGAINST = "cell"  # the kind that is measured against its baseline, by `compare`
_WARM = "init"  # setting of a run that began with vectors: those of its baseline, or of a file


@dataclass(frozen=True)
class Recipe:
    """What a run was made of, as it was logged."""

    run: RunInfo
    settings: TrainSettings
    strategy: regularizers.Strategy
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
    """Return what a run was made of.

    Args:
        store: Where it is.
        named: Its id, or a beginning of it that no other run's id has.

    Raises:
        UserError: There is no such run, or it is none that can be made again.
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
    baseline = _baseline(store, run)
    if _WARM in run.params and baseline is None:
        raise UserError(
            f"the run {run_id} began with {run.params[_WARM]}, which the store does not have",
            allowed="runs that were trained from the beginning, or whose baseline is there",
        )
    settings = TrainSettings(
        **{
            each.name: _value(each.name, run.params[each.name])
            for each in fields(TrainSettings)
            if each.name in run.params
        }
    )
    knobs = {k.removeprefix("knob."): v for k, v in run.params.items() if k.startswith("knob.")}
    name, weight = run.params["strategy"], float(run.params["weight"])

    def text(path: str) -> str:
        return store.artifact(run_id, path).read_text(encoding="utf-8")

    return Recipe(
        run=run,
        settings=settings,
        strategy=regularizers.create(name, weight=weight, **knobs),
        corpus=json.loads(text(CORPUS)),
        made_with=json.loads(text(PROVENANCE)),
        vectors=Embeddings.load(store.artifact(run_id, VECTORS)),
        scorecard=Scorecard.from_json(text(SCORECARD)),
        baseline=baseline,
    )


def _no_training(run: RunInfo) -> UserError:
    """Say what a run is that cannot be made again, and where the ids of those that can be are."""
    name = "NAME"
    what = f"the run {run.run_id} is {run.kind or 'something'!r}"
    if run.kind == STUDY_KIND:
        name = run.tags.get(STUDY_TAG, run.name)
        what = f"{run.run_id} is the study {name!r}"
    return UserError(
        f"{what}, not one training",
        allowed="runs of train, sweep and compare: a single one, a baseline, a trial or a cell",
        next_step=f"python -m debiaslab status {shlex.quote(name)}, which shows the ids of a "
        "study's runs",
    )


def _baseline(store: Store, run: RunInfo) -> Embeddings | None:
    """Return the vectors of the baseline of a run's study and seed, if the store has them."""
    parent = run.tags.get(PARENT_TAG)
    if run.kind == BASELINE_KIND or parent is None:
        return None
    same = {"weight": repr(0.0), "seed": run.params["seed"]}
    for each in store.runs(parent, "baseline", params=same):
        if each.status == "FINISHED" and VECTORS in store.artifacts(each.run_id):
            return Embeddings.load(store.artifact(each.run_id, VECTORS))
    return None


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
    cover: Any = recipe.run.params["cover"]
    bound = bound_strategy(corpus, recipe.strategy, cover, recipe.settings)
    result = train(
        corpus,
        recipe.settings,
        **regularizers.train_inputs(bound),
        init=recipe.baseline if _WARM in recipe.run.params else None,
        progress=progress,
    )
    vectors = result.embeddings if bound is None else bound.finish(result.embeddings)
    scorecard = evaluate(
        vectors,
        name=recipe.scorecard.vectors,
        seed=recipe.settings.seed,
        baseline=recipe.baseline if recipe.run.kind == _HELD_AGAINST else None,
        lipstick_nulls=False,
    )
    return compared(recipe, vectors, scorecard)


def compared(recipe: Recipe, vectors: Embeddings, scorecard: Scorecard) -> Verdict:
    """Hold vectors and their scorecard against the logged ones."""
    a, b = recipe.vectors, vectors
    same_words = a.words == b.words and a.dim == b.dim
    then, here = flat(recipe.scorecard), flat(scorecard)
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


def _value(name: str, text: str) -> Any:
    """Return a setting as it was before it was logged as text."""
    if name == "engine" and text == "auto":
        return None
    if text in ("None", "True", "False"):
        return ast.literal_eval(text)
    kind = type(getattr(TrainSettings, name))
    return kind(text) if kind in (int, float) else int(text) if name == "patience" else text


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
