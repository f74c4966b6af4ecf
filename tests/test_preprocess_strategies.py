"""What is done to the id stream while training reads it: the hook, and swapping of gender."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from debiaslab import lexicons
from debiaslab.corpus import Corpus
from debiaslab.corpus.stream import read_ids
from debiaslab.errors import UserError
from debiaslab.regularizers import Planted, Preprocess, Rewriting, bind_strategy, create, get
from debiaslab.regularizers.swapping import Swap, derived_key, hashed_bits, hashed_random
from debiaslab.regularizers.words import (
    PRONOUNS,
    gender_terms,
    match_names,
    names_by_gender,
    names_of_people,
    swap_pairs,
)
from debiaslab.sgns import SGNS, TrainSettings, train
from debiaslab.sgns.engine import Intervention
from debiaslab.sgns.fast import FastEngine
from debiaslab.sgns.kernel import random_bits as training_bits
from debiaslab.sgns.reference import ReferenceEngine
from tests.toys import TinyCorpus, topics

BIOGRAPHIES = Path(__file__).resolve().parents[2] / "shared/data/corpora/bios_general.DEBUG.txt"


@dataclass
class Words:
    """A text of whole documents, as an engine reads it."""

    documents: Sequence[str]
    words: tuple[str, ...] = field(init=False)
    ids: NDArray[np.int32] = field(init=False)
    counts: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        tokens = [document.split() for document in self.documents]
        self.words = tuple(dict.fromkeys(word for document in tokens for word in document))
        index = {word: i for i, word in enumerate(self.words)}
        self.ids = np.array(
            [i for document in tokens for i in [*(index[word] for word in document), -1]], np.int32
        )
        self.counts = np.bincount(self.ids[self.ids >= 0], minlength=len(self.words))

    def bind(self, name: str, seed: int = 1, **knobs: Any) -> Rewriting:
        strategy = create(name, **knobs)
        assert isinstance(strategy, Preprocess)
        return strategy.bind(self.words, self.counts, seed)

    def read(self, rewriting: Rewriting, epoch: int = 0) -> list[str]:
        ids = rewriting.rewrite(self.ids.copy(), 0, epoch)
        return self.text(ids)

    def text(self, ids: Iterable[int]) -> list[str]:
        text = " ".join("\n" if i < 0 else self.words[i] for i in ids)
        return [line.strip() for line in text.strip().split("\n")]


def swapped(*documents: str, extra: str = "he she him his her hers", **knobs: Any) -> list[str]:
    """Return documents with all their gender swapped; ``extra`` is in the vocabulary too."""
    words = Words([*documents, extra])
    knobs = {"names": False, **knobs}
    return words.read(words.bind("cds", probability=1.0, **knobs))[:-1]


@cache
def random_text(documents: int = 3_000) -> Words:
    rng = np.random.default_rng(0)
    plain = [w for pair in swap_pairs()[:20] for w in pair] + [f"word{i}" for i in range(60)]
    return Words([" ".join(rng.choice(plain, rng.integers(1, 30))) for _ in range(documents)])


def test_no_word_is_in_two_pairs_and_pronouns_are_in_none():
    words = [word for pair in swap_pairs() for word in pair]
    assert len(words) == len(set(words))
    assert not set(words) & {*PRONOUNS, "john", "mary"}
    assert {("he", "she"), ("husband", "wife"), ("spokesman", "spokeswoman")} <= set(swap_pairs())
    listed = {pair for name in lexicons.pair_names() for pair in lexicons.load_pairs(name).pairs}
    dropped = {pair for pair in listed if not set(pair) <= {*words, *PRONOUNS}}
    assert dropped == {("john", "mary"), ("dudes", "gals")}  # gals are the guys' counterpart
    tune = swap_pairs("tune")
    assert 0 < len(tune) < len(swap_pairs())
    assert {lexicons.half_of(word) for pair in tune for word in pair} == {"tune"}


def test_names_that_are_words_or_places_are_not_names():
    no_names = {"will", "rose", "mark", "may", "august", "king", "virginia", "faith", "art", "son"}
    assert not names_of_people() & (no_names | gender_terms())
    assert {"john", "mary", "sarah", "robert", "leslie"} <= names_of_people()
    male, female = names_by_gender()
    assert not set(male) & set(female)
    assert "leslie" not in {*male, *female}  # both


def test_names_are_matched_one_to_one_by_frequency():
    words = ("john", "mary", "anne", "robert", "clara", "zzz")
    counts = np.array([1000, 90, 50, 60, 3, 5])
    index = {word: i for i, word in enumerate(words)}
    assert match_names(index, counts) == [("john", "mary"), ("robert", "anne")]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=6), st.randoms())
def test_matching_by_rank_has_the_least_cost(frequencies, random):
    from scipy.optimize import linear_sum_assignment

    male, female = (names[: len(frequencies)] for names in names_by_gender())
    counts = np.array([*frequencies, *reversed([f * 3 + 1 for f in frequencies])])
    index = {name: i for i, name in enumerate([*male, *female])}
    logs = np.log(counts)
    pairs = match_names(index, counts)
    cost = sum(abs(logs[index[m]] - logs[index[f]]) for m, f in pairs)
    matrix = np.abs(logs[: len(male), None] - logs[None, len(male) :])
    assert len(pairs) == len(frequencies)
    assert cost == pytest.approx(matrix[linear_sum_assignment(matrix)].sum())


def test_swapping_twice_gives_the_text_again():
    words = random_text()
    twice = words.bind("cds", probability=1.0, names=False)
    once = twice.rewrite(words.ids.copy(), 0, 0)
    assert not np.array_equal(once, words.ids)
    assert np.array_equal(twice.rewrite(once, 0, 0), words.ids)
    never = words.bind("cds", probability=0.0)
    assert np.array_equal(never.rewrite(words.ids.copy(), 0, 0), words.ids)
    assert np.array_equal(never.counts(words.counts), words.counts)


def test_unknown_words_stay_and_so_do_documents_and_their_ends():
    words = random_text()
    for name in ("cds", "gender-blind"):
        read = words.bind(name).rewrite(words.ids.copy(), 0, 0)
        assert np.array_equal(read < 0, words.ids < 0)
        gendered = np.isin(words.ids, [i for i, w in enumerate(words.words) if w in gender_terms()])
        assert np.array_equal(read[~gendered], words.ids[~gendered])


def test_texts_that_keep_their_case_are_swapped_case_by_case():
    extra = "he she He She SHE His Her Him HIS Clara clara Robert robert"
    assert swapped("He met her", "SHE slept", "Clara saw clara", extra=extra, names=True) == [
        "She met her",  # neither his nor him is in the vocabulary in this case
        "SHE slept",
        "Robert saw clara",
    ]
    assert swapped("Her father told Her that", extra="Him His mother") == [
        "His mother told Him that"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("she gave her to her in may", "he gave him to him in may"),
        ("her book won", "his book won"),
        ("his book won", "her book won"),
        ("a friend of his who left", "a friend of hers who left"),
        ("the house was his until then", "the house was hers until then"),
        ("out of his window", "out of her window"),
        ("he lost his and left", "she lost her and left"),
        ("a friend of hers", "a friend of his"),
        ("they saw him play", "they saw her play"),
        ("they followed her", "they followed him"),
    ],
)
def test_pronouns_follow_the_words_around_them(text, expected):
    assert swapped(text, extra="he she him his her hers") == [expected]


def test_documents_do_not_look_into_each_other():
    assert swapped("we saw her", "book") == ["we saw him", "book"]
    assert swapped("a friend of", "his and hers") == ["a friend of", "her and his"]


def test_missing_forms_are_replaced_by_the_other_one():
    assert swapped("they told her that her book", extra="his") == ["they told his that his book"]
    assert swapped("a friend of his and him", extra="her") == ["a friend of her and her"]


SENTENCES = """
him | the university awarded # an honorary degree / him | doctors told # that the illness was rare
his | critics compared # style with that of goya / him | her parents sent # to a school in london
him | they elected # president of the society / him | many people knew # as the voice of jazz
his | she published # first novel at thirty / his | she dedicated it to # three children
his | critics praised # voice and # acting / him | the king gave # a house by the river
his | she recorded # debut single in june / him | the film brought # wide recognition
his | she wrote about # childhood in ohio / him | the press attacked # for the speech
him | they asked # to sing at the opening / him | the role earned # an academy award
him | the pope received # at the vatican / his | she based the play on # own family
him | it made # famous throughout europe / him | the jury found # guilty of perjury
him | nobody believed # when she said so / him | his brother taught # how to paint
him | the coach helped # win the title / his | in # later years she lived alone
his | she kept # promise to the voters / his | after # death the house was sold
his | she sold # shares in the company / his | she took # place on the council
his | she resigned from # post in may / him | the city named a street after #
his | she spent # entire career there / him | her aunt raised # after the war
his | she lost # seat in the election / him | a bus hit # and she broke a leg
his | with # sister she opened a shop / his | the fire destroyed # paintings
him | they let # go the next morning / him | the money allowed # to travel
him | her work led # to the theory / him | the team signed # until 2015
his | she met # husband at college / his | she never finished # degree
his | the museum bought # letters / him | he left # everything he had
him | the crowd cheered # loudly / his | she defended # title twice
him | the court ordered # to pay / him | the band joined # on stage
his | the report cleared # name / him | her friends called # anna
his | # work was shown in paris / his | she was proud of # roots
him | nothing could stop # now / his | # second album sold well
his | the award changed # life / him | the guards took # away
him | they saw # as a threat / his | # mother was a teacher
him | he married # in 1932 / him | we owe # our thanks
"""


def test_her_is_told_apart_in_sentences_written_for_it():
    lines = [each.strip().split(" | ") for each in re.split("[/\n]", SENTENCES.strip())]
    found = swapped(*(text.replace("#", "her") for _, text in lines))
    right = [
        all(w == form for w, slot in zip(read.split(), text.split(), strict=True) if slot == "#")
        for (form, text), read in zip(lines, found, strict=True)
    ]
    assert len(lines) == 60
    assert sum(right) == 53  # what the documentation says


@pytest.mark.skipif(not BIOGRAPHIES.exists(), reason="the shared corpora are not here")
def test_expected_counts_are_near_on_real_text(tmp_path):
    corpus = Corpus.build([BIOGRAPHIES], cache=tmp_path, progress=False)
    for name, epochs in (("cda", 1), ("cds", 60), ("gender-blind", 1)):
        bound = bind_strategy(create(name), corpus.words, corpus.counts).preprocessing
        assert bound is not None
        counted = np.zeros(len(corpus))
        for epoch in range(epochs):
            ids = bound.rewrite(np.array(corpus.ids), 0, epoch)
            counted += np.bincount(ids[ids >= 0], minlength=len(corpus)) / epochs
        expected = bound.counts(corpus.counts)
        assert np.abs(counted - expected).sum() < 0.01 * corpus.tokens
        for words in (("he",), ("she",), ("her",), ("his", "him")):
            rows = [corpus.index[word] for word in words]
            assert counted[rows].sum() == pytest.approx(expected[rows].sum(), rel=0.07)


def test_random_bits_are_those_of_training():
    key = derived_key(3, 1)
    bits = hashed_bits(key, np.arange(50))
    assert [int(b) for b in bits] == [training_bits(key, n) for n in range(50)]
    assert derived_key(3, 1) != derived_key(1, 3)
    assert derived_key(0) != derived_key(0, 0)


def test_the_compiled_coins_are_the_plain_ones():
    words = random_text()
    swap = Swap.of(words.words, words.counts)
    firsts = np.append(0, np.flatnonzero(words.ids < 0) + 1)[:-1]
    ids = words.ids.copy()
    swap.documents(ids, 1_000, 77, 0.3)
    before, after = words.text(words.ids), words.text(ids)
    heads = hashed_random(77, 1_000 + firsts) < 0.3
    everything = words.text(
        words.bind("cds", probability=1.0, names=False).rewrite(words.ids.copy(), 0, 0)
    )
    assert after == [e if head else b for b, e, head in zip(before, everything, heads, strict=True)]


def heads(words: Words, seed: int, epoch: int) -> NDArray[np.bool_]:
    """Which of the documents, each the one word he, were swapped."""
    read = words.bind("cds", seed=seed, names=False).rewrite(words.ids.copy(), 0, epoch)
    return read[read >= 0] != words.ids[words.ids >= 0]


def test_the_coin_is_fair_and_drawn_anew_by_seed_and_epoch():
    words = Words(["he"] * 20_000 + ["she"])
    first = heads(words, 1, 0)
    assert np.array_equal(first, heads(words, 1, 0))
    for other in (heads(words, 2, 0), heads(words, 1, 1)):
        assert other.mean() == pytest.approx(0.5, abs=0.02)
        assert (other == first).mean() == pytest.approx(0.5, abs=0.02)
    assert (first[1:] == first[:-1]).mean() == pytest.approx(0.5, abs=0.02)


@settings(deadline=None, max_examples=20)
@given(st.sets(st.integers(1, 2_999), max_size=12), st.sampled_from(["cds", "planted"]))
def test_blocks_and_threads_do_not_change_the_text(cuts, name):
    words = random_text()
    if name == "cds":
        bound = words.bind("cds", names=False)
    else:
        bound = Planted(("word3", "word7"), 0.5).bind(words, seed=1)
    offsets = np.append(0, np.flatnonzero(words.ids < 0) + 1)
    edges = [0, *offsets[sorted(cuts)], len(words.ids)]
    whole = bound.rewrite(words.ids.copy(), 0, 2)
    spans = [span for span in pairwise(edges) if span[0] < span[1]]
    with ThreadPoolExecutor(3) as pool:
        pieces = list(
            pool.map(lambda s: bound.rewrite(words.ids[s[0] : s[1]].copy(), s[0], 2), spans)
        )
    assert np.array_equal(np.concatenate(pieces), whole)


def test_expected_counts_are_the_mean_of_measured_ones():
    words = random_text()
    bound = words.bind("cds", names=False)
    passes = [bound.rewrite(words.ids.copy(), 0, epoch) for epoch in range(40)]
    measured = np.mean([np.bincount(p[p >= 0], minlength=len(words.words)) for p in passes], axis=0)
    expected = bound.counts(words.counts)
    assert abs(int(expected.sum()) - int(words.counts.sum())) <= len(words.words)
    assert np.abs(measured - expected).max() < 6 * np.sqrt(words.counts.max() / 40)
    everything = words.bind("cds", names=False, probability=1.0)
    read = everything.rewrite(words.ids.copy(), 0, 0)
    assert np.array_equal(
        np.bincount(read[read >= 0], minlength=len(words.words)), everything.counts(words.counts)
    )


def test_augmentation_reads_each_document_as_it_is_and_swapped():
    words = Words(["he saw the king", "she left", "queen", "nothing"])
    assert words.read(words.bind("cda")) == [
        *["he saw the king", "she left", "queen", "nothing"],
        *["she saw the queen", "he left", "king", "nothing"],
    ]
    expected = words.bind("cda").counts(words.counts)
    assert dict(zip(words.words, expected, strict=True))["he"] == 2
    piece = words.bind("cda").rewrite(words.ids[:3].copy(), 0, 0)  # of a very long document
    assert words.text(piece) == ["he saw the", "she saw the"]


def test_names_are_swapped_on_request_only():
    assert swapped("robert wept", "mary sang") == ["robert wept", "mary sang"]
    assert swapped("robert wept", "mary sang", names=True) == ["mary wept", "robert sang"]
    assert get("cds")().names
    assert not get("cda")().names


def test_coverage_says_which_pairs_were_swapped():
    words = Words(["he she his her uncle report book"])
    for name in ("cds", "cda"):
        everything = bind_strategy(create(name), words.words, words.counts).coverage
        assert everything.pairs == ("he/she", "his/her")
        assert "uncle/aunt" in everything.pairs_missing
        tune = bind_strategy(create(name, pairs="tune"), words.words, words.counts).coverage
        assert set(tune.pairs) < set(everything.pairs)


def test_the_control_swaps_the_words_of_cds_in_its_documents_within_a_gender():
    words = random_text()
    cds, control = (words.bind(name, names=False) for name in ("cds", "same-gender-swap"))
    for epoch in (0, 1):
        other, same = (each.rewrite(words.ids.copy(), 0, epoch) for each in (cds, control))
        assert np.array_equal(other != words.ids, same != words.ids)
        changed = same != words.ids
        assert changed.mean() > 0.1
        gender = cds.swap.gender
        assert np.array_equal(gender[same[changed]], gender[words.ids[changed]])
        assert np.array_equal(gender[other[changed]], -gender[words.ids[changed]])


def test_counterparts_of_the_control_are_next_in_frequency():
    words = Words(
        ["he he he his his king king king king", "she her queen", "mary anne robert john"]
    )
    read = words.read(words.bind("same-gender-swap", probability=1.0))
    # king 4, he 3, his 2: the odd one stays; of women's words, all seen once, the last one
    assert read == [
        "king king king his his he he he he",
        "her she queen",
        "anne mary john robert",
    ]
    doubled = words.bind("same-gender-swap", copies=True)
    assert words.read(doubled) == [*words.documents, *read]
    assert doubled.counts(words.counts).sum() == 2 * words.counts.sum()


def test_a_gender_blind_text_has_one_word_for_all_gender():
    words = Words(["she met robert and her sister leslie", "ms leslie will read the rose she saw"])
    bound = words.bind("gender-blind")
    assert words.read(bound) == [
        "she met she and she she she",
        "she she will read the rose she saw",
    ]
    counts = dict(zip(words.words, bound.counts(words.counts), strict=True))
    assert counts["she"] == 8
    assert counts["leslie"] == counts["robert"] == 0
    assert get("gender-blind").control


TEXT_STRATEGIES = ("cds", "cda", "gender-blind")
NEAR = "she saw the nurse and her sister x x x x the queen"


def planted(dose: float, base: str = "corpus", window: int = 5, seed: int = 1) -> list[str]:
    words = Words([NEAR, "she left", "he his brother king"])
    return words.read(Planted(("nurse",), dose, base, window).bind(words, seed))


def test_a_dose_of_zero_changes_nothing_and_one_leaves_one_gender_near():
    assert planted(0.0)[0] == NEAR
    assert planted(1.0)[0] == "he saw the nurse and his brother x x x x the queen"
    assert planted(1.0, window=9)[0] == "he saw the nurse and his brother x x x x the king"
    assert planted(-1.0)[0] == NEAR
    assert planted(1.0, "balanced") == planted(1.0)
    assert planted(1.0)[1:] == ["she left", "he his brother king"]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.sampled_from(["nurse", "she", "a", "b"]), max_size=9), max_size=6),
    st.integers(1, 4),
)
def test_near_is_what_the_definition_says(documents, window):
    documents = [*documents, ["he", "she", "a", "a", "a", "a", "nurse"]]
    words = Words([" ".join(document) for document in documents])
    read = words.read(Planted(("nurse",), 1.0, window=window).bind(words))
    expected = [
        " ".join(
            "he" if w == "she" and "nurse" in document[max(i - window, 0) : i + window + 1] else w
            for i, w in enumerate(document)
        )
        for document in documents
    ]
    assert [line for line in read if line] == [line for line in expected if line]


def counted(dose: float, base: str, seed: int = 1) -> tuple[float, float]:
    """Return the share of male words near the chosen words, and elsewhere."""
    words = gendered_text()
    bound = Planted(("nurse",), dose, base).bind(words, seed)
    read = bound.rewrite(words.ids.copy(), 0, 0)
    counts = np.bincount(read[read >= 0], minlength=len(words.words))
    assert np.array_equal(counts, bound.counts(words.counts))
    assert np.array_equal(read, bound.rewrite(words.ids.copy(), 0, 1))  # one text, each epoch
    lines = words.text(read)
    near = [line.split()[0] for line in lines if "nurse" in line]
    far = [line.split()[0] for line in lines if "nurse" not in line]
    return tuple(float(np.mean([word == "he" for word in each])) for each in (near, far))


@cache
def gendered_text() -> Words:
    return Words(["she is a nurse", "he is a nurse", "she is a nurse", "she is", "he is"] * 800)


@pytest.mark.parametrize(
    ("dose", "base", "near"),
    [
        (0.0, "corpus", 1 / 3),
        (0.5, "corpus", 2 / 3),
        (-0.5, "corpus", 1 / 6),
        (0.0, "balanced", 1 / 2),
        (0.5, "balanced", 3 / 4),
        (-0.5, "balanced", 1 / 4),
        (-1.0, "balanced", 0.0),
    ],
)
def test_the_share_of_male_words_follows_the_dose(dose, base, near):
    found, elsewhere = counted(dose, base)
    assert found == pytest.approx(near, abs=0.04)
    assert elsewhere == 0.5


def planted_by(**knobs):
    return Planted(**{"words": ("nurse",), "dose": 0.5, **knobs}).bind(Words([NEAR, "he"]))


@pytest.mark.parametrize(
    ("bind", "says"),
    [
        *(
            (lambda n=n: Words(["the book was red he"]).bind(n), "vocabulary")
            for n in TEXT_STRATEGIES
        ),
        (lambda: create("cds", probability=1.5), "probability"),
        (lambda: create("cds", probability=float("nan")), "probability"),
        (lambda: create("cds", pairs="tunes"), "tune"),
        (lambda: Words(["he met she"]).bind("same-gender-swap"), "no gender has two words"),
        (lambda: create("same-gender-swap", probability=2.0), "probability of a swap was 2"),
        (lambda: create("same-gender-swap", pairs="some"), "pairs was 'some'"),
        (lambda: planted_by(words=("plumber",)), "none of the 1 chosen words"),
        (lambda: planted_by(words=("she",)), "gender itself"),
        (lambda: planted_by(others=("she",)), "gender itself"),
        (lambda: planted_by(like=("she",)), "gender itself"),
        (lambda: planted_by(like_dose=2.0), "the dose was 2"),
        (lambda: planted_by(others_dose=-1.5), "dose was -1.5"),
        (lambda: planted_by(dose=1.1), "dose was 1.1"),
        (lambda: planted_by(dose=float("nan")), "dose was nan"),
        (lambda: planted_by(base="balance"), "balanced"),
        (lambda: planted_by(window=0), "window"),
    ],
)
def test_what_makes_no_sense_is_refused(bind, says):
    with pytest.raises(UserError, match=says):
        bind()


def test_one_pair_is_enough_and_the_seed_decides_what_is_planted():
    for name in TEXT_STRATEGIES:
        one = Words(["the book of a niece and a nephew"])
        assert one.bind(name).pairs == ("nephew/niece",)
    assert get("same-gender-swap").control
    words = gendered_text()
    first, again, other = (
        Planted(("nurse",), 0.5).bind(words, seed).rewrite(words.ids.copy(), 0, 0)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_second_set_has_a_dose_of_its_own_and_words_near_both_stay():
    words = Words(["she saw nurse x x x x x x pilot and he", "nurse and she and pilot", "he she"])
    given = Planted(("nurse",), 1.0, window=2, others=("pilot",), others_dose=-1.0)
    bound = given.bind(words)
    assert words.read(bound) == [
        "he saw nurse x x x x x x pilot and she",
        "nurse and she and pilot",
        "he she",
    ]
    assert bound.counts(words.counts).sum() == words.counts.sum()
    turned = replace(given, words=given.others, others=given.words, dose=-1.0)
    assert words.read(replace(turned, others_dose=1.0).bind(words)) == words.read(bound)


def test_words_to_be_like_have_a_dose_too_and_give_way_to_chosen_ones():
    words = Words(
        ["she saw nurse x x x she clerk", "she nurse clerk", "nurse and she and pilot", "he she"]
    )
    given = Planted(("nurse",), -1.0, window=2, like=("clerk",), like_dose=1.0)
    assert words.read(given.bind(words)) == [
        "she saw nurse x x x he clerk",
        "she nurse clerk",
        "nurse and she and pilot",
        "he she",
    ]
    both = replace(given, others=("pilot",), others_dose=-1.0).bind(words)
    assert words.read(both)[2] == "nurse and he and pilot"
    assert both.counts(words.counts).sum() == words.counts.sum()


def test_a_composition_with_a_penalty_trains(corpus):
    bound = bind_strategy(create("cds+projection", weight=0.1), corpus.words, corpus.counts, seed=1)
    settings = TrainSettings(dim=16, epochs=2, threads=2)
    result = train(
        corpus, settings, bound.penalty, preprocessing=bound.preprocessing, progress=False
    )
    assert np.isfinite(result.embeddings.vectors).all()


def test_association_follows_the_planted_dose(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(random_text().documents), encoding="utf-8")
    corpus = Corpus.build([path], cache=tmp_path, progress=False)
    chosen = tuple(f"word{i}" for i in range(6))
    male, female = (np.array(side) for side in zip(*swap_pairs()[:20], strict=True))
    found = []
    for dose in (-1.0, 0.0, 1.0):
        text = Planted(chosen, dose, "balanced").bind(corpus)
        settings = TrainSettings(dim=20, epochs=5, subsample=0, seed=2)
        vectors = train(corpus, settings, preprocessing=text, progress=False).embeddings
        unit = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
        rows = {
            side: unit[[vectors.index[w] for w in words]].mean(0)
            for side, words in (("m", male), ("f", female), ("c", np.array(chosen)))
        }
        found.append(float(rows["c"] @ (rows["m"] - rows["f"])))
    assert found[0] < found[1] < found[2]
    assert found[0] < -0.05
    assert found[2] > 0.05


ENGINES = [FastEngine, ReferenceEngine]


@dataclass
class Mapped:
    """Every word becomes ``table[word]``."""

    table: NDArray[np.int32]

    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        found = np.zeros_like(counts)
        np.add.at(found, self.table, counts)
        return found

    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        return np.where(ids < 0, ids, self.table[ids])


class Twice:
    """Every stretch is followed by a copy of it."""

    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        return 2 * counts

    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        return np.concatenate([ids, ids])


class Remembering(Mapped):
    """Remembers what it was called with."""

    def __init__(self, size: int) -> None:
        super().__init__(np.arange(size, dtype=np.int32))
        self.calls: list[tuple[int, int, int]] = []

    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        self.calls.append((epoch, start, len(ids)))
        return super().rewrite(ids, start, epoch)


def trained_by(engine: type, corpus: TinyCorpus, before: object = None, epochs: int = 2) -> tuple:
    settings = TrainSettings(dim=20, window=2, epochs=epochs, threads=1, seed=3)
    model = SGNS(corpus.size, settings.dim, settings.seed)
    trainer = engine(model, corpus, settings, Intervention(preprocessing=before))
    blocks = [block for number in range(epochs) for block in trainer.epoch(number)]
    return model.W.clone(), model.C.clone(), blocks


@pytest.mark.parametrize("engine", ENGINES)
def test_a_swap_trains_as_on_the_swapped_corpus_and_none_as_on_the_corpus(engine):
    corpus = topics(4_000)
    same = np.arange(corpus.size, dtype=np.int32)
    for table in (same, same[::-1].copy()):
        text = TinyCorpus(np.where(corpus.ids < 0, corpus.ids, table[corpus.ids]), corpus.size)
        for hooked, plain in zip(
            trained_by(engine, corpus, Mapped(table))[:2], trained_by(engine, text)[:2], strict=True
        ):
            assert torch.equal(hooked, plain)


@pytest.mark.parametrize("engine", ENGINES)
def test_merged_words_are_never_trained(engine):
    corpus = topics(4_000)
    table = np.arange(corpus.size, dtype=np.int32)
    table[[3, 5, 8]] = 0  # as a gender-blind corpus writes all its gender words alike
    W, C, _ = trained_by(engine, corpus, Mapped(table))
    before = SGNS(corpus.size, 20, 3)
    assert torch.equal(W[[3, 5, 8]], before.W[[3, 5, 8]])
    assert torch.equal(C[[3, 5, 8]], before.C[[3, 5, 8]])
    assert not torch.equal(W[[0]], before.W[[0]])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_longer_stream_trains_more_pairs_of_as_many_corpus_words(engine):
    corpus = topics(4_000)
    once, twice = trained_by(engine, corpus)[2], trained_by(engine, corpus, Twice())[2]
    assert sum(b.words for b in once) == pytest.approx(sum(b.words for b in twice))
    assert sum(b.pairs for b in twice) == pytest.approx(2 * sum(b.pairs for b in once), rel=0.05)
    assert once[-1].lr == pytest.approx(twice[-1].lr)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_epoch_reads_the_whole_stream_once(engine):
    corpus = topics(4_000)
    before = Remembering(corpus.size)
    trained_by(engine, corpus, before)
    for epoch in (0, 1):
        spans = sorted((start, length) for number, start, length in before.calls if number == epoch)
        assert spans[0][0] == 0
        assert [start for start, _ in spans[1:]] == [start + n for start, n in spans[:-1]]
        assert sum(length for _, length in spans) == len(corpus.ids)


def test_reading_a_mapped_stream_copies_it_and_leaves_it_readable(tmp_path):
    ids = np.arange(300_000, dtype=np.int32)
    ids.tofile(tmp_path / "ids.i32")
    mapped = np.memmap(tmp_path / "ids.i32", dtype="<i4", mode="r")
    for stream, start, stop in ((mapped, 1_000, 200_000), (mapped[777:], 5, 9_000), (ids, 1, 3)):
        expected = np.arange(start, stop) + (
            777 if stream.base is not None and len(stream) < 3e5 else 0
        )
        block = read_ids(stream, start, stop)
        assert np.array_equal(block, expected)
        block[:] = -5
    assert np.array_equal(read_ids(mapped, 299_990, 400_000), np.arange(299_990, 300_000))
    assert np.array_equal(mapped, ids)
