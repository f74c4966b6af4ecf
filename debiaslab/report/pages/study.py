"""From a study as the tracking store holds it to what its report says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from debiaslab.metrics.vocabulary import shortlist
from debiaslab.report import tables
from debiaslab.report.pages.again import commands
from debiaslab.report.pages.content import Drawing, StudyReport
from debiaslab.report.pages.neighbors import neighbor_index
from debiaslab.report.pages.pictures import (
    comparison_drawings,
    size_drawings,
    sweep_drawings,
    training_drawings,
    word_drawings,
)
from debiaslab.report.verdict import compared_verdict, verdict
from debiaslab.statistics.warnings import warnings_of
from debiaslab.tables import Table

if TYPE_CHECKING:
    from debiaslab.results import RunResults, StudyResults
    from debiaslab.results.words import HeldOut

_SETTINGS = (
    "engine", "dim", "window", "dynamic", "negatives", "epochs", "subsample", "lr", "optimizer",
    "threads",
)  # fmt: skip


def study_report_of(
    study: StudyResults, *, formula: str, strategies: Mapping[str, str] | None = None
) -> StudyReport:
    """Return the report of a study.

    Args:
        study: As ``open_study`` returns it.
        formula: The objective, as text.
        strategies: Name to what a strategy says of itself.

    Raises:
        UserError: A comparison has not ended.
    """
    before, after = _subjects(study)
    vectors = None if after is None else (before.embeddings(), after.embeddings())
    drawings = list(_drawings(study, before, after))
    index = None
    if vectors is not None and after is not None:
        note = f"{after.label} against the baseline, seed {after.seed}."
        drawings += word_drawings(*vectors, study.held_out.tuned_on, note)
        index = neighbor_index(*vectors)
    provenance = study.provenance
    return StudyReport(
        title=study.name,
        question=_question(study),
        headline=_headline(study),
        warnings=_warnings(study, before, after),
        corpus=_corpus(study),
        method=_method(study, strategies or {}),
        budget=_budget(study),
        drawings=drawings,
        tables=list(_tables(study, before, after)),
        neighbors=index,
        held_out=_held_out(study),
        formula=formula,
        commands=commands(study),
        origin=_origin(study, provenance),
        diff=(provenance.get("git") or {}).get("diff") or "",
    )


def _subjects(study: StudyResults) -> tuple[RunResults, RunResults | None]:
    """Return the two runs that are looked at word by word: a baseline, and the one to read.

    Of a comparison it is the strategy with the least bias on report words, controls excepted; of
    both the first seed that has it, as no seed is chosen by its result.
    """
    first = next(iter(study.baselines.values()), study.runs[0])
    if study.is_comparison:
        least = compared_verdict(study.sides).least
        runs = () if least is None else study.sides[least].runs
        after = next((study.run(run_id) for run_id in runs if run_id is not None), None)
    else:
        tried = any(row.best for row in study.trials)
        after = study.best if tried else None
    return (study.baselines.get(after.seed, first), after) if after is not None else (first, None)


def _drawings(
    study: StudyResults, before: RunResults, after: RunResults | None
) -> Iterator[Drawing]:
    yield from (
        comparison_drawings(study.sides)
        if study.is_comparison
        else sweep_drawings(study.trials, study.params.get("strategy", "NAME"))
    )
    if after is not None:
        yield from size_drawings(before, after)
        trained = _same(study, after)
        starts = [base for run in trained if (base := study.baselines.get(run.seed)) is not None]
        yield from training_drawings(starts, trained)


def _same(study: StudyResults, run: RunResults) -> list[RunResults]:
    """Return the runs of every seed that were made as this one."""
    made = (run.strategy, run.weight, run.knobs)
    return [each for each in study.runs if (each.strategy, each.weight, each.knobs) == made]


def _tables(study: StudyResults, before: RunResults, after: RunResults | None) -> Iterator[Table]:
    if study.is_comparison:
        yield tables.means_table(study.sides, "Strategies")
        yield tables.changes_table(study.sides)
    else:
        yield tables.trials_table(study.trials, "Trials")
    yield tables.runs_table(study)
    if after is not None:
        yield tables.records_table(before, after)


def _question(study: StudyResults) -> str:
    corpus = study.corpus["name"]
    if study.is_comparison:
        rivals = sum(not side.control for side in study.sides[1:])
        return (
            f"Which of {_strategies(rivals)} takes most gender bias out of word "
            f"embeddings trained on {corpus}, and what of word similarity does each cost?"
        )
    strategy = study.params.get("strategy", "the strategy")
    return (
        f"Does {strategy} take gender bias out of word embeddings trained on {corpus}, at which "
        "λ, and what of word similarity does it cost?"
    )


def _strategies(count: int) -> str:
    return f"{count} {'strategy' if count == 1 else 'strategies'}"


def _headline(study: StudyResults) -> str:
    if study.is_comparison:
        return compared_verdict(study.sides).sentence
    found = verdict(study.trials)
    return "No trial has finished yet: only the baseline." if found is None else found.sentence


def _warnings(study: StudyResults, before: RunResults, after: RunResults | None) -> tuple[str, ...]:
    subject, against = (before, None) if after is None else (after, before.scorecard)
    found = list(warnings_of(subject.scorecard, against, seeds=len(study.seeds)))
    if study.parent.status == "RUNNING":
        found.insert(0, "the study has not ended: this is what has finished so far")
    failed = [run for run in study.unfinished if run.status in ("FAILED", "KILLED")]
    if failed:
        found.append(
            f"{len(failed)} runs did not finish: "
            + "; ".join(
                f"{run.name} ({run.tags.get('debiaslab.reason', run.status)})" for run in failed[:5]
            )
        )
    return tuple(map(_sentence, found))


def _sentence(text: str) -> str:
    """Begin with a capital, unless it begins with a symbol such as d."""
    begun = text if text[1:2] == " " else text[0].upper() + text[1:]
    return f"{begun}."


def _corpus(study: StudyResults) -> dict[str, str]:
    corpus = study.corpus
    settings = corpus.get("settings", {})
    return {
        "text": str(corpus["name"]),
        "sources": ", ".join(corpus.get("sources", ())),
        "documents": f"{corpus['documents']:,}",
        "tokens": f"{corpus['tokens']:,} of {corpus['raw_tokens']:,}",
        "types": f"{corpus['types']:,} of {corpus['raw_types']:,}",
        "preparation": ", ".join(f"{k} {v}" for k, v in settings.items() if v is not None),
        "fingerprint": str(corpus["fingerprint"]),
    }


def _method(study: StudyResults, strategies: Mapping[str, str]) -> dict[str, str]:
    training = ", ".join(
        f"{name} {study.params[name]}"
        for name in _SETTINGS
        if study.params.get(name, "None") != "None"
    )
    found = {"training": f"skip-gram with negative sampling: {training}"}
    names = dict.fromkeys(run.strategy for run in study.runs if run.strategy != "baseline")
    for name in names:
        found[name] = strategies.get(name, "a strategy that is not installed here")
    found["seeds"] = ", ".join(map(str, study.seeds)) + " (the same for the baseline)"
    if study.is_comparison:
        tuned = sum(side.tuning_runs > 0 for side in study.sides)
        found["λ"] = (
            f"chosen by the rule {study.params.get('select', 'composite')} on other seeds for "
            f"{_strategies(tuned)}, given for the rest"
        )
    else:
        found["λ"] = "searched by the objective, which reads tune words only"
    return found


def _budget(study: StudyResults) -> dict[str, str]:
    seconds = sum(run.info.metrics.get("seconds", 0.0) for run in study.runs)
    found = {
        "runs": f"{len(study.runs)} finished, {len(study.unfinished)} not",
        "training": f"{seconds:,.0f} s in all",
    }
    if study.parent.end is not None:
        whole = (study.parent.end - study.parent.start).total_seconds()
        found["from first start to last end"] = f"{whole:,.0f} s"
    if study.is_comparison:
        spent = sum(side.tuning_seconds for side in study.sides)
        runs = sum(side.tuning_runs for side in study.sides)
        found["choosing λ"] = f"{runs} further runs, {spent:,.0f} s of training"
    else:
        found["λs tried"] = str(len({row.trial for row in study.trials} - {None}))
    return found


def _held_out(study: StudyResults) -> tuple[str, ...]:
    held = study.held_out
    return (
        f"Acted on: {'; '.join(_acted_on(study))}.",
        f"Tuned on: the tune words of {_listed(held.tuned_on)}, and the tune pairs of WordSim-353 "
        "and SimLex-999. λ was chosen by these numbers.",
        f"Held out: report words are {held.report_words}; nothing was chosen by them. Measured on "
        f"them: {_listed(held.reported_on)}, and every list's report half in the scorecard.",
    )


def _acted_on(study: StudyResults) -> Iterator[str]:
    """Yield which words were acted on, and by which strategies where there are several."""
    names: dict[str, dict[str, None]] = {}
    for run in study.runs:
        if run.held_out.covered is not None:
            names.setdefault(_reach(run.held_out), {})[run.strategy] = None
    if not names:
        yield "no strategy has finished"
    for reach, strategies in names.items():
        who = f"{', '.join(strategies)}: " if study.is_comparison else ""
        yield who + reach


def _reach(held: HeldOut) -> str:
    lost = f" (the text lacks {shortlist(held.pairs_missing)})" if held.pairs_missing else ""
    return (
        f"{held.covered:,} non-gender words (cover {held.cover}), given {len(held.pairs)} gender "
        f"pairs that the text has, {', '.join(held.pairs)}{lost}"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "no test: too few of their words are in this text"


def _origin(study: StudyResults, provenance: Mapping[str, Any]) -> dict[str, str]:
    git = provenance.get("git")
    commit = "not a git checkout"
    if git:
        commit = git["commit"] + (" with uncommitted changes" if git["dirty"] else "")
    packages = provenance.get("packages") or {}
    machine = provenance.get("machine") or {}
    return {
        "corpus fingerprint": str(study.corpus["fingerprint"]),
        "git commit": commit,
        "debiaslab": str(provenance.get("debiaslab")),
        "python": str(provenance.get("python")),
        "packages": ", ".join(f"{name} {version or '–'}" for name, version in packages.items()),
        "machine": ", ".join(f"{key} {value}" for key, value in machine.items()),
        "word lists": _lexicons(study.runs[0].info.params.get("lexicon_versions")),
        "MLflow run of the study": study.parent.run_id,
        "started": f"{study.parent.start:%Y-%m-%d %H:%M} UTC",
    }


def _lexicons(versions: str | None) -> str:
    """Return a digest of the versions of all word lists, which a run records one by one."""
    if versions is None:
        return "not recorded"
    return f"versions with digest {hashlib.sha256(versions.encode()).hexdigest()[:12]}"
