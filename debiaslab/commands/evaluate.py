"""The command that measures vector files and runs, and compares several of them."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debiaslab.commands.options import Input, Output, Said, VectorsInput
from debiaslab.commands.stores import ReadsVectors, WritesStore, check_store
from debiaslab.errors import UserError
from debiaslab.settings.options import Flag, Text, Whole, command, option
from debiaslab.settings.training import LARGEST_SEED

if TYPE_CHECKING:
    from debiaslab.commands.evaluate_inputs import Inputs, VectorSet
    from debiaslab.metrics import Scorecard
    from debiaslab.metrics.comparison import ScorecardComparison
    from debiaslab.tracking import Store

_CORRELATIONS = ".correlations.csv"
_WHAT, _GOES = "what is measured", "where it goes"  # groups of options


class _ComparisonOutput(Output):
    def files(self) -> Iterator[Path]:
        """Yield the table and the file of rank correlations beside it."""
        yield from (Path(self), Path(self).with_suffix(_CORRELATIONS))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


@command
class EvaluateCommand(ReadsVectors, WritesStore):
    """Measure the bias and utility of vector files and runs, and compare several of them."""

    examples = """examples:
  python -m debiaslab evaluate vectors.kv
  python -m debiaslab evaluate debiased.kv --baseline vectors.kv --json scorecard.json
  python -m debiaslab evaluate debiased.kv --baseline vectors.kv --anchored
  python -m debiaslab evaluate a.kv b.txt c.bin --compare-csv comparison.csv
  python -m debiaslab evaluate vectors.kv --lexicon race --lexicon religion
  python -m debiaslab evaluate --run RUN_ID --log"""
    vectors: tuple[VectorsInput, ...] = option(
        ".kv, .txt (word2vec or GloVe), .bin, .npz, or .npy with its words",
        default=(),
        flag="vectors",
        metavar="FILE",
    )
    run_ids: tuple[Text, ...] = option(
        "also the vectors of this run: its id, or its first letters",
        default=(),
        flag="--run",
        metavar="ID",
    )
    words: Input | None = option(
        "words of a .npy file, one a line; none: NAME.words.txt", default=None, metavar="FILE"
    )
    baseline: VectorsInput | None = option(
        "vectors before debiasing: measured too, and adds retention, overlap, lipstick tests",
        default=None,
        metavar="FILE",
    )
    anchored: Flag = option(
        "a scorecard of its own, with intervals, for bias read along the gender words of the "
        "baseline, which a strategy cannot move",
        default=False,
        group=_WHAT,
    )
    groups: tuple[Text, ...] | None = option(
        "only these groups of metrics, such as weat,similarity; collapse checks come along",
        default=None,
        metavar="A,B",
        group=_WHAT,
        parse=_names,
    )
    quick: Flag = option(
        "values only, of fewer metrics: no intervals, tests, nulls, no Google analogies",
        default=False,
        group=_WHAT,
    )
    full: Flag = option(
        "print all, tune and report words, and why something was not measured",
        default=False,
        group=_WHAT,
    )
    similarity: tuple[Input, ...] = option(
        "similarity set word1,word2,score, or a folder of them, besides the two built in",
        default=(),
        metavar="CSV",
        group=_WHAT,
    )
    analogies: tuple[Input, ...] = option(
        "analogy questions, or a folder of them, besides Google's, which gensim carries",
        default=(),
        metavar="FILE",
        group=_WHAT,
    )
    lexicon: tuple[Input, ...] = option(
        "JSON or YAML that defines attributes besides gender, or tests; or the name of an "
        "attribute that ships: race, religion, ethnicity",
        default=(),
        metavar="FILE|NAME",
        group=_WHAT,
    )
    seed: Whole = option(
        "seed of permutations and bootstrap", default=0, ge=0, le=LARGEST_SEED, group=_WHAT
    )
    json: Output | None = option(
        "also write the scorecards to this file", default=None, metavar="OUT", group=_GOES
    )
    csv: Output | None = option(
        "also write one row a record", default=None, metavar="OUT", group=_GOES
    )
    compare_csv: _ComparisonOutput | None = option(
        "write values and ranks by file, and OUT's name with .correlations.csv",
        default=None,
        metavar="OUT",
        group=_GOES,
    )
    log: Flag = option("log each scorecard as a run in MLflow", default=False, group=_GOES)
    study: Text | None = option(
        "with --log: the study the runs belong to", default=None, metavar="NAME", group=_GOES
    )

    def run(self) -> Said:
        """Measure each set of vectors, print its table, then the comparison of several."""
        from debiaslab.commands.evaluate_inputs import load_all
        from debiaslab.metrics import compare, warnings_of
        from debiaslab.metrics.tables import (
            brief_blocks,
            comparison_blocks,
            printed,
            scorecard_blocks,
        )

        self._check()
        inputs = load_all(self)
        if self.compare_csv is not None and len(inputs.subjects) < 2:
            raise UserError(
                "--compare-csv was given with one set of vectors",
                allowed="two or more, such as --baseline FILE",
            )
        log = self._log() if self.log else None
        cards: list[Scorecard] = []
        before: Scorecard | None = None  # the baseline's, which is the first
        said: list[str] = []
        for subject, measured in self._measured(inputs):
            card = _with_corrections(measured)
            cards.append(card)
            blocks = scorecard_blocks if self.full else brief_blocks
            said = [printed(blocks(card, warnings_of(card, before)))]
            before = card if subject.is_baseline else before
            if log is not None:
                said.append(f"logged run {_logged(log, subject, card)}")
            subject.let_go()
            if inputs.subjects:
                yield from said  # others take a while yet
                said = []
        comparison = compare(cards) if len(cards) > 1 else None
        written = list(self._written(cards, comparison))
        yield from said
        if comparison is not None:
            yield printed(comparison_blocks(comparison))
        yield from written

    def _check(self) -> None:
        """Refuse what can be known to be wrong before anything is read."""
        from debiaslab.metrics.evaluation import ALONG_ATTRIBUTES, measured_groups

        measured_groups(self.groups)
        if self.anchored and self.groups and not {*self.groups} & {*ALONG_ATTRIBUTES}:
            raise UserError(
                f"--groups {','.join(self.groups)} has nothing that --anchored reads",
                allowed=", ".join(ALONG_ATTRIBUTES),
            )
        if self.anchored and self.baseline is None:
            raise UserError(
                "--anchored reads along the gender words of a baseline, and none was given",
                next_step="--baseline FILE --anchored",
            )
        if self.study is not None and not self.log:
            raise UserError(
                "--study names where the runs are logged, and nothing is logged",
                next_step=f"--log --study {self.study}, or --run ID to measure a run",
            )

    def _measured(self, inputs: Inputs) -> Iterator[tuple[VectorSet, Scorecard]]:
        """Yield the scorecard of each set of vectors, which is then let go."""
        from debiaslab.metrics import evaluate
        from debiaslab.metrics.evaluation import ALONG_ATTRIBUTES

        while inputs.subjects:
            subject = inputs.subjects.pop(0)
            groups = subject.groups(self._asked(inputs))
            if groups == []:
                continue
            measure = partial(
                evaluate,
                seed=self.seed,
                quick=self.quick,
                similarity=inputs.similarity,
                baseline=inputs.baseline,
                analogies=inputs.analogies,
                attributes=inputs.attributes,
                tests=inputs.tests,
                progress=True,
            )
            yield subject, measure(subject.embeddings, name=subject.label, groups=groups)
            if self.anchored and not subject.is_baseline:
                found, name = inputs.anchored(subject.embeddings), f"{subject.label} (anchored)"
                along = [each for each in groups or () if each in ALONG_ATTRIBUTES]
                yield subject, replace(measure(found, name=name, groups=along), anchored=())

    def _asked(self, inputs: Inputs) -> list[str] | None:
        """Return the groups asked for: with a baseline all it adds, for the baseline itself too.

        What a user hands in is measured with ``--quick`` as well.
        """
        from debiaslab.metrics.evaluation import ADDED, QUICK, measured_groups

        handed_in = {
            "baseline": inputs.baseline is not None,
            "analogies": inputs.analogies is not None,
            "attributes": bool(inputs.attributes),
        }
        given = [what for what, there in handed_in.items() if there]
        if self.groups is not None:
            return list(self.groups)
        if self.quick:
            return measured_groups([*QUICK, *(name for what in given for name in ADDED[what])])
        return measured_groups(None, given=given) if inputs.baseline is not None else None

    def _written(
        self, cards: Sequence[Scorecard], comparison: ScorecardComparison | None
    ) -> Iterator[str]:
        from debiaslab.metrics import (
            comparison_csv,
            correlations_csv,
            rank_correlations,
            scorecards_csv,
        )
        from debiaslab.system.files import write_file

        if self.json is not None:
            documents = [card.to_dict() for card in cards]
            whole = documents[0] if len(documents) == 1 else documents
            text = json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
            yield f"wrote {write_file(self.json, text)}"
        if self.csv is not None:
            yield f"wrote {write_file(self.csv, scorecards_csv(cards))}"
        if self.compare_csv is not None and comparison is not None:
            yield f"wrote {write_file(self.compare_csv, comparison_csv(comparison))}"
            correlations = rank_correlations(comparison)
            if correlations.reason is None:
                beside = Path(self.compare_csv).with_suffix(_CORRELATIONS)
                yield f"wrote {write_file(beside, correlations_csv(correlations))}"

    def _log(self) -> tuple[Store, str | None, dict[str, Any]]:
        """Return the store, made when it is new, the study's run id, and what was asked for."""
        from debiaslab import lexicons
        from debiaslab.tracking import Store

        check_store(self.store)
        store = Store.open(self.store)
        parent = None if self.study is None else store.study_named(self.study).run_id
        params = {
            "seed": self.seed,
            "quick": self.quick,
            "groups": ",".join(self.groups or ["default"]),
            "baseline": self.baseline,
            "similarity": ", ".join(self.similarity),
            "analogies": ", ".join(self.analogies),
            "lexicon": ", ".join(self.lexicon),
            "lexicon_versions": json.dumps(lexicons.versions(), sort_keys=True),
        }
        return store, parent, params


@command
class TestCommand(ReadsVectors):
    """Test whether two kinds of vectors differ, over the training seeds they share.

    Each kind is as many files, the same seeds in the same order. Differences are those of the first
    kind to the other; p is corrected over the measures shown. Report words only.
    """

    examples = """examples:
  python -m debiaslab test leace1.kv leace2.kv leace3.kv --against hard1.kv hard2.kv hard3.kv
  python -m debiaslab test a1.kv a2.kv a3.kv --against b1.kv b2.kv b3.kv --lexicon race --full"""
    vectors: tuple[VectorsInput, ...] = option(
        "vectors of one kind, a file for each training seed", flag="vectors", metavar="FILE"
    )
    against: tuple[VectorsInput, ...] = option(
        "as many of the other kind, the same seeds in the same order", metavar="FILE", nargs="+"
    )
    similarity: tuple[Input, ...] = option(
        "similarity set word1,word2,score, or a folder of them, besides the two built in",
        default=(),
        metavar="CSV",
    )
    lexicon: tuple[Input, ...] = option(
        "JSON or YAML that defines attributes besides gender, or tests; or the name of an "
        "attribute that ships: race, religion, ethnicity",
        default=(),
        metavar="FILE|NAME",
    )
    full: Flag = option(
        "test every measure, not only the headline and the given ones", default=False
    )
    csv: Output | None = option(
        "also write the table, unrounded, to this file", default=None, metavar="OUT"
    )
    seed: Whole = option("seed of the random words", default=0, ge=0, le=LARGEST_SEED)

    def run(self) -> Said:
        """Measure all files, and say of each measure what the seeds can tell."""
        from debiaslab.commands.evaluate_inputs import load_lexicons, load_similarity_sets
        from debiaslab.metrics import evaluate
        from debiaslab.report import StrategyResult
        from debiaslab.report.verdict import difference_finding, difference_table, differences
        from debiaslab.system.files import write_file

        if len(self.vectors) != len(self.against):
            raise UserError(
                f"{len(self.vectors)} files were to be tested against {len(self.against)}",
                allowed="as many of each kind, the same seeds in the same order",
            )
        for files in (self.vectors, self.against):
            counts = Counter(os.path.realpath(str(file)) for file in files)
            if twice := [each for each, n in counts.items() if n > 1]:
                raise UserError(
                    f"{twice[0]} is named twice in one kind",
                    allowed="a file for each training seed",
                )
        attributes, tests = load_lexicons(self.lexicon)
        similarity = load_similarity_sets(self.similarity)
        reader, sides = self.reader(), []
        for files in (self.against, self.vectors):
            cards = tuple(
                evaluate(
                    reader.in_order(file),
                    seed=self.seed,
                    bootstrap=0,
                    similarity=similarity,
                    attributes=attributes,
                    tests=tests,
                    progress=True,
                )
                for file in files
            )
            none = (None,) * len(files)
            sides.append(StrategyResult(files[0], None, "none", False, cards, none, none))
        found = differences(sides, {each.name for each in tests}, full=self.full)
        table = difference_table(sides, found)
        written = None if self.csv is None else write_file(self.csv, table.csv())
        yield difference_finding(found)
        yield ""
        yield table
        if written is not None:
            yield f"wrote {written}"


def _logged(
    log: tuple[Store, str | None, dict[str, Any]], subject: VectorSet, card: Scorecard
) -> str:
    """Log metrics, JSON and tables of one scorecard as a run, and return its id."""
    from debiaslab.metrics import scorecards_csv
    from debiaslab.study.run import flat, log_provenance
    from debiaslab.tracking import names

    store, parent, asked = log
    vectors = {
        "vectors": subject.label,
        "words": len(subject.embeddings),
        "dim": subject.embeddings.dim,
    }
    tags = {names.KIND_TAG: names.EVALUATION_KIND}
    if subject.run_id is not None:
        tags[names.EVALUATED_TAG] = subject.run_id
    # MLflow takes few signs in names, and a similarity set is called after its file
    metrics = {
        re.sub(r"[^\w\-. :/]", "_", key, flags=re.ASCII): value for key, value in flat(card).items()
    }
    name = f"evaluation · {card.vectors}"
    with store.start(name, parent=parent, params=vectors | asked, tags=tags, dataset=None) as run:
        log_provenance(run)
        run.metrics(metrics)
        run.json(card.to_dict(), names.SCORECARD)
        run.text(card.table(), names.SCORECARD_TABLE)
        run.text(scorecards_csv([card]), names.SCORECARD_CSV)
    return run.run_id


def _with_corrections(card: Scorecard) -> Scorecard:
    """Return the scorecard with corrected p-values in ``extra`` of the records that have a p."""
    from debiaslab.metrics import corrected
    from debiaslab.metrics.tables import BH, HOLM

    found = {
        (each.metric, each.name, each.words): {HOLM: each.holm, BH: each.benjamini_hochberg}
        for each in corrected(card)
    }
    records = (
        replace(record, extra={**record.extra, **found[key]}) if key in found else record
        for record in card.records
        for key in [(record.metric, record.name, record.words)]
    )
    return replace(card, records=tuple(records))
