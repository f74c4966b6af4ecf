"""The model, the batches and the reference engine against the formulas they stand for."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from debiaslab.corpus import Corpus, CorpusSettings
from debiaslab.errors import UserError
from debiaslab.regularizers import ProjectionPenalty, bind
from debiaslab.sgns import SGNS, Batch, Start, TrainingDivergedError, TrainSettings, train
from debiaslab.sgns.engine import Block, Intervention
from debiaslab.sgns.reference import ReferenceEngine
from debiaslab.sgns.sampling import BatchMaker, NoiseSampler, chunks, linear_decay, subsample
from debiaslab.sgns.trainer import LossMonitor
from debiaslab.vectors.embeddings import Embeddings

FAST = TrainSettings(dim=16, window=3, negatives=3, epochs=3, subsample=0.0, batch_size=128)
SETTINGS = replace(FAST, engine="reference")


def test_model_starts_as_documented_and_keeps_its_padding_zero():
    model = SGNS(50, 20, seed=3)
    assert model.W.shape == model.C.shape == (50, 20)
    assert float(model.W.abs().max()) <= 1 / 20
    assert float(model.W.std()) == pytest.approx(1 / 20 / math.sqrt(3), rel=0.1)
    assert torch.count_nonzero(model.C) == 0
    assert model.target.data_ptr() % 64 == 0
    assert model.target.shape == (50, 32)
    assert torch.count_nonzero(model.target[:, 20:]) == 0
    assert torch.equal(model.W, SGNS(50, 20, seed=3).W)
    assert not torch.equal(model.W, SGNS(50, 20, seed=4).W)


def test_loss_is_the_formula_written_out():
    """Two positive pairs with two negatives each, by hand: −log σ(w·c) − Σ log σ(−w·n)."""
    model = SGNS(6, 4, seed=0)
    model.C.normal_(generator=torch.Generator().manual_seed(1))
    batch = Batch(
        targets=torch.tensor([[0, 1, 5]]),
        mask=torch.tensor([[1.0, 1.0, 0.0]]),
        outputs=torch.tensor([[2, 3, 4]]),
        labels=torch.tensor([[1.0, 0.0, 0.0]]),
    )
    W, C = model.W.double().numpy(), model.C.double().numpy()

    def log_sigmoid(x: float) -> float:
        return -math.log1p(math.exp(-x))

    expected = [
        -log_sigmoid(W[t] @ C[2]) - log_sigmoid(-W[t] @ C[3]) - log_sigmoid(-W[t] @ C[4])
        for t in (0, 1)
    ]
    assert batch.pairs == 2
    assert model.loss(batch).item() == pytest.approx(np.mean(expected), rel=1e-6)


def test_loss_before_training_is_the_entropy_of_guessing():
    """With C = 0 every score is 0, so a pair costs (1 + k) log 2."""
    batch = Batch(
        targets=torch.tensor([[1], [2]]),
        mask=torch.ones(2, 1),
        outputs=torch.tensor([[3, 4, 5, 6], [7, 8, 9, 0]]),
        labels=torch.tensor([[1.0, 0, 0, 0], [1.0, 0, 0, 0]]),
    )
    assert SGNS(10, 8).loss(batch).item() == pytest.approx(4 * math.log(2))


@pytest.mark.parametrize("size", [3, 7, 100])
def test_chunks_lose_nothing_and_prefer_document_ends(size):
    ids = np.array([0, 1, -1, 2, -1, 3, 4, 5, 6, 7, 8, 9, -1], dtype=np.int32)
    pieces = [piece for _, piece in chunks(ids, size)]
    assert np.array_equal(np.concatenate(pieces), ids)
    assert all(len(piece) <= size for piece in pieces)
    assert pieces[0][-1] == -1


def test_subsampling_drops_tokens_at_the_given_rate_and_keeps_document_ends():
    ids = np.tile(np.array([0, 1, 0, -1], dtype=np.int32), 20_000)
    kept = ids[subsample(ids, np.array([0.25, 1.0]), np.random.default_rng(0))]
    assert (kept == -1).sum() == 20_000
    assert (kept == 1).sum() == 20_000
    assert (kept == 0).sum() / 40_000 == pytest.approx(0.25, abs=0.01)


def test_negatives_follow_the_noise_distribution_without_the_context_word():
    noise = np.array([0.5, 0.3, 0.0, 0.2])
    drawn = NoiseSampler(noise).draw_other_than(
        np.zeros(100_000, dtype=np.int64), 3, np.random.default_rng(1)
    )
    counts = np.bincount(drawn.ravel(), minlength=4) / drawn.size
    assert counts[0] == 0
    assert counts[2] == 0
    assert counts[1] == pytest.approx(0.6, abs=0.005)
    assert counts[3] == pytest.approx(0.4, abs=0.005)


def make_batches(settings: TrainSettings, ids: list[int], unk: int | None = None) -> list[Batch]:
    vocabulary = max(ids) + 1
    noise = np.full(vocabulary, 1 / vocabulary)
    maker = BatchMaker(settings, np.ones(vocabulary), noise[None], unk)
    stream = np.array(ids, dtype=np.int32)
    return [batch for batch, _ in maker.batches(stream, np.random.default_rng(0))]


def positive_pairs(batches: list[Batch]) -> list[tuple[int, int]]:
    pairs = []
    for batch in batches:
        for row in range(len(batch.targets)):
            targets = batch.targets[row][batch.mask[row] > 0].tolist()
            contexts = batch.outputs[row][batch.labels[row] > 0].tolist()
            pairs += [(t, c) for t in targets for c in contexts]
    return sorted(pairs)


@pytest.mark.parametrize("layout", ["word2vec", "homework"])
def test_positive_pairs_are_exactly_the_windows(layout):
    ids = [0, 1, 2, 3, -1, 4, 5, -1, 6, -1]
    settings = replace(SETTINGS, window=2, dynamic=False, layout=layout, batch_size=3)
    documents = [[0, 1, 2, 3], [4, 5], [6]]
    expected = sorted(
        (words[i], words[j])
        for words in documents
        for i in range(len(words))
        for j in range(len(words))
        if i != j and abs(i - j) <= 2
    )
    assert positive_pairs(make_batches(settings, ids)) == expected


def test_dynamic_windows_reach_each_distance_as_often_as_word2vec():
    """A window drawn from 1…m reaches distance r with probability (m − r + 1) / m."""
    settings = replace(SETTINGS, window=4, dynamic=True, batch_size=4096)
    ids = list(range(3000))
    distances = [abs(t - c) for t, c in positive_pairs(make_batches(settings, ids))]
    reached = np.bincount(distances, minlength=5)[1:] / (2 * 3000)
    assert reached == pytest.approx([1.0, 0.75, 0.5, 0.25], abs=0.03)


def test_homework_rows_have_one_size_and_fill_missing_slots_with_negatives():
    settings = replace(SETTINGS, window=2, negatives=2, dynamic=False, layout="homework")
    (batch,) = make_batches(settings, [*range(40), -1])
    assert batch.outputs.shape == (40, 4 + 8)
    assert batch.labels.sum() == 40 * 4 - 6  # three slots are missing at each edge
    for row in range(40):
        contexts = set(batch.outputs[row][batch.labels[row] > 0].tolist())
        negatives = set(batch.outputs[row][batch.labels[row] == 0].tolist())
        assert not contexts & negatives


@pytest.mark.parametrize("layout", ["word2vec", "homework"])
def test_unk_is_a_context_but_never_a_target_or_negative(layout):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 10, 2000).tolist()
    settings = replace(SETTINGS, layout=layout)
    noise = np.append(np.full(9, 1 / 9), 0.0)
    maker = BatchMaker(settings, np.ones(10), noise[None], unk=9)
    batches = [b for b, _ in maker.batches(np.array(ids, dtype=np.int32), rng)]
    targets = torch.cat([b.targets[b.mask > 0] for b in batches])
    contexts = torch.cat([b.outputs[b.labels > 0] for b in batches])
    negatives = torch.cat([b.outputs[b.labels == 0] for b in batches])
    assert 9 not in targets
    assert 9 in contexts
    assert 9 not in negatives


def test_learning_rate_falls_linearly_to_its_floor():
    lr = linear_decay(TrainSettings(lr=0.04, lr_min=0.25))
    assert [lr(0), lr(0.5), lr(1), lr(2)] == pytest.approx([0.04, 0.025, 0.01, 0.01])


def test_one_sgd_step_is_the_word2vec_update(corpus):
    """W[t] += lr · (1 − σ(W·C)) · C and the like, summed over the pairs of the batch."""
    model = SGNS(len(corpus.words), 4, seed=1)
    model.C.normal_(generator=torch.Generator().manual_seed(2))
    W, C = model.W.double().numpy().copy(), model.C.double().numpy().copy()
    batch = Batch(
        targets=torch.tensor([[0, 1]]),
        mask=torch.ones(1, 2),
        outputs=torch.tensor([[2, 3]]),
        labels=torch.tensor([[1.0, 0.0]]),
    )
    settings = replace(SETTINGS, dim=4, negatives=1)
    engine = ReferenceEngine(model, corpus, settings, Intervention())
    engine._step(batch, 0.1, torch.Generator())
    newW, newC = W.copy(), C.copy()
    for t in (0, 1):
        for c, label in ((2, 1.0), (3, 0.0)):
            g = 0.1 * (label - 1 / (1 + math.exp(-W[t] @ C[c])))
            newW[t] += g * C[c]
            newC[c] += g * W[t]
    assert model.W.numpy() == pytest.approx(newW, abs=1e-6)
    assert model.C.numpy() == pytest.approx(newC, abs=1e-6)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "sparse_adam"])
def test_training_lowers_the_loss_and_learns_the_topics(corpus, optimizer):
    lr = 0.05 if optimizer == "sgd" else 0.01
    settings = replace(SETTINGS, optimizer=optimizer, epochs=4, lr=lr)
    result = train(corpus, settings, progress=False)
    assert result.engine == "reference"
    assert result.history[-1].loss < result.history[0].loss - 0.1
    assert result.words == corpus.tokens * 4
    E = result.embeddings
    assert E.cosine("salary", "executive") > E.cosine("salary", "wedding")


@pytest.mark.parametrize("engine", ["reference", "fast"])
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(corpus, engine):
    settings = replace(FAST, engine=engine)
    first, again, other = (
        train(corpus, replace(settings, seed=seed), progress=False) for seed in (5, 5, 6)
    )
    assert first.embeddings.vectors.tobytes() == again.embeddings.vectors.tobytes()
    assert first.embeddings.vectors.tobytes() != other.embeddings.vectors.tobytes()


@pytest.mark.parametrize("engine", ["reference", "fast"])
def test_any_weight_trains_without_nan_and_zero_is_the_baseline_bit_for_bit(corpus, engine):
    settings = replace(FAST, engine=engine)
    baseline = train(corpus, settings, None, progress=False).embeddings
    for weight in (0.0, 1e-5, 1e-2, 10.0, 1e3):
        penalty = bind(ProjectionPenalty(weight=weight), corpus.words)
        result = train(corpus, settings, penalty, progress=False)
        assert np.isfinite(result.embeddings.vectors).all()
        assert all(math.isfinite(report.penalty) for report in result.history)
        same = result.embeddings.vectors.tobytes() == baseline.vectors.tobytes()
        assert same is (weight == 0)


@pytest.mark.parametrize("engine", ["reference", "fast"])
def test_the_words_of_reports_add_up_to_whole_epochs(corpus, engine):
    for size in (7, 64, 200):
        settings = replace(SETTINGS, engine=engine, batch_size=size, epochs=2, subsample=1e-3)
        result = train(corpus, settings, progress=False)
        assert result.words == result.history[-1].step == 2 * corpus.tokens


def test_training_continues_from_given_vectors(corpus):
    first = train(corpus, SETTINGS, progress=False)
    longer = train(corpus, SETTINGS, init=first.embeddings, progress=False)
    assert longer.history[0].loss < first.history[0].loss
    unlike = Embeddings(["nowhere"], np.ones((1, 16)))
    with pytest.raises(UserError, match="no word"):
        train(corpus, SETTINGS, init=unlike, progress=False)
    with pytest.raises(UserError, match="dimension 3"):
        train(corpus, SETTINGS, init=Embeddings(["he"], np.ones((1, 3))), progress=False)


def test_a_training_says_which_words_continue_and_keeps_the_others_when_asked(corpus):
    rng = np.random.default_rng(0)
    known = [*corpus.words[:5], "elsewhere", "nowhere"]
    targets, contexts = (Embeddings(known, rng.normal(size=(7, 16))) for _ in range(2))
    dropped = train(corpus, SETTINGS, init=targets, progress=False)
    kept = train(corpus, SETTINGS, init=Start(targets, keep_words=True), progress=False)
    both = train(corpus, SETTINGS, init=Start(targets, contexts), progress=False)
    assert dropped.embeddings.words == tuple(corpus.words)
    assert kept.embeddings.words == (*corpus.words, "elsewhere", "nowhere")
    assert np.array_equal(kept.embeddings.vectors[:-2], dropped.embeddings.vectors)
    assert np.array_equal(kept.embeddings.vectors[-2:], targets.vectors[-2:])
    assert not np.array_equal(both.embeddings.vectors, dropped.embeddings.vectors)
    new = len(corpus.words) - 5
    assert str(dropped.continued) == (
        f"5 of the {new + 5} words of the text continue from their vectors, {new} start from "
        "scratch; "
        "2 words that the text lacks are dropped (--keep-words keeps them)"
    )
    assert "2 words that the text lacks are kept as they are" in str(kept.continued)
    assert "5 continue from their context vectors" in str(both.continued)
    with pytest.raises(UserError, match="context vectors to continue from have dimension 3"):
        Start(targets, Embeddings(["he"], np.ones((1, 3)))).check(16)


def test_early_stopping_waits_out_its_patience(corpus):
    settings = replace(SETTINGS, lr=1e-8, epochs=20, patience=3)  # nothing is learnt at this rate
    result = train(corpus, settings, progress=False)
    assert result.stopped_early
    assert result.words < corpus.tokens * 20
    patient = train(corpus, replace(settings, patience=None, epochs=2), progress=False)
    assert not patient.stopped_early
    assert patient.words == corpus.tokens * 2


def test_a_loss_that_is_not_finite_stops_with_a_reason(corpus):
    settings = replace(SETTINGS, lr=10.0, batch_size=4096, epochs=20)
    with pytest.raises(TrainingDivergedError, match=r"became .*in epoch"):
        train(corpus, settings, progress=False)


def test_a_loss_far_above_that_of_zeros_stops_too(corpus):
    zeros = (1 + SETTINGS.negatives) * np.log(2)
    monitor = LossMonitor(corpus, SETTINGS, None)
    block = Block(words=10, pairs=10, loss=9.99 * zeros, penalty=0.0, lr=0.025)
    monitor.update(block, 1)
    with pytest.raises(TrainingDivergedError, match="vectors of zeros have the loss"):
        monitor.update(replace(block, loss=10.01 * zeros), 1)
    settings = replace(SETTINGS, engine="reference", lr=1.0, batch_size=4096, epochs=20)
    with pytest.raises(TrainingDivergedError, match=r"became \d.*in epoch"):
        train(corpus, settings, progress=False)


def test_callbacks_see_every_report_and_epoch(corpus):
    reports, epochs = [], []
    result = train(
        corpus,
        SETTINGS,
        on_report=reports.append,
        on_epoch=lambda number, vectors: epochs.append((number, len(vectors))),
        progress=False,
    )
    assert tuple(reports) == result.history
    assert epochs == [(n, len(corpus.words)) for n in (1, 2, 3)]
    assert [r.step for r in reports] == sorted(r.step for r in reports)


def test_the_vectors_of_an_epoch_stay_as_they_were(corpus):
    kept, copies = [], []

    def see(number: int, vectors: Embeddings) -> None:
        kept.append(vectors)
        copies.append(vectors.vectors.copy())
        with pytest.raises(ValueError, match="read-only"):
            vectors.vectors[0] = 0

    result = train(corpus, replace(SETTINGS, dim=20), on_epoch=see, progress=False)
    assert len(kept) == 3
    assert all((each.vectors == copy).all() for each, copy in zip(kept, copies, strict=True))
    assert np.array_equal(kept[-1].vectors, result.embeddings.vectors)
    assert not np.array_equal(kept[0].vectors, kept[-1].vectors)


@pytest.mark.parametrize(
    ("field", "value", "hint"),
    [
        ("dim", 0, "1 to 1,024"),
        ("window", 21, "1 to 20"),
        ("negatives", 0, "1 to 20"),
        ("epochs", 0, "--epochs"),
        ("threads", 10_000, "--threads"),
        ("lr", math.nan, "--lr"),
        ("subsample", -1.0, "--subsample"),
        ("optimizer", "adamv", "adamw"),
        ("engine", "fats", "fast"),
        ("seed", -1, "--seed"),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(field, value, hint):
    with pytest.raises(UserError, match=hint):
        TrainSettings(**{field: value})


def test_the_fast_engine_refuses_what_only_the_reference_engine_does(corpus):
    with pytest.raises(UserError, match="--engine reference"):
        train(corpus, replace(SETTINGS, engine="fast", optimizer="adamw"), progress=False)


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_a_corpus_without_training_pairs_is_refused(tmp_path, engine):
    """No longer than the window, or one word a line."""
    for text, chosen, says in (
        ("the cat sat", {"window": 3}, r"3 words.*no more than a window of 3.*--window 2"),
        (
            "red\ngreen\nblue\nblack\nwhite\ngrey\n" * 3,
            {},
            "no training pair.*more than one word a line",
        ),
    ):
        (tmp_path / "text.txt").write_text(text + "\n")
        one = CorpusSettings(min_count=1)
        corpus = Corpus.build([tmp_path / "text.txt"], one, cache=tmp_path / "c", progress=False)
        with pytest.raises(UserError, match=says):
            train(corpus, TrainSettings(engine=engine, subsample=0.0, **chosen), progress=False)
