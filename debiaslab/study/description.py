"""What the MLflow UI says of studies and runs: names, notes, the report, the registered model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from debiaslab import regularizers
from debiaslab.errors import UserError
from debiaslab.leaderboard.export import default_pairs
from debiaslab.regularizers import Strategy
from debiaslab.report import (
    ReportContent,
    TrialRow,
    headline,
    html_page,
    study_report,
    trials_table,
)
from debiaslab.report.verdict import verdict
from debiaslab.results import read_study
from debiaslab.study.objective import FORMULA
from debiaslab.tracking.contact import run_page, view_page
from debiaslab.tracking.names import FULL_REPORT_TAG, MODEL_TAG, REPORT

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.regularizers import Strategy
    from debiaslab.results import StudyResults
    from debiaslab.study.objective import Outcome
    from debiaslab.study.plan import Plan
    from debiaslab.tracking import Store
    from debiaslab.vectors.embeddings import Embeddings


_STAGES = {"pre": "before training", "in": "during training", "post": "after training"}
_READING = """\
- **bias** is in units of what random words show in the baseline: 1 is what they reach one time in
  twenty, so below 1 there is little to see. Smaller is better.
- **retention** is word similarity divided by the baseline's (λ = 0, same seed): 1 is nothing lost.
- **tune** words steered the search. **report** words were held out of it: read those.
- **score** is what the search made small, from tune words alone."""


def study_note(
    plan: Plan,
    corpus: Corpus,
    place: tuple[str, str],
    *,
    rows: Sequence[TrialRow] = (),
    words: str = "",
    warnings: Sequence[str] = (),
) -> str:
    """Return the description of a sweep.

    Args:
        plan: The study.
        corpus: Its corpus.
        place: MLflow experiment and run of the study, for the links.
        rows: What has finished; none while the study runs for the first time.
        words: What was covered, tuned on and reported on.
        warnings: What the reader should know.
    """
    return "\n\n".join(
        part
        for part in (
            _finding(rows),
            _links(*place, report=bool(rows), figure="sweep" if rows else None),
            _question(plan, corpus),
            trials_table([row for row in rows if row.best or row.trial is None]).markdown()
            if rows
            else "",
            "### How to read it\n\n" + _READING,
            f"```\n{words}\n```" if words else "",
            "\n".join(f"- **Note:** {warning}" for warning in warnings),
            f"```\n{FORMULA}\n```",
        )
        if part
    )


def comparison_note(table: str, experiment: str, parent: str) -> str:
    """Return the description of a comparison; ``table`` is Markdown."""
    return "\n\n".join(
        (
            "**Question.** Which strategy takes most bias out of the same text with the same "
            "seeds, and what does each cost?",
            _links(experiment, parent, figure="heat_map"),
            table,
            "### How to read it\n\n" + _READING,
        )
    )


def run_note(label: str | None, seed: int, outcome: Outcome | None) -> str:
    """Return the description of one run; the baseline has no ``label``."""
    what = "The baseline: no strategy (λ = 0)" if label is None else f"`{label}`"
    lines = [f"{what}, seed {seed}."]
    if outcome is not None:
        lines.append(
            f"Bias on report words {_shown(outcome.bias_report)}, on tune words "
            f"{_shown(outcome.bias_tune)} (1: what random words reach one time in twenty); "
            f"retention {_shown(outcome.retention_report)} on report pairs, "
            f"{_shown(outcome.retention_tune)} on tune pairs; score {outcome.score:.3f}."
        )
    lines.append("`report.html` under *Artifacts* shows everything that was measured.")
    return "\n\n".join(lines)


def _finding(rows: Sequence[TrialRow]) -> str:
    if not rows:
        return "**Nothing is chosen yet**: the search runs, or was interrupted."
    found = verdict(rows)
    return f"**{headline(rows) if found is None else found.sentence}**"


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


def _question(plan: Plan, corpus: Corpus) -> str:
    size: dict[str, Any] = corpus.describe()
    seeds = "one seed" if len(plan.seeds) == 1 else f"{len(plan.seeds)} seeds"
    lines = [
        f"**Question.** How much gender bias does `{plan.strategy}` take out of word embeddings, "
        "at which λ, and how much word similarity does it cost?",
        f"**Corpus.** {corpus.name}: {size['documents']:,} documents, {size['tokens']:,} tokens, "
        f"{size['types']:,} types.",
        *(f"**Strategy.** {_about_strategy(name)}" for name in plan.strategy.split("+")),
        f"**Budget.** Up to {plan.trials} values of λ, each with {seeds}, and a "
        f"baseline (λ = 0) of every seed. Cover: `{plan.cover}`.",
    ]
    return "\n\n".join(lines)


def _about_strategy(name: str) -> str:
    known = regularizers.get(name)
    about = (known.__doc__ or "").strip().splitlines()
    first = f": {about[0]}" if about else ""
    return f"`{name}`, {_STAGES.get(known.stage, known.stage)}{first}"


def _shown(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def report_of(study: StudyResults, *, brief: bool = False) -> ReportContent:
    """Return the report of a study, with what each strategy says of itself."""
    about = _about_strategies(study)
    return study_report(study, formula=FORMULA, strategies=about, brief=brief)


def log_report(store: Store, parent: str, page: str) -> None:
    """Make ``page`` the page of the study whose run is ``parent``, from now on a full report."""
    writer = store.writer(parent)
    writer.text(page, REPORT)
    writer.tags({FULL_REPORT_TAG: True})


def renew_report(store: Store, name: str, parent: str) -> None:
    """Log the report and the figures of a study: a full one where it had one, else in brief."""
    brief = FULL_REPORT_TAG not in store.run(parent).tags
    report = report_of(read_study(store, name), brief=brief)
    writer = store.writer(parent)
    writer.text(html_page(report), REPORT)
    for each in report.drawings:
        writer.binary(each.png, f"figures/{each.name}.png")
    writer.flush()


def _about_strategies(study: StudyResults) -> dict[str, str]:
    """Return the first sentence of each strategy about itself, with its source."""
    said = {}
    for name in {run.strategy for run in study.runs} - {"baseline"}:
        try:
            made = [regularizers.get(part) for part in name.split("+")]
        except UserError:  # a strategy of somebody's own, not installed here
            continue
        said[name] = " Then: ".join(f"{_first_line(each)} ({each.citation})" for each in made)
    return said


def _first_line(strategy: type[Strategy]) -> str:
    return (strategy.__doc__ or "").strip().splitlines()[0].rstrip(".").replace("``", "")


_MODEL_NOTE = """\
Cosine similarity of word pairs, by the vectors of the best run of the debiasing study `{study}`.
The alias `best` names the version to use; a version's source run says how it was trained.

```
mlflow models serve -m "models:/{study}@best" --env-manager local --port 5001
```
"""


def publish(store: Store, study: str, best: str, embeddings: Embeddings) -> None:
    """Log the vectors of the best run as a model, once, and make it the study's registered best.

    Args:
        store: The tracking store.
        study: Name of the study, which names the registered model.
        best: The run.
        embeddings: Its vectors.
    """
    model = store.run(best).tags.get(MODEL_TAG)
    if model is None:
        model = store.log_model(best, embeddings, example=default_pairs()[:3])
        store.writer(best).tags({MODEL_TAG: model})
    store.register(study, best, model, _MODEL_NOTE.format(study=study))
