"""Trainings interrupted, killed and gone on with end as those that never were."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import random
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from debiaslab.corpus import Corpus
from debiaslab.errors import UserError
from debiaslab.regularizers import Penalty, bind, create, get, strategy_names
from debiaslab.regularizers.composition import SumOfPenalties
from debiaslab.regularizers.penalty import PenaltyWords
from debiaslab.sgns import (
    Block,
    Checkpoints,
    PenaltyTerm,
    Preprocessing,
    Report,
    TrainingDivergedError,
    TrainResult,
    TrainSettings,
    checkpoint,
    sampling,
    train,
)
from debiaslab.sgns.checkpoint import DamagedCheckpointError, read, write
from debiaslab.sgns.engine import State
from debiaslab.sgns.fast import fast_unavailable
from debiaslab.sgns.trainer import LossMonitor
from debiaslab.tracking import Store
from debiaslab.vectors.embeddings import Embeddings
from tests import forking
from tests.command_line import STUDY, call, refused, runs, write_toy
from tests.toys import toy_corpus

FAST = TrainSettings(dim=16, window=3, negatives=3, epochs=3, engine="fast")
REFERENCE = replace(FAST, engine="reference", batch_size=256, epochs=2)
KILLS = 12

needs_fast = pytest.mark.skipif(fast_unavailable() is not None, reason="no fast engine here")


@pytest.fixture(scope="module")
def through(corpus):
    """The training of most tests, never interrupted."""
    if (reason := fast_unavailable()) is not None:
        pytest.skip(reason)
    return Job(corpus, FAST).run()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "saved"


def often(folder: Path, shared: bool = False) -> Checkpoints:
    """Save after every block."""
    return Checkpoints(folder, every=0.0, share=math.inf, shared=shared)


class StopError(Exception):
    """What interrupts a training here."""


@dataclass
class Job:
    """One training, with a penalty of its own each time it is started."""

    corpus: Corpus
    settings: TrainSettings
    penalty: Callable[[], PenaltyTerm | None] = lambda: None
    preprocessing: Preprocessing | None = None
    init: Embeddings | None = None

    def run(
        self,
        checkpoint: Checkpoints | None = None,
        on_report: Callable[[Report], None] | None = None,
        on_epoch: Callable[[int, Embeddings], None] | None = None,
    ) -> TrainResult:
        return train(
            self.corpus,
            self.settings,
            self.penalty(),
            preprocessing=self.preprocessing,
            init=self.init,
            on_report=on_report,
            on_epoch=on_epoch,
            checkpoint=checkpoint,
            progress=False,
        )

    def stopped(self, folder: Path, words: float) -> Path:
        """Run it until it has read these words; return its checkpoint."""

        def stop(report: Report) -> None:
            if report.step > words:
                raise StopError

        with pytest.raises(StopError):
            self.run(often(folder), stop)
        return max(folder.glob("*.npz"), key=lambda file: file.stat().st_mtime_ns)

    def interrupted(self, folder: Path, times: int = 3) -> TrainResult:
        """Run it with exceptions at random points, then to its end."""
        total = self.corpus.tokens * self.settings.epochs
        points = sorted(random.Random(7).uniform(0.1, 0.9) * total for _ in range(times))
        for point in points:
            self.stopped(folder, point)
        result = self.run(often(folder))
        assert result.resumed_at is not None
        assert result.resumed_at >= 0.5 * points[-1]
        return result


def assert_same(ours: TrainResult, theirs: TrainResult) -> None:
    assert np.array_equal(ours.embeddings.vectors, theirs.embeddings.vectors)
    assert ours.embeddings.words == theirs.embeddings.words
    counted = ("words", "pairs", "stopped_early", "engine")
    assert [getattr(ours, name) for name in counted] == [getattr(theirs, name) for name in counted]
    assert timeless(ours) == timeless(theirs)


def timeless(result: TrainResult) -> list[Report]:
    return [replace(report, words_per_second=0.0) for report in result.history]


def projection(corpus: Corpus) -> Callable[[], PenaltyTerm | None]:
    return lambda: bind(create("projection", weight=1.0), corpus.words)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "sparse_adam"])
@pytest.mark.parametrize("penalised", [False, True], ids=["baseline", "projection"])
def test_the_reference_engine_goes_on_bit_for_bit(corpus, folder, optimizer, penalised):
    settings = replace(REFERENCE, optimizer=optimizer, lr=0.025 if optimizer == "sgd" else 0.003)
    job = Job(corpus, settings, projection(corpus) if penalised else lambda: None)
    assert_same(job.interrupted(folder), job.run())


def test_batches_go_on_within_and_between_chunks(corpus, folder, monkeypatch):
    monkeypatch.setattr(sampling.chunks, "__defaults__", (2_500, 0))
    for layout in ("word2vec", "homework"):
        job = Job(corpus, replace(REFERENCE, layout=layout))
        assert_same(job.interrupted(folder / layout, times=6), job.run())


@pytest.mark.parametrize(
    "name", ["none", *(name for name in strategy_names() if issubclass(get(name), Penalty))]
)
def test_every_penalty_goes_on_bit_for_bit(corpus, folder, name, through):
    job = Job(corpus, FAST, lambda: bind(create(name, weight=1.0), corpus.words))
    whole = job.run()
    assert_same(job.interrupted(folder), whole)
    if name in ("none", "projection"):
        same = np.array_equal(whole.embeddings.vectors, through.embeddings.vectors)
        assert same is (name == "none")


@dataclass(frozen=True)
class Drifting(Penalty):
    """Its direction is an average over draws, which a checkpoint must keep."""

    memory: dict[str, Tensor] = field(default_factory=dict, repr=False, compare=False)

    def fresh(self) -> Drifting:
        return replace(self, memory={})

    def state(self) -> dict[str, NDArray]:
        return {key: value.numpy() for key, value in self.memory.items()}

    def restore(self, state: dict[str, NDArray]) -> None:
        self.memory.update({key: torch.from_numpy(value) for key, value in state.items()})

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        g = (W[words.male] - W[words.female]).mean(0).detach()
        self.memory["g"] = 0.9 * self.memory.get("g", g) + 0.1 * g
        return (W[words.neutral] @ self.memory["g"]).square().mean()


@dataclass(frozen=True)
class Secretive(Drifting):
    """As `Drifting`, but it cannot say what it remembers."""

    state = Penalty.state


@needs_fast
@pytest.mark.parametrize("composed", [False, True])
def test_what_a_penalty_remembers_is_kept(corpus, folder, composed):
    strategy = Drifting(100.0)
    if composed:
        parts = (Drifting(), create("tying", weight=1.0))
        strategy = SumOfPenalties(100.0, parts, (1.0, 1.0))
    job = Job(corpus, FAST, lambda: bind(strategy, corpus.words))
    assert_same(job.interrupted(folder), job.run())
    if not composed:
        lost = Job(corpus, FAST, lambda: bind(Secretive(1.0), corpus.words))
        with pytest.warns(UserWarning, match="cannot say what it remembers"):
            lost.run(often(folder / "lost"))
        assert not list((folder / "lost").glob("*.npz"))


class Backwards:
    """Pre-processing that reverses each stretch in odd epochs."""

    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        return counts

    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        return np.roll(ids[::-1], -1) if epoch % 2 else ids


@pytest.mark.parametrize("settings", [pytest.param(FAST, marks=needs_fast), REFERENCE])
def test_preprocessing_and_vectors_to_continue_from_are_part_of_it(corpus, folder, settings):
    vectors = Job(corpus, replace(settings, epochs=1)).run().embeddings
    job = Job(corpus, settings, preprocessing=Backwards(), init=vectors)
    assert_same(job.interrupted(folder), job.run())
    job.stopped(folder, 5_000)
    for other in (replace(job, preprocessing=None), replace(job, init=None)):
        with pytest.warns(UserWarning, match="of another"):
            assert other.run(often(folder)).resumed_at is None


@needs_fast
def test_early_stopping_stops_at_the_same_report(corpus, folder):
    job = Job(corpus, replace(FAST, epochs=20, patience=2, lr=1e-5))
    through = job.run()
    assert through.stopped_early
    job.stopped(folder, through.history[-2].step - 1)
    assert_same(job.run(often(folder)), through)


@needs_fast
def test_reports_are_made_again_epochs_are_not_and_notes_of_the_caller_come_back(corpus, folder):
    job, first, second = Job(corpus, FAST), often(folder), often(folder)

    def stop(report):
        if report.step > 1.5 * corpus.tokens:
            raise StopError

    with pytest.raises(StopError):
        job.run(first, stop, lambda number, _: first.notes.update({str(number): "kept"}))
    (saved,) = folder.glob("*.npz")
    left = folder / f".{saved.name}.abc"
    left.write_bytes(b"half")  # of a write that was killed
    reports, epochs = [], []
    result = job.run(second, reports.append, lambda number, _: epochs.append(number))
    assert tuple(reports) == result.history
    assert (epochs, second.notes) == ([2, 3], {"1": "kept"})
    assert not left.exists()
    steps = [report.step for report in reports]
    assert steps == sorted(set(steps))
    assert result.seconds > 0


@needs_fast
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core")
def test_threads_are_drained_before_saving(corpus, folder):
    """Not the same bits, but every block once: the words, the epochs and the reports are whole."""
    job = Job(corpus, replace(FAST, threads=2), projection(corpus))
    through, resumed = job.run(), job.interrupted(folder)
    assert resumed.words == through.words == 3 * corpus.tokens
    assert resumed.history[-1].loss == pytest.approx(through.history[-1].loss, rel=0.05)
    assert [report.step for report in resumed.history] == [r.step for r in through.history]


@needs_fast
def test_short_trainings_write_nothing_and_the_end_removes_all(corpus, folder):
    for every in (-1.0, math.nan, math.inf):
        with pytest.raises(UserError, match="--checkpoint-every"):
            Checkpoints(folder, every=every)
    Job(corpus, FAST).run(Checkpoints(folder))
    assert not list(folder.glob("*.npz"))
    saved = often(folder)
    Job(corpus, FAST).run(saved)
    assert len(list(folder.glob("*.npz"))) == 1
    saved.remove()
    saved.remove()
    assert not folder.exists()


@needs_fast
def test_slow_writing_makes_it_rarer(corpus, folder, monkeypatch):
    written = []

    def slow(*_: object) -> None:
        written.append(time.sleep(0.05))

    monkeypatch.setattr(checkpoint, "write", slow)
    started = time.monotonic()
    Job(corpus, FAST).run(Checkpoints(folder, every=0.0, share=0.1))
    assert 1 <= len(written) <= 1 + (time.monotonic() - started) / 0.5


def fail(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_ends_no_training_and_harms_no_checkpoint(corpus, folder, monkeypatch, through):
    job = Job(corpus, FAST)
    file = job.stopped(folder, corpus.tokens)
    before = file.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.np, "savez", fail)
        with pytest.warns(UserWarning, match="no space left on disk") as said:
            assert_same(job.run(often(folder)), through)
    assert len(said) == 1  # of many attempts
    assert file.read_bytes() == before
    assert {path.suffix for path in folder.iterdir()} == {".npz", ".lock"}
    assert_same(job.run(often(folder)), through)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_real_limit_cuts_the_file_and_nothing_else(corpus, folder, through):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    job = Job(corpus, FAST)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.warns(UserWarning, match="no space left on disk"):
            result = job.run(often(folder))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert_same(result, through)
    assert [path.suffix for path in folder.iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_made_ends_no_training(corpus, tmp_path, through):
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(UserWarning, match="without checkpoints"):
        assert_same(Job(corpus, FAST).run(often(tmp_path / "file" / "saved")), through)


@pytest.fixture
def stopped(corpus: Corpus, folder: Path) -> Path:
    """Return the checkpoint of a training that was interrupted."""
    if (reason := fast_unavailable()) is not None:
        pytest.skip(reason)
    return Job(corpus, FAST).stopped(folder, corpus.tokens)


def pickled() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, values=np.array([{"identity": {}}], dtype=object))
    return stream.getvalue()


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


DAMAGE = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "zeros": lambda data: bytes(len(data)),
    "text": lambda data: b"hello",
    "one bit": lambda data: flipped(data, len(data) // 2),
    "pickle": lambda data: pickled(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_is_set_aside(corpus, stopped, damage, through):
    stopped.write_bytes(DAMAGE[damage](stopped.read_bytes()))
    job, checkpoint = Job(corpus, FAST), often(stopped.parent)
    with pytest.warns(UserWarning, match="is damaged"):
        result = job.run(checkpoint)
    assert result.resumed_at is None
    assert_same(result, through)
    assert stopped.with_suffix(".damaged").is_file()
    checkpoint.remove()
    assert not stopped.parent.exists()


def test_every_bit_of_a_checkpoint_is_guarded(tmp_path):
    """Whatever bit is flipped, it is refused or reads as it was written."""
    file = tmp_path / "a.npz"
    rng = np.random.default_rng(0)
    state = State({"a": 0.1, "b": {"c": [2**200, None]}}, {"W": rng.random((3, 4), np.float32)})
    write(file, {"seed": 1}, state)
    data = file.read_bytes()
    for place in range(0, len(data) * 8, 19):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << (place % 8)
        file.write_bytes(flipped)
        try:
            identity, found = read(file)
        except DamagedCheckpointError:
            continue
        assert (identity, found.values) == ({"seed": 1}, state.values)
        assert np.array_equal(found.arrays["W"], state.arrays["W"])


@pytest.mark.parametrize(
    ("knob", "value"), [("lr", 0.05), ("seed", 2), ("epochs", 4), ("subsample", 0.0)]
)
def test_another_training_starts_anew_and_harms_nothing(corpus, stopped, knob, value):
    before = stopped.read_bytes()
    other, checkpoint = Job(corpus, replace(FAST, **{knob: value})), often(stopped.parent)
    with pytest.warns(UserWarning, match=f"differs in settings.{knob}"):
        result = other.run(checkpoint)
    assert result.resumed_at is None
    assert_same(result, other.run())
    checkpoint.remove()
    assert stopped.read_bytes() == before
    assert Job(corpus, FAST).run(often(stopped.parent)).resumed_at is not None


def test_penalties_are_told_apart_by_weight_knobs_and_words(corpus, stopped):
    keys = set()
    for weight, direction, cover in [(1, "pca", "all"), (2, "pca", "all"), (1, "mean", "all")]:
        strategy = create("projection", weight=weight, direction=direction)
        checkpoint = often(stopped.parent, shared=True)
        Job(corpus, FAST, lambda s=strategy, c=cover: bind(s, corpus.words, c)).run(checkpoint)
        keys.add(checkpoint._path)
    assert len(keys) == 3
    assert len(list(stopped.parent.glob("*.npz"))) == 4
    nothing = bind(create("projection", weight=0.0), corpus.words)
    assert Job(corpus, FAST, lambda: nothing).run(often(stopped.parent)).resumed_at is not None


def test_a_training_in_two_processes_is_saved_by_the_first(corpus, stopped):
    job, nested = Job(corpus, FAST), []

    def again(number: int, _: Embeddings) -> None:
        if number == 3:
            with pytest.warns(UserWarning, match="another process is running this training"):
                nested.append(job.run(often(stopped.parent)))

    assert_same(job.run(often(stopped.parent), on_epoch=again), nested[0])
    assert nested[0].resumed_at is None


def test_one_that_diverges_leaves_no_checkpoint(corpus, stopped):
    def diverge(report: Report) -> None:
        if report.step > 1.5 * corpus.tokens:
            assert stopped.is_file()
            raise TrainingDivergedError("the loss became nan")

    with pytest.raises(TrainingDivergedError):
        Job(corpus, FAST).run(often(stopped.parent), diverge)
    assert not stopped.parent.exists()


def victim(folder: Path, settings: TrainSettings, name: str) -> None:
    """Train in a process that may be killed, and leave vectors, history and where it went on."""
    warnings.simplefilter("error")  # a damaged checkpoint would be a warning
    corpus = toy_corpus(folder)
    result = Job(corpus, settings, projection(corpus)).run(often(folder / name))
    result.embeddings.save(folder / f"{name}.npz")
    history = [asdict(report) for report in timeless(result)]
    (folder / f"{name}.json").write_text(json.dumps([history, result.resumed_at]))


def changes(folder: Path) -> Iterator[Path]:
    """Yield the newest checkpoint of a folder, whenever it is another."""
    before, deadline = 0, time.monotonic() + 240
    while time.monotonic() < deadline:
        found = {path.stat().st_mtime_ns: path for path in folder.glob("*.npz")}
        if found and max(found) != before:
            before = max(found)
            yield found[before]
        time.sleep(0.001)


VICTIMS = {
    "fast": replace(FAST, dim=50, epochs=60),
    "reference": replace(REFERENCE, optimizer="adamw", lr=0.003, epochs=4),
}
VICTIM = """
import sys, pathlib
from tests.test_checkpoint import VICTIMS, victim
victim(pathlib.Path(sys.argv[1]), VICTIMS[sys.argv[2]], sys.argv[3])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a fork server")
@pytest.mark.parametrize("kind", [pytest.param("fast", marks=needs_fast), "reference"])
def test_a_training_killed_many_times_ends_with_the_same_bits(tmp_path, kind):
    rng = random.Random(11)
    toy_corpus(tmp_path)

    def start(name: str) -> forking.Process:
        # torch imports the second one at the first step of an optimizer: seconds
        preload = ["tests.test_checkpoint", "torch._dynamo"]
        return forking.begin(["-c", VICTIM, tmp_path, kind, name], preload=preload)

    through = start("through")
    for _ in range(KILLS):
        process = start("killed")
        seen = changes(tmp_path / "killed")
        for _ in range(rng.randint(2, 3)):  # the first is what was there
            next(seen)
        time.sleep(rng.uniform(0, 0.01))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    for process in (start("killed"), through):
        assert process.wait() == 0
    ours, theirs = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("killed", "through"))
    assert ours[0] == theirs[0]
    assert (ours[1] or 0) > 0
    assert theirs[1] is None
    a, b = (Embeddings.load(tmp_path / f"{n}.npz") for n in ("killed", "through"))
    assert np.array_equal(a.vectors, b.vectors)


# a sweep whose trainings are saved after every block, in a process of its own
EAGER = """
import functools, math, sys
import debiaslab.study.run as run
run.Checkpoints = functools.partial(run.Checkpoints, every=0.0, share=math.inf)
from debiaslab.cli import main
sys.exit(main(sys.argv[1:]))
"""


@needs_fast
def test_a_killed_sweep_goes_on_within_its_trainings(tmp_path, monkeypatch, capfd):
    for name in ("through", "killed"):
        (tmp_path / name).mkdir()
        write_toy(tmp_path / name, documents=600)
    words = [*STUDY, "--epochs", "4", "--trials", "1"]
    monkeypatch.chdir(tmp_path / "through")
    assert call(capfd, *words).code == 0
    theirs = Path("submissions/small.csv").resolve().read_bytes()
    monkeypatch.chdir(tmp_path / "killed")
    for trainings in (1, 2):  # in the baseline, then in a trial
        with Path("log").open("w") as log:
            process = forking.begin(["-c", EAGER, *words], stderr=log)
        seen: dict[Path, int] = {}
        for file in changes(Path("mlruns/checkpoints")):
            seen[file] = seen.get(file, 0) + 1
            if len(seen) == trainings and seen[file] == 12:
                break
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, Path("log").read_text()[-2000:]
    assert call(capfd, *words).code == 0
    assert Path("submissions/small.csv").read_bytes() == theirs
    assert not list(Path("mlruns/checkpoints").iterdir())
    finished = [run for run in runs() if run.status == "FINISHED" and run.kind != "study"]
    assert len(finished) == 2
    assert all("debiaslab.resumed_at" in run.tags for run in finished)
    store = Store.open("mlruns", create=False)
    for run in finished:
        assert len(store.series(run.run_id, "epoch/weat/career-family/tune.statistic")) == 4
        losses = [step for step, _ in store.series(run.run_id, "loss")]
        assert losses == sorted(set(losses))
        assert len(losses) >= 30


TRAIN = ["train", "toy.txt", "--min-count", "1", "--dim", "16", "--epochs", "3"]


@needs_fast
def test_train_goes_on_from_the_folder_it_is_told(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    write_toy(tmp_path)
    assert call(capfd, *TRAIN, "--out", "through.npz").code == 0
    update, saved = LossMonitor.update, ["--checkpoint", "saved", "--checkpoint-every", "0"]

    def stop(monitor: LossMonitor, block: Block, epoch: int) -> None:
        if list(Path("saved").glob("*.npz")):
            raise KeyboardInterrupt
        update(monitor, block, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(LossMonitor, "update", stop)
        refused(capfd, *TRAIN, *saved, "--out", "on.npz", code=130)
    said = call(capfd, *TRAIN, *saved, "--out", "on.npz")
    assert said.code == 0
    assert "resumed at " in said.out
    assert not Path("saved").exists()
    through, on = (Embeddings.load(f"{name}.npz") for name in ("through", "on"))
    assert np.array_equal(on.vectors, through.vectors)
    assert "without a folder" in refused(capfd, *TRAIN, "--checkpoint-every", "5").err
    assert "toy.txt" in refused(capfd, *TRAIN, "--checkpoint", "toy.txt").err
    negative = [*saved[:-1], "-1"]
    assert "seconds, 0 or more" in refused(capfd, *TRAIN, *negative).err
