"""Commands that make vectors outside any study: by training, or by debiasing finished ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from debiaslab.commands.options import CACHE, OutputFolder, Said, VectorsInput, VectorsOutput
from debiaslab.commands.stores import (
    Pairs,
    ReadsVectors,
    WritesStore,
    check_device,
    check_store,
    knobs,
    next_command,
)
from debiaslab.errors import UserError
from debiaslab.settings.options import Flag, Real, Text, Whole, command, option, part
from debiaslab.settings.study import CorpusPart, Cover
from debiaslab.settings.training import LARGEST_SEED, TrainSettings
from debiaslab.system.provenance import utf8

if TYPE_CHECKING:
    from debiaslab.regularizers import Coverage, PostProcess
    from debiaslab.sgns import Checkpoints, Start
    from debiaslab.vectors.embeddings import Embeddings

_COVER = "non-gender words it acts on: tune, vocabulary or all"
_SHOWN = 4  # pairs that are named


class _EventsFolder(OutputFolder):
    def check(self) -> None:
        """Refuse a folder that cannot be written, or whose name TensorBoard does not take."""
        super().check()
        if utf8(self) != self:
            raise UserError(
                f"the folder {self} has a byte in its name that is not UTF-8",
                allowed="a name in UTF-8: TensorBoard takes no other",
                next_step="--tensorboard events",
            )


@command
class TrainCommand(ReadsVectors, WritesStore):
    """Train one set of vectors, with or without a debiasing strategy, and save it.

    The file's ending chooses its format: .kv (gensim), .txt or .bin (word2vec), .npz (numpy).
    The run is logged to MLflow as well.
    """

    examples = """examples:
  python -m debiaslab train --out vectors.kv
  python -m debiaslab train biographies.txt.gz --strategy projection --weight 0.1 --out debiased.kv
  python -m debiaslab train biographies.txt.gz --init vectors.kv --epochs 2 --out longer.kv
  python -m debiaslab train biographies.txt.gz --checkpoint saved --out vectors.kv"""
    corpus: CorpusPart = part(CorpusPart, "corpus")
    settings: TrainSettings = part(TrainSettings, "training")
    strategy: Text = option("see: python -m debiaslab strategies", default="none", group="strategy")
    weight: Real = option("λ, the weight of its penalty", default=1.0, ge=0, group="strategy")
    knob: Pairs = knobs("strategy")
    cover: Cover = option(_COVER, default="all", group="strategy")
    init: VectorsInput | None = option("vectors to continue from", default=None, metavar="FILE")
    init_contexts: VectorsInput | None = option(
        "with --init: context vectors of the same words, such as gensim's syn1neg saved with them; "
        "none: context embeddings start from scratch",
        default=None,
        metavar="FILE",
    )
    keep_words: Flag = option(
        "with --init: keep its words that the text lacks, as they are", default=False
    )
    out: VectorsOutput = option(
        "where to save", default=VectorsOutput("vectors.kv"), metavar="FILE"
    )
    tensorboard: _EventsFolder | None = option(
        "also write the running loss for TensorBoard here", default=None, metavar="DIR"
    )
    checkpoint: OutputFolder | None = option(
        "save the training here from time to time: when it is interrupted, the same command again "
        "resumes it; removed at the end",
        default=None,
        metavar="DIR",
        group="checkpoint",
    )
    checkpoint_every: Real | None = option(
        "time between checkpoints, at least (60; saving never takes over 2 % of the time)",
        default=None,
        metavar="SECONDS",
        group="checkpoint",
    )

    def run(self) -> Said:
        """Train, measure, log and save."""
        from debiaslab.corpus import Corpus
        from debiaslab.corpus.reading import sources_of
        from debiaslab.study.single import SingleTraining, train_single

        # What can fail at once comes before what takes long.
        check_device(self.settings.device)
        training = SingleTraining(
            settings=self.settings,
            strategy=self.strategy,
            weight=self.weight,
            cover=self.cover,
            knobs=self.knob,
            init=self._start(),
            tensorboard=self.tensorboard,
        )
        checkpoint = self._checkpoint()
        sources_of(self.corpus.files)
        check_store(self.store)
        result = train_single(
            Corpus.build(self.corpus.files, self.corpus.settings(), cache=CACHE),
            training,
            out=self.out,
            root=self.store,
            checkpoint=checkpoint,
        )
        yield result.text
        then = next_command("neighbors", "man", "--vectors", str(self.out))
        yield f"saved {self.out}\nnext: {then}"

    def _start(self) -> Start | None:
        from debiaslab.sgns import Start

        if self.init is None:
            if self.init_contexts is not None or self.keep_words:
                flag = "--keep-words" if self.keep_words else "--init-contexts"
                raise UserError(f"{flag} was given without --init", next_step=f"--init FILE {flag}")
            return None
        reader = self.reader()
        contexts = None if self.init_contexts is None else reader.read(self.init_contexts)
        return Start(reader.read(self.init), contexts, keep_words=self.keep_words)

    def _checkpoint(self) -> Checkpoints | None:
        from debiaslab.sgns import Checkpoints

        folder, every = self.checkpoint, self.checkpoint_every
        if folder is None and every is not None:
            raise UserError(
                "--checkpoint-every was given without a folder",
                next_step=f"--checkpoint DIR --checkpoint-every {every:g}",
            )
        if folder is None:
            return None
        return Checkpoints(folder) if every is None else Checkpoints(folder, every)


@command
class DebiasCommand(ReadsVectors):
    """Debias finished vectors of any format with a post-processing strategy, and save the result.

    Penalties and changes of the text need a training: those are for the command train.
    """

    examples = """examples:
  python -m debiaslab debias --strategy hard vectors.kv
  python -m debiaslab debias --strategy inlp --knob steps=10 vectors.bin --out debiased.bin
  python -m debiaslab debias --strategy multiclass-hard --knob attribute=religion v.kv --out o.kv"""
    vectors: VectorsInput = option("vectors of any format", flag="vectors", metavar="VECTORS")
    out: VectorsOutput = option(
        "where to save the result", default=VectorsOutput("debiased.kv"), metavar="FILE"
    )
    strategy: Text = option(
        "a post-processing strategy; see: python -m debiaslab strategies",
        metavar="NAME",
        group="strategy",
    )
    weight: Real | None = option(
        "λ of a strategy that has one; none: its own", default=None, ge=0, group="strategy"
    )
    knob: Pairs = knobs("strategy")
    cover: Cover = option(_COVER, default="all", group="strategy")
    seed: Whole = option(
        "seed of every random draw", default=1, ge=0, le=LARGEST_SEED, group="strategy"
    )

    def run(self) -> Said:
        """Debias, save, and say what was covered and how to measure the result."""
        from debiaslab.regularizers import debias_words

        strategy = self._strategy()  # what can fail at once comes before what takes long
        before = self.reader().in_order(self.vectors)
        words = debias_words(before.words, self.cover, strategy.pairs)
        after = strategy.fit(before, words, self.seed)(before)
        after.save(self.out)
        yield _covered(strategy, before, after, words.coverage(before.words, self.cover))
        then = next_command("evaluate", str(self.out), "--baseline", str(self.vectors))
        yield f"saved {self.out}\nnext: {then}"

    def _strategy(self) -> PostProcess:
        """Return the strategy, once it is sure that it works on finished vectors."""
        from debiaslab import regularizers
        from debiaslab.regularizers import PostProcess

        classes = [regularizers.get(name.strip()) for name in self.strategy.split("+")]
        untrained = [each.name for each in classes if not issubclass(each, PostProcess)]
        if untrained:
            names = regularizers.strategy_names()
            known = [name for name in names if issubclass(regularizers.get(name), PostProcess)]
            raise UserError(
                f"--strategy was {self.strategy!r}, and {' and '.join(map(repr, untrained))} "
                "cannot act on finished vectors",
                allowed=", ".join(known),
                next_step=f"python -m debiaslab train --strategy {self.strategy}",
            )
        knobs: dict[str, str | float] = dict(self.knob)
        if self.weight is not None:
            if not regularizers.search_space(self.strategy):
                raise UserError(
                    f"--weight was given, and {self.strategy!r} has no λ", next_step="leave it out"
                )
            knobs["weight"] = self.weight
        strategy = regularizers.create(self.strategy, **knobs)
        assert isinstance(strategy, PostProcess)  # of two, the composition is refused
        return strategy


def _covered(
    strategy: PostProcess, before: Embeddings, after: Embeddings, coverage: Coverage
) -> str:
    """Return what was covered and changed, in a few lines."""
    moved = int((before.vectors != after.vectors).any(axis=1).sum())
    report = "report words among them" if coverage.report_words_covered else "no report word"
    knobs = ", ".join(f"{name} {value}" for name, value in strategy.knobs().items() if value != "")
    lines = [
        f"{strategy.name}{f' ({knobs})' if knobs else ''} changed {moved:,} of {len(before):,} "
        "words",
        f"  cover {coverage.cover}: {coverage.neutral:,} non-gender words, {report}",
        f"  gender pairs in the vectors: {_named(coverage.pairs)}",
    ]
    if coverage.pairs_missing:
        lines.append(f"  gender pairs not in the vectors: {_named(coverage.pairs_missing)}")
    return "\n".join(lines)


def _named(pairs: tuple[str, ...]) -> str:
    """Return how many pairs there are, and the first of them."""
    more = ", …" if len(pairs) > _SHOWN else ""
    return f"{len(pairs)} ({', '.join(pairs[:_SHOWN])}{more})"
