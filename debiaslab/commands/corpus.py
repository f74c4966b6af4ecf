"""The command that encodes a text into ids, and shows its size and what it covers."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from debiaslab.commands.options import CACHE, Command, Output, Said
from debiaslab.errors import UserError
from debiaslab.settings.options import (
    Line,
    Real,
    Text,
    Whole,
    command,
    fields_of,
    flag_of,
    line_of,
    option,
    part,
)
from debiaslab.settings.study import CorpusPart
from debiaslab.settings.training import CorpusSettings
from debiaslab.tables import Column, Table

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

_SCRIPTS = 4  # shown
_SAMPLE = 12  # words shown of the text
_MANY, _PHRASES = "many files at once", "learning phrases"


@command
class CorpusCommand(Command):
    """Encode a text into ids (kept in data/cache) and show its size and what it covers."""

    examples = """examples:
  python -m debiaslab corpus
  python -m debiaslab corpus biographies.txt.gz --phrases phrases.txt
  python -m debiaslab corpus biographies.txt.gz --mwes phrases.txt --min-count 5
  python -m debiaslab corpus crawl/*.zst --executor dask --scheduler tcp://10.0.0.1:8786"""
    corpus: CorpusPart = part(CorpusPart, "corpus")
    executor: Literal["local", "dask"] = option(
        "local: one file after the other; dask: on the processes of a Dask cluster",
        default="local",
        group=_MANY,
    )
    scheduler: Text | None = option(
        "of a Dask cluster that sees files and cache under the same paths; none: processes of this "
        "machine",
        default=None,
        metavar="ADDRESS",
        group=_MANY,
    )
    workers: Whole | None = option(
        "how many processes of this machine; none: one a core", default=None, ge=1, group=_MANY
    )
    phrases: Output | None = option(
        "only learn multi-word expressions from the text and write them to OUT, for --mwes",
        default=None,
        metavar="OUT",
        group=_PHRASES,
    )
    phrase_threshold: Real = option(
        "two neighbours above this normalised mutual information are a phrase; 0: chance, "
        "1: always together",
        default=0.5,
        group=_PHRASES,
    )
    phrase_passes: Whole = option(
        "each pass joins what those before have found", default=1, ge=1, group=_PHRASES
    )

    def run(self) -> Said:
        """Encode and describe the corpus, or learn phrases from it."""
        if self.phrases is not None:
            yield from self._learn_phrases(self.phrases)
            return
        corpus = self._encoded()
        yield f"{_size(corpus)}\n"
        yield _coverage(corpus)
        yield f"\nnext: python -m debiaslab sweep {self._as_typed()}--strategy projection"

    def _encoded(self) -> Corpus:
        from debiaslab.corpus import Corpus

        build = partial(Corpus.build, self.corpus.files, self.corpus.settings(), cache=CACHE)
        if self.executor == "local":
            if self.scheduler or self.workers:
                raise UserError(
                    "--scheduler and --workers are of a Dask cluster", next_step="--executor dask"
                )
            return build()
        if self.scheduler and self.workers:
            raise UserError(
                "--workers makes processes on this machine, --scheduler names a cluster that has "
                "some",
                next_step="one of them",
            )
        from debiaslab.study.cluster import connected, map_on

        with connected(self.scheduler, self.workers) as client:
            return build(mapper=partial(map_on, client, progress=True))

    def _learn_phrases(self, out: str) -> Iterator[str]:
        from debiaslab.corpus import learn_phrases, write_phrases

        if self.executor != "local":
            raise UserError(
                "phrases are learned in one process", next_step="--phrases without --executor"
            )
        phrases = learn_phrases(
            self.corpus.files,
            threshold=self.phrase_threshold,
            min_count=self.corpus.min_count,
            passes=self.phrase_passes,
            mwes=self.corpus.mwes,
            marks=self.corpus.marks,
            cache=CACHE,
        )
        write_phrases(phrases, out)
        yield f"{len(phrases):,} phrases in {out}"
        yield f"next: python -m debiaslab corpus {self._as_typed(mwes=out)}".rstrip()

    def _as_typed(self, mwes: str | None = None) -> str:
        """Return the arguments that make this corpus, for the next command."""
        words = [*self.corpus.files]
        for name, field in fields_of(CorpusSettings).items():
            value = mwes or self.corpus.mwes if name == "mwes" else getattr(self.corpus, name)
            if value != field.default:
                flag = flag_of(name, line_of(field) or Line())
                words += [flag] if isinstance(value, bool) else [flag, str(value)]
        return "".join(f"{shlex.quote(word)} " for word in words)


def _size(corpus: Corpus) -> str:
    lines = [
        ("corpus", corpus.name),
        ("documents", f"{corpus.documents:,}"),
        ("tokens", f"{corpus.raw_tokens:,} read, {corpus.tokens:,} in the vocabulary"),
        ("types", f"{corpus.raw_types:,} read, {len(corpus.words):,} in the vocabulary"),
        *_letters(corpus),
        ("fingerprint", corpus.fingerprint),
        ("cache", str(corpus.path)),
    ]
    return "\n".join(f"{name:12} {value}" for name, value in lines)


def _letters(corpus: Corpus) -> Iterator[tuple[str, str]]:
    """Yield what shows how the text was cut: scripts, odd tokens, marks, the first tokens."""
    from debiaslab.corpus.tokens import LONGEST, script_counts

    found = script_counts(corpus.words[: corpus.unk], corpus.counts[: corpus.unk].tolist())
    total = sum(found.tokens.values())
    shares = [f"{name} {_share(count / total)}" for name, count in found.tokens.items()]
    yield "scripts", ", ".join(shares[:_SCRIPTS]) + (", …" if len(shares) > _SCRIPTS else "")
    if found.odd:
        yield "odd tokens", f"{_share(found.odd_share)} of the tokens: {' '.join(found.odd)} …"
    if corpus.marks_kept:
        yield "marks", "combining marks belong to their words"
    elif corpus.marked:
        yield (
            "marks",
            f"{corpus.marked:,} words were cut at combining marks (not with --marks keep)",
        )
    if corpus.too_long:
        yield "too long", f"{corpus.too_long:,} left out (tokens of more than {LONGEST:,} bytes)"
    yield "text begins", " ".join(corpus.first_words(_SAMPLE)) + " …"


def _share(share: float) -> str:
    return f"{share:.2%}" if share >= 1e-4 else "<0.01%"


def _coverage(corpus: Corpus) -> Table:
    from debiaslab import lexicons
    from debiaslab.leaderboard.export import default_pairs

    rows = [_row(corpus, name, lexicons.load(name).words) for name in lexicons.names()]
    for name in lexicons.pair_names():
        pairs = lexicons.load_pairs(name).pairs
        rows.append(_pair_row(corpus, name, pairs))
    rows.append(_pair_row(corpus, "CodaLab pairs", default_pairs()))
    columns = (
        Column("word list", align="left"),
        *(Column("found"), Column("tune"), Column("report")),
        Column("missing", align="left"),
    )
    return Table(columns, rows, ruled=False)


def _row(corpus: Corpus, name: str, words: Sequence[str]) -> tuple[str, ...]:
    from debiaslab import lexicons
    from debiaslab.vectors.words import written_in

    found = [word for word in words if written_in(corpus.index, word) is not None]
    missing = [word for word in words if word not in set(found)]
    counts = []
    for half in ("tune", "report"):
        listed = [word for word in words if lexicons.half_of(word) == half]
        here = [word for word in found if lexicons.half_of(word) == half]
        counts.append(f"{len(here)}/{len(listed)}")
    shown = ", ".join(missing[:4]) + (", …" if len(missing) > 4 else "")
    return name, f"{len(found)}/{len(words)}", *counts, shown


def _pair_row(corpus: Corpus, name: str, pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    from debiaslab.vectors.words import written_pairs

    _, missing = written_pairs(corpus.index, pairs)
    shown = ", ".join("/".join(pair) for pair in missing[:3]) + (", …" if len(missing) > 3 else "")
    return name, f"{len(pairs) - len(missing)}/{len(pairs)}", "", "", shown
