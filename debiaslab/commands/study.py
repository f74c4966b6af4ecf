"""Commands that run a study: from a study file, from the line, or both: the line has the last word.

A search of λ, a comparison, planted doses and a floor are one model, `StudyFile`, and one driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic.fields import FieldInfo

from debiaslab.commands.options import (
    CACHE,
    Input,
    Output,
    OutputFolder,
    Said,
    folder_of,
    options_of,
)
from debiaslab.commands.running import check, corpus_of, plan_study, run_study
from debiaslab.commands.stores import (
    Pairs,
    WritesStore,
    check_store,
    knobs,
    open_store,
    pair_of,
    study_name,
)
from debiaslab.errors import UserError, nearest
from debiaslab.settings.options import (
    Flag,
    Text,
    command,
    fields_of,
    flag_of,
    line_of,
    option,
    other,
    part,
    put,
)
from debiaslab.settings.study import KEYS, USUAL, Kind, PlantingPart, StudyFile, parse, read_study

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.tracking import Store, StudyRun

INTERRUPTED = (
    "interrupted; what was recorded is kept; try: the same command again, which resumes it"
)
_YAML = (".yaml", ".yml")


@command
class StudyCommand(WritesStore):
    """What every command has that runs a study."""

    kind: ClassVar[Kind]
    group: ClassVar[str] = "study"  # of its own options in the help
    skipped: ClassVar[tuple[str, ...]] = ()
    instead: ClassVar[Mapping[str, Any]] = {}  # place of an option → the field that stands for it
    interrupted = INTERRUPTED
    study: StudyFile = part(StudyFile)
    set: Pairs = option(
        "any value of a study file, such as trainer.lr=0.01 or seeds=[4,5]",
        default=(),
        metavar="KEY=VALUE",
        parse=pair_of("KEY=VALUE"),
        again=True,
    )
    plan: Flag = option(
        "show what would be trained and how long it takes, and train nothing", default=False
    )

    @classmethod
    def options(cls) -> Iterator[tuple[str, FieldInfo, str | None]]:
        """Yield the options of this kind of study, with its defaults."""
        for place, field, group in super().options():
            first, _, key = place.partition(".")
            if first != "study":
                yield place, field, group or (None if first == "store" else cls.group)
            elif key.partition(".")[0] in KEYS[cls.kind] and key not in cls.skipped:
                made = cls.instead.get(key, field)
                if key in USUAL[cls.kind]:
                    made = other(made, default=USUAL[cls.kind][key])
                yield place, made, group or cls.group

    @classmethod
    def made(cls, given: Mapping[str, Any]) -> StudyCommand:
        """Return the command of what was given, with its study."""
        own = {key: value for key, value in given.items() if not key.startswith("study.")}
        of_study = {k.removeprefix("study."): v for k, v in given.items() if k not in own}
        names = {
            place.removeprefix("study."): flag_of(place.rpartition(".")[2], line)
            for place, field, _ in cls.options()
            if (line := line_of(field)) is not None
        }
        flags = {key: names[key] for key in of_study}
        study = study_from(of_study, own, flags, cls.kind)
        return cls(**own, study=study)

    def run(self) -> Said:
        """Run or continue the study, and say what it found and where things are."""
        check(self.study)  # what can fail at once comes before what takes long
        check_store(self.store, make=not self.plan)
        if self.plan:
            yield from plan_study(self.study, self.store)
        else:
            yield from run_study(
                self.study,
                self.store,
                out=getattr(self, "out", None),
                against=getattr(self, "against", None),
            )


@command
class SweepCommand(StudyCommand):
    """Search λ of a strategy: trains a baseline and one run per λ and seed, all logged to MLflow.

    The same command again continues the study. Bias is tuned on the tune half of the word lists and
    reported on the other half as well; see the printed formula. A study file (.yaml, such as those
    in experiments/) names everything at once; options given beside it change it.
    """

    kind = "sweep"
    examples = """examples:
  python -m debiaslab sweep --strategy projection
  python -m debiaslab sweep experiments/quickstart.yaml
  python -m debiaslab sweep experiments/homework.yaml biographies.txt.gz --trials 20
  python -m debiaslab sweep biographies.txt.gz --strategy pairwise --epochs 3 --trials 20 --seeds 3
  python -m debiaslab sweep --objectives bias,retention --sampler nsga2 --trials 24
  python -m debiaslab sweep --min-retention 0.98 --set objective.tests=[career-family]"""
    knob: Pairs = knobs("study")


@command
class PlanCommand(SweepCommand):
    """Show what a sweep would do, without doing it: trials, seeds, runs and the time they take.

    The time is measured on a short slice of the corpus, on this machine, as it is now. What sweep
    would refuse is refused here too; only a Dask cluster is not asked whether it is there.
    """

    examples = """examples:
  python -m debiaslab plan experiments/quickstart.yaml
  python -m debiaslab plan experiments/benchmark.yaml biographies.txt.gz --trials 30"""
    plan: Flag = option("", default=True, flag=None)


def _entries(text: str) -> list[dict[str, Any]]:
    """Read ``A,B@λ,C+D`` as the strategies of a study file."""
    from debiaslab.study.plan import Entry

    read = [Entry.parse(each) for each in text.split(",")]
    return [{"name": e.strategy, "weight": e.weight, "knobs": dict(e.knobs)} for e in read]


@command
class CompareCommand(StudyCommand):
    """Train strategies side by side on one corpus: the same seeds, the same scorecard, one table.

    λ is tuned for each strategy that has one (on seeds that are not reported), unless it is given
    as NAME@λ; the parts of several may have their own, NAME@λ+NAME@λ. Controls are trained besides.
    What differs is said by tests over the seeds, corrected for how many are read. The same command
    again continues the comparison.
    """

    kind = "compare"
    group = "comparison"
    skipped = ("budget.hours", "budget.stop")
    instead: ClassVar[Mapping[str, Any]] = {
        "strategies": option(
            "strategies, each with or without its λ; with knobs: NAME[knob=value;…]@λ",
            default=(),
            flag="--strategies",
            metavar="A,B@λ,C+D",
            parse=_entries,
            shown=",".join,
        )
    }
    examples = """examples:
  python -m debiaslab compare --strategies projection,pairwise,tying --trials 6
  python -m debiaslab compare bios.txt.gz --strategies projection@10,pairwise@1 --epochs 3
  python -m debiaslab compare --strategies projection,hard --select bias@0.98 --out results
  python -m debiaslab compare --strategies projection@0.5+pairwise@10,cds+hard,leace"""
    out: OutputFolder | None = option(
        "also write table (CSV, Markdown, LaTeX) and figures here",
        default=None,
        metavar="FOLDER",
        parse=folder_of(
            *(f"comparison.{ending}" for ending in ("txt", "csv", "md", "tex")),
            *(f"{name}.png" for name in ("front", "heat_map", "gap")),
        ),
    )
    against: Text | None = option(
        "one of the strategies: the differences of all others to it are shown too",
        default=None,
        metavar="NAME",
    )

    def run(self) -> Said:
        """Run or continue the comparison; what it is compared with has to take part."""
        from debiaslab.study.spec import comparison_of

        if self.against is not None:
            names = [entry.label for entry in comparison_of(self.study).entries]
            if self.against not in names:
                raise UserError(
                    f"--against was {self.against!r}, which is not compared here",
                    allowed=", ".join(names),
                    nearest=nearest(self.against, names),
                )
        yield from super().run()


def _words(text: str) -> tuple[str, ...]:
    from debiaslab.study.planting import words_from

    return words_from(text)


@command
class PlantedCommand(StudyCommand):
    """Plant a bias of a known dose in a text, train on it, and see which metrics follow the dose.

    Gender words near chosen words are turned to one gender: the dose says to which, and how many. A
    metric that measures association must follow it, and be at what random words show at 0; words
    without a dose must not move. The same command again continues what was interrupted.
    """

    kind = "planted"
    group = "planting"
    instead: ClassVar[Mapping[str, Any]] = {
        "planting.words": option(
            fields_of(PlantingPart)["words"].description or "",
            default=(),
            metavar="A,B,…|LEXICON",
            parse=_words,
        )
    }
    examples = """examples:
  python -m debiaslab planted
  python -m debiaslab planted bios.txt.gz --epochs 3 --doses -1,0,1 --out planted
  python -m debiaslab planted --words occupations --base corpus --seeds 5
  python -m debiaslab planted --apart --doses 0,0.5,1"""
    out: OutputFolder | None = option(
        "also write table, CSV and figure here",
        default=None,
        metavar="FOLDER",
        parse=folder_of("planted.txt", "planted.md", "planted.csv", "planted.png"),
    )


@command
class FloorCommand(StudyCommand):
    """Show what the lipstick tests show when there is no gender in the text at all.

    Trains with and without gender: in the gender-blind text every gender word and every first name
    is one and the same word. Read the lipstick tests of a debiased space against that floor, never
    against 0.5. The same command again continues what was interrupted.
    """

    kind = "floor"
    group = "floor"
    examples = """examples:
  python -m debiaslab floor
  python -m debiaslab floor bios.txt.gz --epochs 3 --seeds 5 --out floor.md"""
    out: Output | None = option(
        "also write the table here, as Markdown", default=None, metavar="FILE"
    )


@command
class ResumeCommand(WritesStore):
    """Continue a study by its name: its settings are kept with it.

    The corpus is looked for where it was, then by its fingerprint in the cache here, then in the
    store, which has it when the study ran on a cluster; or name its files. It must be the same
    text. Where the trials run may change from one command to the next; another executor than before
    forgets the scheduler and the number of workers.
    """

    interrupted = INTERRUPTED
    examples = """examples:
  python -m debiaslab resume quickstart
  python -m debiaslab resume biographies --trials 40
  python -m debiaslab resume biographies /data/biographies.txt.gz
  python -m debiaslab resume biographies --executor dask --scheduler tcp://10.0.0.1:8786"""
    study: Text = study_name()
    corpus: tuple[Input, ...] = option(
        "where the text is now", default=(), flag="corpus", metavar="CORPUS"
    )
    changes: dict[str, Any] = option("", default=dict, flag=None)

    @classmethod
    def options(cls) -> Iterator[tuple[str, FieldInfo, str | None]]:
        """Yield the options, those of a study that may change as a study file has them."""
        for key, field, _ in options_of(StudyFile):
            if key in ("budget.trials", "budget.hours", "workers", "executor", "scheduler"):
                text = f"{field.description}; not given: as it was"
                yield key, other(field, default=None, description=text), None
        yield from super().options()

    @classmethod
    def made(cls, given: Mapping[str, Any]) -> ResumeCommand:
        """Return the command of what was given; what is the study's is changed in it later."""
        from debiaslab.study.spec import changed

        own = {key: value for key, value in given.items() if key in fields_of(cls)}
        changes = {key: value for key, value in given.items() if key not in own}
        changed(StudyFile(), changes, _flags(changes))  # a slip is told before the store is read
        return cls(**own, changes=changes)

    def run(self) -> Said:
        """Continue, then say what was found, as sweep does."""
        from debiaslab.study.kept import kept_study
        from debiaslab.study.spec import changed

        store = open_store(self.store, write=True)
        study, begun = kept_study(store, self.study)
        moved = {"corpus.files": self.corpus} if self.corpus else {}
        study = changed(study, {**self.changes, **moved}, _flags(self.changes))
        corpus = None if self.corpus else _without_text(store, study, begun[0])
        check(study, text=corpus is None)
        if corpus is None:
            corpus = self._same_text(study, begun[0].params["corpus_fingerprint"])
        yield from run_study(study, self.store, corpus)

    def _same_text(self, study: StudyFile, wanted: str) -> Corpus:
        """Return the encoded corpus of the files; refuse another text than the study's."""
        corpus = corpus_of(study)
        if corpus.fingerprint != wanted:
            raise UserError(
                f"the text of {self.study!r} was another (fingerprint of the corpus: "
                f"{wanted[:12]}… → {corpus.fingerprint[:12]}…)",
                allowed="the text the study was begun with, wherever it is now",
                next_step=f"{self.next('resume', self.study)} FILE…, or sweep with another "
                "--study NAME",
            )
        return corpus


def _flags(keys: Iterable[str]) -> dict[str, str]:
    return {key: f"--{key.rpartition('.')[2]}" for key in keys}


def _without_text(store: Store, study: StudyFile, run: StudyRun) -> Corpus | None:
    """Return the encoded corpus of a study whose text is not here; None: it is, or nothing is."""
    from debiaslab.corpus.corpus import CorpusReference
    from debiaslab.study.kept import find_corpus
    from debiaslab.tracking.names import CORPUS_FOLDER

    files = study.corpus.files
    if all(Path(file).is_file() for file in files):
        return None
    fingerprint = run.params["corpus_fingerprint"]
    path = Path(CACHE) / f"fetched-{fingerprint[:16]}"
    wanted = CorpusReference(
        fingerprint, path, study.corpus.settings(), run.params["corpus"], files
    )
    found = wanted.find(CACHE)
    if found is None and CORPUS_FOLDER in store.artifacts(run.run_id):
        found = find_corpus(store, run.run_id, wanted, CACHE)
    return found


# What the line and the file ask for ------------------------------------------------------------


def study_from(
    given: Mapping[str, Any], own: Mapping[str, Any], flags: Mapping[str, str], kind: Kind
) -> StudyFile:
    """Return the study of a line, of the study file that it names, or of both.

    Args:
        given: What the line says of the study, by keys of a study file.
        own: What else it says: ``set`` and ``knob``.
        flags: What the keys are called on the line.
        kind: The kind of study, unless the file has one.

    Raises:
        UserError: The file cannot be read, or a value of it or of the line cannot be used.
    """
    from debiaslab.study.spec import check_study

    words = given.get("corpus.files", ())
    paths = [word for word in words if Path(word).suffix.lower() in _YAML]
    if len(paths) > 1:
        raise UserError(f"{' and '.join(paths)} are two study files", allowed="one at a time")
    source = paths[0] if paths else "the command line"
    content = read_study(source) if paths else {}
    if kind != "sweep":
        content.setdefault("kind", kind)
    check_study(content, source)  # the slips of a file are named before those of the line
    files = [word for word in words if word not in paths]
    for key, value in {**given, "corpus.files": files}.items():
        if key != "corpus.files" or value:
            put(content, key, value)
    for key, text in own.get("set", ()):
        put(content, key, parse(text))
    study = check_study(content, source, flags)
    if knobs := dict(own.get("knob", ())):  # of every strategy
        strategies = tuple(
            each.model_copy(update={"knobs": {**each.knobs, **knobs}}) for each in study.strategies
        )
        study = study.model_copy(update={"strategies": strategies})
    return study
