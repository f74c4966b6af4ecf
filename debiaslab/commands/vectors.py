"""Commands about the vectors of a run or a file: write them, and show what is near a word."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from debiaslab.commands.files import Input, Output, VectorsInput
from debiaslab.commands.options import Said
from debiaslab.commands.stores import (
    ReadsStore,
    ReadsVectors,
    best_run,
    one_of,
    open_store,
    run_vectors,
    study_name,
)
from debiaslab.errors import UserError
from debiaslab.settings.options import Real, Text, Whole, command, option

if TYPE_CHECKING:
    from debiaslab.vectors.embeddings import Embeddings

_CODALAB = (".csv", ".zip")
_VECTORS = {".txt": "word2vec", ".bin": "bin", ".kv": "kv", ".npz": "npz"}  # ending → format


@command
class ExportCommand(ReadsStore):
    """Write the CodaLab file (word1,word2,sim) of a run, or its vectors in another format.

    The ending of --out decides: .csv and .zip give the CodaLab file, .txt and .bin (word2vec), .kv
    (gensim) and .npz (numpy) the vectors.
    """

    examples = """examples:
  python -m debiaslab export --study NAME --out submission.zip
  python -m debiaslab export --run RUN_ID --pairs word-pairs.csv --out submission.csv
  python -m debiaslab export --study NAME --out vectors.kv"""
    study: Text | None = study_name("--run")
    run_id: Text | None = option(
        "take this run: its id, or its first letters", default=None, flag="--run", metavar="ID"
    )
    pairs: Input | None = option(
        "pairs to score, header word1,word2; none: the 1,630 pairs", default=None, metavar="CSV"
    )
    missing: Real = option(
        "sim of a pair with a word not in the vocabulary", default=0.0, ge=-1, le=1
    )
    format: Literal["word2vec", "bin", "kv", "npz"] | None = option(
        "write the vectors, as word2vec, bin, kv or npz", default=None
    )
    out: Output | None = option("file to write; none: submission.csv", default=None, metavar="FILE")

    def run(self) -> Said:
        """Write the file that was asked for."""
        from debiaslab import vectors
        from debiaslab.leaderboard.export import codalab, default_pairs, read_pairs
        from debiaslab.system.files import check_output, refuse_overwriting

        one_of(study=self.study, run=self.run_id)
        form = self._format()
        out = self.out or (f"vectors{_ending(form)}" if form else "submission.csv")
        check_output(out)
        refuse_overwriting([("--out", Path(out))], [] if self.pairs is None else [self.pairs])
        pairs = default_pairs() if self.pairs is None else read_pairs(self.pairs)
        store = open_store(self.store)
        run = best_run(store, self.run_id, self.study)
        embeddings = run_vectors(store, run)
        name = f"run {run.name} ({run.run_id})"
        if form is not None:
            yield f"wrote {vectors.write(embeddings, out, form)}: {embeddings!r} of {name}"
            return
        result = codalab(embeddings, pairs, out, missing=self.missing)
        if result.warning:
            warnings.warn(result.warning, stacklevel=1)
        yield f"wrote {result.path}: {result.rows:,} pairs of {name}"

    def _format(self) -> str | None:
        """Return the vector format that is asked for; None for the CodaLab file.

        Raises:
            UserError: The ending names no format, or contradicts the one that was given.
        """
        if self.out is None:
            return self.format
        out = Path(self.out)
        ending = out.suffix.lower()
        named = _VECTORS.get(ending)
        if self.format is None and named is None and ending not in _CODALAB:
            raise UserError(
                f"--out was {out}",
                allowed=f"{', '.join(_CODALAB)} (CodaLab), {', '.join(_VECTORS)} (vectors)",
                next_step=f"--out {out.stem or 'submission'}.zip",
            )
        if self.format and (ending in _CODALAB or named not in (None, self.format)):
            raise UserError(
                f"--format {self.format} and --out {out} do not go together",
                next_step=f"--out {out.stem}{_ending(self.format)}",
            )
        return self.format or named


def _ending(form: str) -> str:
    return next(ending for ending, known in _VECTORS.items() if known == form)


def _two_words(text: str) -> tuple[str, ...]:
    """Read ``man,woman``."""
    words = tuple(part.strip() for part in text.split(","))
    if len(words) != 2 or not all(words):
        raise argparse.ArgumentTypeError(f"{text!r} is not two words, such as man,woman")
    return words


@command
class NeighborsCommand(ReadsVectors, ReadsStore):
    """Show the nearest words of a word by cosine, or what it is by analogy, in one or two sets."""

    examples = """examples:
  python -m debiaslab neighbors university --vectors vectors.kv
  python -m debiaslab neighbors nurse --study NAME
  python -m debiaslab neighbors nurse --run RUN_ID --compare OTHER_RUN_ID
  python -m debiaslab neighbors doctor --analogy man,woman --vectors vectors.kv"""
    word: Text = option("", flag="word", metavar="WORD")
    vectors: VectorsInput | None = option("vectors from a file", default=None, metavar="FILE")
    run_id: Text | None = option(
        "vectors of a run: id, or its first letters", default=None, flag="--run", metavar="ID"
    )
    study: Text | None = option("vectors of the best run of a study", default=None, metavar="NAME")
    compare: VectorsInput | None = option(
        "a second run, or file, side by side", default=None, metavar="RUN2|FILE"
    )
    analogy: tuple[Text, Text] | None = option(
        "A : WORD :: B : ? instead, such as man,woman: with the question's words and without",
        default=None,
        metavar="A,B",
        parse=_two_words,
    )
    n: Whole = option("how many words", default=10, ge=1, flag="-n")

    def run(self) -> Said:
        """Print the neighbours, or the answers to an analogy."""
        from debiaslab.report.tables import analogy_table, neighbors_table

        one_of(vectors=self.vectors, run=self.run_id, study=self.study)
        first, label = self._first()
        second, other = (None, label) if self.compare is None else self._second(self.compare)
        if self.analogy is None:
            yield neighbors_table(first, self.word, self.n, second, (label, other))
            return
        for embeddings, name in ((first, label), (second, other)):
            if embeddings is not None:
                if second is not None:
                    yield name
                yield analogy_table(embeddings, self.word, self.analogy, self.n, name)

    def _first(self) -> tuple[Embeddings, str]:
        if self.vectors is not None:
            return self.reader().read(self.vectors), self.vectors
        store = open_store(self.store)
        run = best_run(store, self.run_id, self.study)
        return run_vectors(store, run), run.name

    def _second(self, named: str) -> tuple[Embeddings, str]:
        if Path(named).exists() or Path(named).suffix:  # run ids have no dot
            return self.reader().read(named), named
        store = open_store(self.store)
        run = store.run_named(named)
        return run_vectors(store, run), run.name
