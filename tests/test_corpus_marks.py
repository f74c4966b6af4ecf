"""Combining marks, joiners, normal forms and endless tokens in text."""

import json
import re
import sys
import unicodedata
import warnings
from types import SimpleNamespace
from unicodedata import normalize

import numpy as np
import pytest

from debiaslab.cli import main
from debiaslab.corpus import CorpusSettings, learn_phrases
from debiaslab.corpus.compiled import CompiledNumbers
from debiaslab.corpus.numbers import PlainNumbers
from debiaslab.corpus.reading import TextBlock
from debiaslab.corpus.tokens import LONGEST, PATTERN, mark_characters, prepare, tokenize
from debiaslab.errors import UserError, normal_form
from tests.toys import documents_of

WHOLE = [
    *("könig", "tiếng", "ẹ̀kọ́", "नमस्ते", "வணக்கம்", "สวัสดี", "မြန်မာ", "שָׁלוֹם", "السَّلَامُ", "한국어"),
    "می\u200cخواهم",  # Persian: a non-joiner inside
    *("ශ්\u200dරී", "അവന്\u200d"),  # a joiner inside, and at the end
    "o\u2019",  # the apostrophe is no part of it
]
ENGLISH = "the quick brown fox jumps over the lazy dog and rests "


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("marks", ["auto", "keep"])
def test_marks_and_joiners_belong_to_their_word(encode, marks, form):
    text = "".join(f"({normalize(form, word)})\u200c {normalize(form, word)}\n" for word in WHOLE)
    corpus = encode(text, marks=marks)
    words = [normal_form(word).removesuffix("\u2019") for word in WHOLE]
    assert documents_of(corpus) == [[word, word] for word in words]
    assert corpus.marks_kept


@pytest.mark.parametrize("lowercase", [True, False])
def test_equivalent_texts_are_one_text(encode, lowercase):
    text = "\n".join((*WHOLE, "KÖNIG İstanbul ΌΣΟΣ Ǆ J\u030c", ENGLISH))
    made = {
        encode(normalize(form, text), marks=marks, lowercase=lowercase).fingerprint
        for form in ("NFC", "NFD")
        for marks in ("auto", "keep")
    }
    assert len(made) == 1


def test_case_and_normal_form_agree_for_every_character():
    settings = CorpusSettings(marks="keep")
    for code in range(0x110000):
        character = chr(code)
        if character.isalpha() and not character.isascii():
            decomposed = normalize("NFD", character)
            if decomposed != character:
                text = prepare(character, settings)[0]
                assert text == prepare(decomposed, settings)[0] == normal_form(text)


def test_few_marks_leave_english_text_as_it_was(encode):
    """A foreign name in it or not: these are the tokens of all earlier versions."""
    text = "\n".join([ENGLISH * 10] * 40) + "\nİstanbul नमस्ते akoúo̱ Beyoncé\n"
    corpus = encode(text)
    assert not corpus.marks_kept
    assert corpus.marked == 3
    assert documents_of(corpus) == [
        re.findall(PATTERN, line) for line in text.lower().split("\n")[:-1]
    ]
    assert corpus.fingerprint == encode(text, marks="cut").fingerprint
    kept = encode(text, marks="keep")
    assert documents_of(kept)[-1] == ["i\u0307stanbul", "नमस्ते", "akoúo̱", "beyoncé"]
    text = "\n".join([ENGLISH * 10] * 40) + "\nCafe\u0301 Beyonce\u0301\n"
    assert documents_of(encode(text))[-1] == ["café", "beyoncé"]  # a few letters are composed
    assert documents_of(encode(text, marks="cut"))[-1] == ["cafe", "beyonce"]
    alone = encode(
        "\u0301 a \u0301\u200d $5\u0301x ̈b\n", marks="keep"
    )  # no word, nor after a price
    assert documents_of(alone) == [["a", "$5", "x", "b"]]


def test_cut_is_exactly_the_pattern(encode):
    text = "\n".join((*WHOLE, *(normalize("NFD", word) for word in WHOLE), "²½ $5\u0301 _\u0301x"))
    found = [re.findall(PATTERN, line) for line in text.split("\n")]
    corpus = encode(text, marks="cut", lowercase=False)
    assert documents_of(corpus) == [doc for doc in found if doc]
    meta = json.loads((corpus.path / "meta.json").read_text())
    assert meta["tokenizer"] == r"\w+|\$[\d\.]+"  # as all versions wrote it: their caches open


def test_every_mark_is_known():
    marks = mark_characters()
    categories = (unicodedata.category(chr(code)) for code in range(sys.maxunicode + 1))
    found = np.fromiter((each.startswith("M") for each in categories), np.bool_, len(marks))
    found[[0x200C, 0x200D]] = True
    assert np.array_equal(marks, found)


@pytest.mark.parametrize("seed", range(4))
def test_both_readers_agree_on_marks(seed):
    rng = np.random.default_rng(seed)
    letters = list("ab ZÉ_1$.\n\u0301\u0327\u200c\u200dक्षिאָםไทย가ᅡ\u11a8İ\u1e9b\u0323\u0345𑂀𑂺")
    raw = "".join(rng.choice(letters, 20_000)) + "\n"
    for settings in (CorpusSettings(marks="keep"), CorpusSettings(marks="keep", lowercase=False)):
        text, _ = prepare(raw, settings)
        streams = []
        for numbers in (PlainNumbers((), lowercase=settings.lowercase), CompiledNumbers(())):
            ids = np.concatenate([row.ids for row in numbers.rows(iter([TextBlock(text, 0)]))])
            streams.append(np.array(numbers.words, object)[ids].tolist())
        assert streams[0] == streams[1]
        tokens = [token for token in streams[0] if token != "\n"]
        assert tokens == [token for line in text.split("\n") for token in tokenize(line)]
        if settings.lowercase:
            assert all(normal_form(token) == token for token in tokens)


@pytest.mark.parametrize("few", [True, False])
def test_words_with_marks_are_counted_for_auto(few):
    text = (
        ENGLISH * (1000 if few else 1) + " \u0301 क्षि a\u0301\u0327\u0301x ไทย \u200c नी\u200d ab\n"
    )
    prepared, marked = prepare(text, CorpusSettings())
    assert marked == 3  # क्षि, ạ́x after composing, नी; ไทย has none
    assert "\u094d" not in prepared


@pytest.mark.parametrize("marks", ["keep", "auto", "cut"])
def test_phrases_are_read_as_the_text_is(encode, marks):
    phrases = normalize("NFD", "शुभ प्रभात\nguten König\n")
    corpus = encode("शुभ प्रभात GUTEN KÖNIG\n" * 3, marks=marks, phrases=phrases)
    assert ("शुभ_प्रभात" in corpus.words) is (marks != "cut")
    assert ("guten_könig" in corpus.words) is (marks != "cut")


def test_learned_phrases_keep_marks(tmp_path):
    path = tmp_path / "text.txt"
    others = "\n".join(f"अन्य{i} शब्द{i} और{i}" for i in range(50))
    path.write_text("शुभ प्रभात\n" * 10 + others, encoding="utf-8")
    learned = learn_phrases([path], cache=tmp_path, progress=False)
    assert learned == (("शुभ", "प्रभात"),)
    cut = learn_phrases([path], cache=tmp_path, progress=False, marks="cut")
    assert ("शुभ", "प्रभात") not in cut


def test_endless_tokens_are_left_out_said_and_counted(encode):
    limit, other = "x" * LONGEST, "ü" * (LONGEST // 2)
    text = f"a b {limit} {limit}y {other} {other}ü c ${'1' * 9000}\n"
    with pytest.warns(UserWarning, match="longer than 2,000 bytes are left out: 3"):
        corpus = encode(text)
    assert documents_of(corpus) == [["a", "b", limit, other, "c"]]
    assert (corpus.too_long, corpus.raw_tokens) == (3, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert encode(text).too_long == 3  # from the cache


def test_settings_of_earlier_versions_cut():
    recorded = {"mwes": None, "lowercase": True, "min_count": 3, "rare": "unk"}
    assert CorpusSettings.from_record(recorded).marks == "cut"
    assert CorpusSettings.from_record({**recorded, "marks": "keep"}).marks == "keep"
    with pytest.raises(UserError, match=r"--marks was 'keeep'.*allowed: auto, keep, cut.*'keep'"):
        CorpusSettings(marks="keeep")


def test_the_command_shows_how_the_text_was_cut(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text((ENGLISH + "नमस्ते привет aпривет 42 x̣\n") * 6, "utf-8")
    assert main(["corpus", "a.txt"]) == 0
    said = capsys.readouterr().out
    assert "scripts      Latin 80.00%, several in one token 6.67%, Cyrillic 6.67%" in said
    assert "odd tokens   20.00% of the tokens: aпривет привет नमस्ते" in said
    assert "marks        combining marks belong to their words" in said
    assert "text begins  the quick brown fox jumps over the lazy dog and rests नमस्ते …" in said

    (tmp_path / "b.txt").write_text((ENGLISH * 99 + "नमस्ते\n") * 6 + "y" * 3000, "utf-8")
    assert main(["corpus", "b.txt"]) == 0
    said, warned = capsys.readouterr()
    assert "warning: tokens longer than 2,000 bytes are left out: 1" in warned
    assert "marks        6 words were cut at combining marks (not with --marks keep)" in said
    assert "too long     1 left out (tokens of more than 2,000 bytes)" in said
    assert "sweep b.txt --strategy" in said
    assert main(["corpus", "b.txt", "--marks", "keep"]) == 0
    assert "sweep b.txt --marks keep --strategy" in capsys.readouterr().out


def test_a_study_kept_by_an_earlier_version_is_read_as_it_was(tmp_path):
    """Its file says nothing of marks, which cut words then."""
    from debiaslab.study.kept import _read
    from debiaslab.study.spec import StudyFile

    kept = json.loads(StudyFile.model_validate({"strategies": [{"name": "projection"}]}).to_json())
    kept["corpus"].pop("marks", None)
    (tmp_path / "study.json").write_text(json.dumps(kept))
    store = SimpleNamespace(artifact=lambda run, path: tmp_path / path)
    study = SimpleNamespace(run_id="1", study="old")
    assert _read(store, study, "study.json").corpus.settings().marks == "cut"
    kept["corpus"]["marks"] = "keep"
    (tmp_path / "study.json").write_text(json.dumps(kept))
    assert _read(store, study, "study.json").corpus.settings().marks == "keep"
