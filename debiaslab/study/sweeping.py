"""The sweep: a baseline for each seed, then λ after λ, each over all seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from debiaslab import regularizers
from debiaslab.errors import UserError
from debiaslab.metrics import load_similarity
from debiaslab.study.description import study_note
from debiaslab.study.driver import (
    Conduct,
    Conducted,
    StudyHeader,
    conduct_study,
    open_study_run,
)
from debiaslab.study.executors import Executor
from debiaslab.study.objective import LEAST_WORDS, SIMILARITY_SETS
from debiaslab.study.plan import Plan
from debiaslab.study.search import check_same_study
from debiaslab.study.search_storage import explained
from debiaslab.study.summary import Summary, summarise, words_note
from debiaslab.study.trials import Trials
from debiaslab.system.outputs import check_output, refuse_overwriting
from debiaslab.tracking.names import CORPUS_TAG, STRATEGY_TAG
from debiaslab.vectors.words import written_pairs

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.settings.study import StudyFile


def sweep(
    corpus: Corpus,
    plan: Plan | None = None,
    *,
    root: str | Path = "mlruns",
    submissions: str | Path = "submissions",
    progress: bool = True,
    file: StudyFile | None = None,
    executor: Executor | None = None,
) -> Summary:
    """Search λ of one strategy until ``plan.trials`` have been tried, logging every run to MLflow.

    It ends before that when ``plan.hours`` have gone by.

    The study is continued when it exists: runs that finished are not trained again. Other
    processes that sweep the same study meanwhile, here or on other machines, share the work.

    Args:
        corpus: Encoded corpus.
        plan: Strategy, trials, seeds, settings and objective.
        root: Folder of the local store (``MLFLOW_TRACKING_URI`` chooses another for the runs).
        submissions: Folder for the CodaLab files of the best run.
        progress: Whether to draw progress bars.
        file: The study file that the plan is of, kept with the study; None: made from the plan.
        executor: What runs several workers, such as ``executors.Processes(2)``; None: this
            process alone does the work, in order.

    Raises:
        UserError: The study belongs to other settings, the corpus lacks the words the strategy or
            the objective needs, every λ failed, or the executor could not end the work.
    """
    conduct = Conduct(Path(root), Path(submissions), executor, progress, file)
    return conduct_sweep(corpus, plan or Plan(), conduct)


def conduct_sweep(
    corpus: Corpus,
    plan: Plan,
    conduct: Conduct,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> Summary:
    """Do what ``sweep`` does, as ``conduct`` says; a study that is made gets the ``tags``."""
    from debiaslab.study.spec import study_of

    coverage = check_sweep(corpus, plan, root=conduct.root, submissions=conduct.submissions)
    name = plan.study_name(corpus)
    trials = Trials.of(plan, corpus)
    with explained(conduct.root):
        source = trials.source(conduct.root, corpus)
    site, begun = open_study_run(corpus, name, _header(corpus, plan, tags), conduct)
    if begun:  # its links need the run's id
        note = study_note(plan, corpus, (site.store.experiment_id, site.parent))
        site.store.describe(site.parent, note)
    site.store.save_view(name, site.parent)
    total = (1 + max(plan.trials, len(source.search.counted))) * len(plan.seeds)
    own = study_of(replace(plan, name=name), corpus.sources, corpus.settings)

    def finish(done: Conducted) -> Summary:
        references = source.references or source.baselines(done.worker)
        words = words_note(coverage, references[plan.seeds[0]].reference)
        found = summarise(site, source, words, conduct.submissions)
        return replace(found, trained=done.trained)

    return conduct_study(site, (trials, source, total), own, conduct, finish)


def check_sweep(
    corpus: Corpus, plan: Plan, *, root: str | Path, submissions: str | Path
) -> regularizers.Coverage:
    """Refuse, without making or training anything, what a sweep would be refused for.

    Args:
        corpus: Encoded corpus.
        plan: Strategy, trials, seeds, settings and objective.
        root: Folder of the local store.
        submissions: Folder for the CodaLab files of the best run.

    Returns:
        What the strategy covers.

    Raises:
        UserError: The study belongs to other settings, the corpus lacks the words the strategy or
            the objective needs, or a file would have no place.
    """
    coverage = _check_words(corpus, plan)
    name = plan.study_name(corpus)
    settings = corpus.settings
    check_submission(
        Path(submissions), name, [*corpus.sources, *([settings.mwes] if settings.mwes else [])]
    )
    with explained(Path(root)):
        check_same_study(Path(root), name, plan.identity(corpus))
    return coverage


def check_submission(submissions: Path, name: str, read: Sequence[str | Path]) -> None:
    """Refuse a study whose CodaLab files could not be written, or would replace what is read.

    Raises:
        UserError: So it is.
    """
    files = [submissions / f"{name}{ending}" for ending in (".zip", ".csv")]
    check_output(files[0])
    refuse_overwriting([("the CodaLab file", file) for file in files], read)


def _check_words(corpus: Corpus, plan: Plan) -> regularizers.Coverage:
    """Return what the strategy covers; fail when the vocabulary lacks what the study needs."""
    strategy = plan.create(weight=1.0)
    bound = regularizers.bind_strategy(
        strategy, corpus.words, corpus.counts, cover=plan.cover, dim=plan.settings.dim
    )
    plan.objective.check_vocabulary(frozenset(corpus.words))
    if plan.objective.retention_weight > 0 or plan.search.needs_retention:
        _check_similarity(corpus)
    return bound.coverage


def _check_similarity(corpus: Corpus) -> None:
    """Fail before any training when retention, a ratio of word similarities, has no words."""
    found = {}
    for name in SIMILARITY_SETS:
        pairs = load_similarity(name).half("tune").pairs
        found[name] = len(written_pairs(corpus.index, [(a, b) for a, b, _ in pairs])[0])
    if max(found.values()) < LEAST_WORDS:
        raise UserError(
            "word similarity cannot be measured on this corpus ("
            + ", ".join(f"{n} tune pairs of {name}" for name, n in found.items())
            + f" have both words in the vocabulary, needs {LEAST_WORDS}), so retention has no "
            "meaning",
            next_step="a larger corpus, a smaller --min-count, or --retention-weight 0",
        )


def _header(corpus: Corpus, plan: Plan, tags: Mapping[str, str]) -> StudyHeader:
    params = {
        **{k: v for k, v in asdict(plan.settings).items() if k != "seed"},
        "strategy": plan.strategy,
        "cover": plan.cover,
        **{f"knob.{name}": value for name, value in plan.knobs},
        "seeds": list(plan.seeds),
        **asdict(plan.objective),
        **plan.search.identity(),
        "corpus": corpus.name,
        "corpus_fingerprint": corpus.fingerprint,
    }
    own = {STRATEGY_TAG: plan.strategy, CORPUS_TAG: corpus.name}
    return StudyHeader(
        params, {**own, **tags}, f"Sweep of λ for `{plan.strategy}` on {corpus.name}."
    )
