"""Encode a text into ids (kept in data/cache) and show its size and what it covers."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import (
    MARKS,
    MIN_COUNT,
    RARE,
    add_corpus,
    corpus_from,
    real,
    whole,
)
from debiaslab.commands.files import CACHE, Output
from debiaslab.errors import UserError, nearest
from debiaslab.tables import Column, Table

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

LOCAL, DASK = "local", "dask"
_SCRIPTS = 4  # shown
_SAMPLE = 12  # words shown of the text

EXAMPLES = """examples:
  python -m debiaslab corpus
  python -m debiaslab corpus biographies.txt.gz --phrases phrases.txt
  python -m debiaslab corpus biographies.txt.gz --mwes phrases.txt --min-count 5
  python -m debiaslab corpus crawl/*.zst --executor dask --scheduler tcp://10.0.0.1:8786"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_corpus(parser)
    group = parser.add_argument_group("many files at once")
    group.add_argument(
        "--executor",
        default=LOCAL,
        help="local: one file after the other; dask: on the processes of a Dask cluster",
    )
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask cluster that sees files and cache under the same paths; none: processes of "
        "this machine",
    )
    group.add_argument(
        "--workers", type=whole(1), help="how many processes of this machine; none: one a core"
    )
    group = parser.add_argument_group("learning phrases")
    group.add_argument(
        "--phrases",
        type=Output,
        metavar="OUT",
        help="only learn multi-word expressions from the text and write them to OUT, for --mwes",
    )
    group.add_argument(
        "--phrase-threshold",
        type=real,
        default=0.5,
        help="two neighbours above this normalised mutual information are a phrase; 0: chance, "
        "1: always together",
    )
    group.add_argument(
        "--phrase-passes",
        type=whole(1),
        default=1,
        help="each pass joins what those before have found",
    )


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Encode and describe the corpus, or learn phrases from it."""
    if args.phrases is not None:
        if args.executor != LOCAL:
            raise UserError(
                "phrases are learned in one process", next_step="--phrases without --executor"
            )
        yield from _learn_phrases(args)
        return
    corpus = _encoded(args)
    yield f"{_size(corpus)}\n"
    yield _coverage(corpus)
    yield f"\nnext: python -m debiaslab sweep {_as_typed(args)}--strategy projection"


def _encoded(args: argparse.Namespace) -> Corpus:
    if args.executor not in (LOCAL, DASK):
        raise UserError(
            f"--executor was {args.executor!r}",
            allowed=f"{LOCAL} or {DASK}",
            nearest=nearest(args.executor, (LOCAL, DASK)),
        )
    if args.executor == LOCAL:
        if args.scheduler or args.workers:
            raise UserError(
                "--scheduler and --workers are of a Dask cluster", next_step="--executor dask"
            )
        return corpus_from(args)
    if args.scheduler and args.workers:
        raise UserError(
            "--workers makes processes on this machine, --scheduler names a cluster that has some",
            next_step="one of them",
        )
    from debiaslab.study.cluster import connected, map_on

    with connected(args.scheduler, args.workers) as client:
        return corpus_from(args, partial(map_on, client, progress=True))


def _learn_phrases(args: argparse.Namespace) -> Iterator[str]:
    from debiaslab.corpus import learn_phrases, write_phrases

    out = Path(args.phrases)
    phrases = learn_phrases(
        args.corpus,
        threshold=args.phrase_threshold,
        min_count=args.min_count,
        passes=args.phrase_passes,
        mwes=args.mwes,
        marks=args.marks,
        cache=CACHE,
    )
    write_phrases(phrases, out)
    args.mwes = str(out)
    yield f"{len(phrases):,} phrases in {out}"
    yield f"next: python -m debiaslab corpus {_as_typed(args)}".rstrip()


def _as_typed(args: argparse.Namespace) -> str:
    """Return the arguments that make this corpus, for the next command."""
    words = [*args.corpus]
    if args.mwes is not None:
        words += ["--mwes", args.mwes]
    if args.min_count != MIN_COUNT:
        words += ["--min-count", str(args.min_count)]
    if args.rare != RARE:
        words += ["--rare", args.rare]
    if args.marks != MARKS:
        words += ["--marks", args.marks]
    if args.keep_case:
        words.append("--keep-case")
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
