"""Subsampling and the noise distribution, by hand and by the word2vec code's formula."""

import math

import numpy as np
import pytest

from debiaslab.corpus import keep_probability, noise_distribution
from debiaslab.errors import UserError


def test_keep_probability_by_hand():
    # f = 0.9, 0.09, 0.01 and t = 0.01: t/f = 1/90, 1/9, 1
    keep = keep_probability([900, 90, 10], 0.01)
    expected = [(math.sqrt(90) + 1) / 90, (math.sqrt(9) + 1) / 9, 1.0]
    np.testing.assert_allclose(keep, expected, rtol=1e-12)


def test_keep_probability_is_the_one_of_word2vec_c():
    counts = np.random.default_rng(0).integers(1, 10**6, 500)
    total, t = counts.sum(), 1e-3
    expected = (np.sqrt(counts / (t * total)) + 1) * (t * total) / counts
    np.testing.assert_allclose(keep_probability(counts, t), np.minimum(expected, 1), rtol=1e-12)


def test_edges_of_keep_probability():
    assert keep_probability([10], 1e-3, total=100)[0] < keep_probability([10], 1e-3, total=1000)[0]
    assert (keep_probability([5, 3], 0.0) == 1).all()
    assert keep_probability([5, 3, 0], 1e-3)[2] == 1  # an unseen <UNK>
    for t in (-1e-3, math.nan, math.inf):
        with pytest.raises(UserError, match="--subsample"):
            keep_probability([1, 2], t)


def test_noise_distribution_by_hand():
    noise = noise_distribution([16, 1, 81])  # ** 0.75 = 8, 1, 27
    np.testing.assert_allclose(noise, np.array([8, 1, 27]) / 36, rtol=1e-12)
    np.testing.assert_allclose(noise_distribution([16, 1, 83], power=0), [1 / 3] * 3)


def test_unk_is_never_noise():
    noise = noise_distribution([16, 1, 1000], unk=2)
    np.testing.assert_allclose(noise, [8 / 9, 1 / 9, 0], rtol=1e-12)
    with pytest.raises(UserError, match="<UNK>"):
        noise_distribution([16], unk=0)
    with pytest.raises(UserError, match="noise power"):
        noise_distribution([16], power=math.nan)
