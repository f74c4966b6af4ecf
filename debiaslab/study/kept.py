"""What the run of a study keeps besides numbers: study file, corpus, description, report, model."""

from __future__ import annotations

import json
import shlex
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debiaslab import regularizers
from debiaslab.corpus.corpus import CorpusReference, files_of
from debiaslab.errors import UserError
from debiaslab.leaderboard.export import default_pairs
from debiaslab.report import (
    ReportContent,
    RunContent,
    TrialRow,
    html_page,
    study_report,
    trials_table,
)
from debiaslab.results import RunResults, read_study
from debiaslab.study.objective import FORMULA
from debiaslab.tracking.contact import run_page, view_page
from debiaslab.tracking.names import (
    CORPUS_FOLDER,
    FULL_REPORT_TAG,
    GROUP_TAG,
    MODEL_TAG,
    REPORT,
    SCORECARD,
    STUDY_ALONE,
    STUDY_FILE,
    STUDY_KIND,
    STUDY_TAG,
)

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.report import Drawing
    from debiaslab.results import StudyResults
    from debiaslab.settings.study import StudyFile
    from debiaslab.study.objective import Outcome
    from debiaslab.study.plan import Plan
    from debiaslab.tracking import RunWriter, Store, StudyRun
    from debiaslab.vectors.embeddings import Embeddings


def log_study_file(log: RunWriter, store: Store, own: StudyFile, file: StudyFile | None) -> None:
    """Keep the study file of a study as an artifact of its run.

    ``own`` is the file of this study alone, ``file`` the one it was started with, if any.
    """
    whole = own
    if file is not None and file.group is not None:  # of several strategies: kept whole
        whole = file.model_copy(update={"corpus": own.corpus})
    elif file is not None:
        where = {key: getattr(file, key) for key in ("executor", "scheduler", "workers")}
        whole = own.model_copy(update=where)
    grouped = whole.group is None and GROUP_TAG in store.run(log.run_id).tags
    log.text(whole.to_json(), STUDY_ALONE if grouped else STUDY_FILE)
    if whole.group is not None:
        log.tags({GROUP_TAG: whole.group})


def kept_study(store: Store, name: str) -> tuple[StudyFile, list[StudyRun]]:
    """Return the study file of a study, or of a group of studies, and those that have begun.

    Raises:
        UserError: There is no such study, or it was made before studies kept their file.
    """
    from debiaslab.study.spec import changed

    found = store.studies_named(name)
    alone = found[0].study == name
    there = store.artifacts(found[0].run_id)
    if STUDY_FILE not in there:
        raise UserError(
            f"{name!r} keeps no study file: an older version made it",
            next_step="the command that made it, which continues it",
        )
    file = _read(store, found[0], STUDY_FILE)
    if alone and STUDY_ALONE in there:
        group, file = file, _read(store, found[0], STUDY_ALONE)
        trials = max(group.budget.trials, file.budget.trials)  # the group may have grown
        file = changed(file, {"budget.trials": trials})
    if file.group not in (None, name):  # one study of a group was named
        label = name.removeprefix(f"{file.group}-")
        chosen = [each for each in file.strategies if (each.label or each.name) == label]
        file = file.model_copy(update={"name": name, "strategies": tuple(chosen)})
    return file, found


def _read(store: Store, study: StudyRun, path: str) -> StudyFile:
    from debiaslab.study.spec import check_study

    text = store.artifact(study.run_id, path).read_text(encoding="utf-8")
    content = json.loads(text)
    content["corpus"] = {"marks": "cut", **content["corpus"]}  # before there was a choice
    return check_study(content, f"the file of {study.study}")


def keep_corpus(store: Store, study: str, corpus: Corpus) -> None:
    """Keep a corpus with the run ``study``, once, for workers that do not share a folder."""
    *files, last = files_of(corpus)
    if f"{CORPUS_FOLDER}/{last.name}" in store.artifacts(study):  # written last
        return
    writer = store.writer(study)
    for file in (*files, last):
        writer.file(file, CORPUS_FOLDER)


def find_corpus(store: Store, study: str, reference: CorpusReference, cache: str | Path) -> Corpus:
    """Return the corpus of the study whose run is ``study``.

    It is taken from a folder here, or fetched once from the store to the folder ``cache``.

    Raises:
        UserError: No folder here holds it and the study has not kept it, or what the study kept is
            damaged or another corpus.
    """

    def fetch(folder: Path) -> None:
        if CORPUS_FOLDER not in store.artifacts(study):
            raise UserError(
                f"no folder here holds the corpus {reference.name} "
                f"({reference.fingerprint[:16]}…), and its study has not kept it",
                allowed=f"the folder {reference.path} shared, or a study swept with a cluster",
            )
        downloaded = store.download(study, CORPUS_FOLDER, folder)
        for file in list(downloaded.iterdir()):
            file.rename(folder / file.name)
        downloaded.rmdir()

    return reference.find_or_fetch(cache, fetch)


def report_of(study: StudyResults, *, brief: bool = False) -> ReportContent:
    """Return the report of a study, with a sentence on each strategy."""
    about = {}
    for name in {run.strategy for run in study.runs} - {"baseline"}:
        try:
            made = [regularizers.get(part) for part in name.split("+")]
        except UserError:  # a user's own strategy, not installed here
            continue
        lines = ((_first_line(each).rstrip(".").replace("``", ""), each.citation) for each in made)
        about[name] = " Then: ".join(f"{line} ({citation})" for line, citation in lines)
    return study_report(study, formula=FORMULA, strategies=about, brief=brief)


def report_of_run(store: Store, run_id: str) -> ReportContent:
    """Return the page of a finished run, of a study or of ``train``.

    Raises:
        UserError: It is a study, or has no scorecard.
    """
    run = store.run(run_id)
    if run.kind == STUDY_KIND:
        name = shlex.quote(run.tags.get(STUDY_TAG, run.name))
        raise UserError(f"{run_id} is the study {name}", next_step=f"--study {name} without --run")
    if SCORECARD not in store.artifacts(run_id):
        raise UserError(
            f"run {run_id} ({run.name}, {run.status}) has no scorecard",
            allowed="a run that has finished and whose files are in the store",
        )
    return RunContent.of(RunResults(run, store), FORMULA).report()


def log_page(
    writer: RunWriter, page: str, drawings: Sequence[Drawing], *, full: bool = False
) -> None:
    """Keep a page and its figures with a run; ``full``: from now on a study has a full report."""
    writer.text(page, REPORT)
    for each in drawings:
        writer.binary(each.png, f"figures/{each.name}.png")
    if full:
        writer.tags({FULL_REPORT_TAG: True})


def renew_report(store: Store, name: str, parent: str) -> None:
    """Log the page and the figures of a study: the full report where it had one, else in brief.

    So are those of the best run of a sweep; the page of another run is made by ``report --run``.
    """
    brief = FULL_REPORT_TAG not in store.run(parent).tags
    try:
        study = read_study(store, name)
        reports = [(parent, report_of(study, brief=brief))]
    except UserError as error:  # no run has finished
        warnings.warn(f"the study {name!r} has no report: {error}", stacklevel=3)
        return
    if not (study.is_comparison or study.is_planted) and any(row.best for row in study.trials):
        reports.append((study.best.run_id, RunContent.of(study.best, FORMULA).report()))
    for run_id, report in reports:
        log_page(store.writer(run_id), html_page(report), report.drawings)


_MODEL_NOTE = """\
Cosine similarity of word pairs, by the vectors of the best run of the debiasing study `{study}`.
The alias `best` names the version to use; a version's source run says how it was trained.

```
mlflow models serve -m "models:/{study}@best" --env-manager local --port 5001
```
"""


def publish(store: Store, study: str, best: str, embeddings: Embeddings) -> None:
    """Log the vectors of the run ``best`` as a model, once; register it under the study's name."""
    model = store.run(best).tags.get(MODEL_TAG)
    if model is None:
        model = store.log_model(best, embeddings, example=default_pairs()[:3])
        store.writer(best).tags({MODEL_TAG: model})
    store.register(study, best, model, _MODEL_NOTE.format(study=study))


_STAGES = {"pre": "before training", "in": "during training", "post": "after training"}
_READING = """\
### How to read it

- **bias** is in units of what random words show in the baseline: a test of random words exceeds 1
  in 5 % of draws, the mean of several tests less often. Smaller is better.
- **retention** is word similarity divided by the baseline's (λ = 0, same seed): 1 is nothing lost.
- **tune** words steered the search. **report** words were held out of it: read those.
- **score** is what the search made small, from tune words alone."""


def study_note(
    plan: Plan,
    corpus: Corpus,
    place: tuple[str, str],
    *,
    rows: Sequence[TrialRow] = (),
    finding: str = "",
    words: str = "",
    warnings: Sequence[str] = (),
) -> str:
    """Return the description of a sweep, Markdown.

    Args:
        place: MLflow experiment and run of the study, for the links.
        rows: What has finished; none while the study runs for the first time.
        finding: What they show, in a sentence or two.
        words: What was covered, tuned on and reported on.
        warnings: What the reader should know.
    """
    size: dict[str, Any] = corpus.describe()
    seeds = "one seed" if len(plan.seeds) == 1 else f"{len(plan.seeds)} seeds"
    found = "**Nothing is chosen yet**: the search runs, or was interrupted."
    if finding:
        found = f"**{finding}**"
    best = [row for row in rows if row.best or row.trial is None]
    parts = (
        found,
        _links(*place, report=bool(rows), figure="sweep" if rows else None),
        f"**Question.** How much gender bias does `{plan.strategy}` take out of word embeddings, "
        "at which λ, and how much word similarity does it cost?",
        f"**Corpus.** {corpus.name}: {size['documents']:,} documents, {size['tokens']:,} tokens, "
        f"{size['types']:,} types.",
        *(f"**Strategy.** {_about_strategy(name)}" for name in plan.strategy.split("+")),
        f"**Budget.** Up to {plan.trials} values of λ, each with {seeds}, and a "
        f"baseline (λ = 0) of every seed. Cover: `{plan.cover}`.",
        trials_table(best).markdown() if rows else "",
        _READING,
        f"```\n{words}\n```" if words else "",
        "\n".join(f"- **Note:** {warning}" for warning in warnings),
        f"```\n{FORMULA}\n```",
    )
    return "\n\n".join(part for part in parts if part)


def comparison_note(table: str, experiment: str, parent: str) -> str:
    """Return the description of a comparison; ``table`` is Markdown."""
    question = (
        "**Question.** Which strategy takes most bias out of the same text with the same "
        "seeds, and what does each cost?"
    )
    links = _links(experiment, parent, report=True, figure="heat_map")
    return "\n\n".join((question, links, table, _READING))


def run_note(run_id: str, label: str | None, seed: int, outcome: Outcome | None) -> str:
    """Return the description of one run; the baseline has no ``label``."""
    what = "The baseline: no strategy (λ = 0)" if label is None else f"`{label}`"
    lines = [f"{what}, seed {seed}."]
    if outcome is not None:
        lines.append(
            f"Bias on report words {_number(outcome.bias_report)}, on tune words "
            f"{_number(outcome.bias_tune)} (a test of random words exceeds 1 in 5 % of draws); "
            f"retention {_number(outcome.retention_report)} on report pairs, "
            f"{_number(outcome.retention_tune)} on tune pairs; score {outcome.score:.3f}."
        )
    lines.append(
        "`scorecard.txt` under *Artifacts* shows everything that was measured. The page "
        "`report.html` and the figures are there when the run was the best of its sweep, or after "
        f"`python -m debiaslab report --run {run_id}`."
    )
    return "\n\n".join(lines)


def _links(experiment: str, parent: str, *, report: bool = False, figure: str | None) -> str:
    links = {
        "runs, the best first": view_page(experiment, parent, charts=False),
        "charts of λ, bias and retention": view_page(experiment, parent, charts=True),
    }
    if report:
        links["the report"] = run_page(experiment, parent, "/artifacts/report.html")
    if figure is not None:
        links["figures"] = run_page(experiment, parent, f"/artifacts/figures/{figure}.png")
    return "Open: " + " · ".join(f"[{name}]({link})" for name, link in links.items())


def _about_strategy(name: str) -> str:
    known = regularizers.get(name)
    about = _first_line(known)
    return f"`{name}`, {_STAGES.get(known.stage, known.stage)}" + (f": {about}" if about else "")


def _first_line(strategy: type[regularizers.Strategy]) -> str:
    return next(iter((strategy.__doc__ or "").strip().splitlines()), "")


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"
