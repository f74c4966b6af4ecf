from __future__ import annotations

import ast
import dataclasses
import doctest
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.lexicons import (
    OBJECTIVE_TESTS,
    SALT,
    AssociationTest,
    association_test,
    association_tests,
    gender_words,
    half_of,
    half_of_pair,
    load,
    load_pairs,
    names,
    pair_names,
    professions,
    report_words,
    versions,
)
from debiaslab.lexicons.source import LIST_SOURCES, PAIR_SOURCES, source
from debiaslab.lexicons.split import family_key

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "bias"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"the published lists to compare with are not at {SHARED}"
)

PUBLISHED = ("6", "6b", "7", "8")
EVEN_LISTS = (  # quickest to fail first: the search for the salt stops at the first miss
    "arts",
    "math",
    "science",
    "career",
    "family",
    "male_names",
    "female_names",
    "arts_2",
    "male_terms",
    "male_terms_2",
    "female_terms",
    "female_terms_2",
)
LARGER_LISTS = (
    "career_extended",
    "family_extended",
    "math_extended",
    "science_extended",
    "arts_extended",
    "male_words",
    "female_words",
    "occupations_male",
    "occupations_female",
)


def shared(path: str) -> list:
    return json.loads((SHARED / path).read_text("utf-8"))


def lower(words: list[str]) -> tuple[str, ...]:
    return tuple(word.lower() for word in words)


# the split


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sets_split_exactly_in_two(name: str) -> None:
    test = association_test(name)
    assert [len(words) for words in test.half("all")] == [8, 8, 8, 8]
    assert [len(words) for words in test.half("tune")] == [4, 4, 4, 4]
    assert [len(words) for words in test.half("report")] == [4, 4, 4, 4]


def test_definitional_pairs_split_five_and_five() -> None:
    pairs = load_pairs("definitional_pairs")
    assert (len(pairs.half("tune")), len(pairs.half("report"))) == (5, 5)


@pytest.mark.parametrize("name", LARGER_LISTS)
def test_larger_lists_keep_forty_percent_in_each_half(name: str) -> None:
    lexicon = load(name)
    smaller = min(len(lexicon.half("tune")), len(lexicon.half("report")))
    assert smaller >= 0.4 * len(lexicon.words)


def test_salt_is_the_smallest_number_that_splits_evenly() -> None:
    prefix, number = SALT.split("-")
    assert prefix == "debiaslab"
    even = [families_of(load(name).words) for name in EVEN_LISTS]
    even.append(families_of(tuple(m for m, _ in load_pairs("definitional_pairs").pairs)))
    larger = [families_of(load(name).words) for name in LARGER_LISTS]
    found = next(n for n in range(int(number) + 1) if splits_evenly(n, even, larger))
    assert found == int(number)


def families_of(words: tuple[str, ...]) -> list[tuple[bytes, int]]:
    sizes = Counter(family_key(word) for word in words)
    return [(f":{key}".encode(), size) for key, size in sizes.most_common()]


def splits_evenly(n: int, even: list, larger: list) -> bool:
    salt = f"debiaslab-{n}".encode()
    for keys in even:
        report = tune = sum(size for _, size in keys) // 2
        for key, size in keys:
            if hashlib.sha256(salt + key).digest()[-1] % 2:
                report -= size
            else:
                tune -= size
            if report < 0 or tune < 0:
                return False
    for keys in larger:
        odd = sum(size for key, size in keys if hashlib.sha256(salt + key).digest()[-1] % 2)
        total = sum(size for _, size in keys)
        if min(odd, total - odd) < 0.4 * total:
            return False
    return True


@pytest.mark.parametrize("name", names())
def test_halves_are_disjoint_and_complete(name: str) -> None:
    lexicon = load(name)
    tune, report = set(lexicon.half("tune")), set(lexicon.half("report"))
    assert not tune & report
    assert tune | report == set(lexicon.words)
    assert lexicon.half("all") == lexicon.words


def test_a_word_is_in_the_same_half_in_every_lexicon() -> None:
    seen: dict[str, set[str]] = {}
    for name in names():
        for half in ("tune", "report"):
            for word in load(name).half(half):
                seen.setdefault(word, set()).add(half)
    assert all(len(halves) == 1 for halves in seen.values())
    assert all({half_of(word)} == halves for word, halves in seen.items())


def test_half_follows_the_documented_hash() -> None:
    digest = int(hashlib.sha256(f"{SALT}:poetry".encode()).hexdigest(), 16)
    assert half_of("poetry") == ("tune", "report")[digest % 2]
    assert half_of("Poetry") == half_of("poetry")


@pytest.mark.parametrize("name", pair_names())
def test_pairs_stay_whole(name: str) -> None:
    pairs = load_pairs(name)
    assert all(half_of(male) == half_of(female) for male, female in pairs.pairs)
    assert sorted(pairs.half("tune") + pairs.half("report")) == sorted(pairs.pairs)
    assert pairs.half("all") == pairs.pairs


@pytest.mark.parametrize("suffix", ["words", "terms", "terms_2"])
def test_aligned_gender_lists_stay_whole(suffix: str) -> None:
    male, female = load(f"male_{suffix}").words, load(f"female_{suffix}").words
    assert len(male) == len(female)
    assert all(family_key(m) == family_key(f) for m, f in zip(male, female, strict=True))


def test_families_are_disjoint_and_hold_inflections_together() -> None:
    groups = source("families")["families"]
    members = [word for group in groups for word in group]
    assert len(members) == len(set(members))
    assert all(group == sorted(group) and len(group) > 1 for group in groups)
    assert len({family_key(word) for word in ("him", "his", "her", "hers")}) == 1
    assert len({family_key(word) for word in ("man", "men", "woman", "women")}) == 1
    assert family_key("he") != family_key("his")
    assert family_key("algebra") == "algebra"


def test_half_of_pair_ignores_order_and_case() -> None:
    assert half_of_pair("tiger", "cat") == half_of_pair("Cat", "tiger")
    halves = Counter(half_of_pair(f"word{i}", f"word{i + 1}") for i in range(2000))
    assert min(halves.values()) > 900
    independent = Counter((half_of(f"word{i}"), half_of_pair(f"word{i}", "x")) for i in range(2000))
    assert min(independent.values()) > 400


def test_half_is_the_same_in_another_process() -> None:
    code = "from debiaslab.lexicons import report_words; print(*sorted(report_words()))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "7"},
        cwd=Path(__file__).resolve().parents[1],
    )
    assert run.stdout.split() == sorted(report_words())


# the lists


@pytest.mark.parametrize("name", names())
def test_words_are_lower_case_single_tokens_without_repetition(name: str) -> None:
    words = load(name).words
    assert words
    assert len(set(words)) == len(words)
    assert all(word == word.lower() and len(word.split()) == 1 for word in words)


@pytest.mark.parametrize("name", [*LIST_SOURCES, *PAIR_SOURCES, "families"])
def test_every_source_says_where_it_comes_from(name: str) -> None:
    document = source(name)
    assert document["name"] == name
    assert all(document[key] for key in ("citation", "licence", "version", "notes"))


def test_occupations_follow_their_stated_rule() -> None:
    neutral = [each for each in professions() if each.word not in gender_words()]
    plain = [each for each in neutral if abs(each.definitional) <= 0.2]
    assert load("professions").words == tuple(each.word for each in professions())
    assert load("occupations").words == tuple(each.word for each in neutral)
    assert load("occupations_male").words == tuple(p.word for p in plain if p.stereotype >= 0.1)
    assert load("occupations_female").words == tuple(p.word for p in plain if p.stereotype <= -0.1)
    assert (len(professions()), len(neutral)) == (320, 303)
    assert "actress" not in load("occupations").words
    assert "actor" not in load("occupations_male").words


def test_profession_scores_are_male_positive() -> None:
    scores = {each.word: each for each in professions()}
    assert scores["actress"].definitional == -1.0
    assert scores["nurse"].stereotype == -0.9
    assert scores["sportswriter"].stereotype == 0.9
    assert all(abs(p.definitional) <= 1 and abs(p.stereotype) <= 1 for p in professions())


@pytest.mark.parametrize("concept", ["career", "family", "math", "science", "arts"])
def test_extended_concepts_are_gender_neutral_supersets(concept: str) -> None:
    extended = set(load(f"{concept}_extended").words)
    published = set(load(concept).words) - {"einstein", "nasa"}
    if concept == "arts":
        published |= set(load("arts_2").words) - {"shakespeare"}
    assert published <= extended
    assert 38 <= len(extended) <= 45
    assert all(word.isalpha() for word in extended)
    assert not extended & gender_words()


def test_extended_concepts_share_no_word() -> None:
    words = [word for c in LARGER_LISTS[:5] for word in load(c).words]
    assert len(words) == len(set(words))


def test_male_word_is_always_first() -> None:
    male, female = set(load("male_words").words), set(load("female_words").words)
    assert not male & female
    for name in pair_names():
        pairs = load_pairs(name).pairs
        assert not {m for m, _ in pairs} & {f for _, f in pairs}
        assert not {m for m, _ in pairs} & female
        assert not {f for _, f in pairs} & male
    assert ("john", "mary") in load_pairs("definitional_pairs").pairs
    assert ("ex_boyfriend", "ex_girlfriend") in load_pairs("equalize_pairs").pairs


def test_gender_attributes_come_from_the_pair_lists() -> None:
    pairs = {pair for name in pair_names() for pair in load_pairs(name).pairs}
    aligned = zip(load("male_words").words, load("female_words").words, strict=True)
    assert set(aligned) <= pairs


# the tests of association


@pytest.mark.parametrize("test", association_tests(), ids=lambda test: test.name)
def test_sets_of_a_test_do_not_overlap(test: AssociationTest) -> None:
    sets = test.half("all")
    every = [word for words in sets for word in words]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("test", association_tests(), ids=lambda test: test.name)
def test_neutral_sides_hold_no_gender_word(test: AssociationTest) -> None:
    X, Y, A, B = (set(words) for words in test.half("all"))
    gendered, neutral = (X | Y, A | B) if test.name in ("6", "6b") else (A | B, X | Y)
    assert gendered <= gender_words()
    assert not neutral & gender_words()


def test_every_half_of_the_objective_tests_is_large_enough() -> None:
    for name in OBJECTIVE_TESTS:
        for half in ("tune", "report"):
            assert min(len(words) for words in association_test(name).half(half)) >= 14


def test_names_and_orientation_of_the_tests() -> None:
    assert tuple(test.name for test in association_tests()) == PUBLISHED + OBJECTIVE_TESTS
    assert [test.name for test in association_tests() if test.published] == list(PUBLISHED)
    assert association_test("6").X.name == "male_names"
    assert association_test("6b").A.name == "career"
    assert association_test("7").A.name == "male_terms"
    for name in OBJECTIVE_TESTS:
        assert association_test(name).A.name == "male_words"
        assert association_test(name).B.name == "female_words"


def test_report_words_are_the_neutral_report_half() -> None:
    assert not report_words() & gender_words()
    assert all(half_of(word) == "report" for word in report_words())
    for test in association_tests():
        for words in test.half("report"):
            assert set(words) - gender_words() <= report_words()
        for words in test.half("tune"):
            assert not set(words) & report_words()


def test_gender_words_hold_every_gender_list() -> None:
    for name in ("gender_specific", "male_terms", "female_terms_2", "male_words", "female_names"):
        assert set(load(name).words) <= gender_words()
    assert {"he", "mary", "grandpa", "chairwoman"} <= gender_words()
    assert not {"career", "nurse", "children"} & gender_words()


# the loader


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'career'"):
        load("carrer")
    with pytest.raises(UserError, match="did you mean 'definitional_pairs'"):
        load_pairs("definition_pairs")
    with pytest.raises(UserError, match="did you mean 'career-family'"):
        association_test("career_family")
    with pytest.raises(UserError, match="did you mean 'report'"):
        load("career").half("reports")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="all, tune, report"):
        load_pairs("definitional_pairs").half("x")  # type: ignore[arg-type]


def test_lexicons_cannot_be_changed_and_are_read_once() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load("career").words = ()  # type: ignore[misc]
    assert load("career") is load("career")
    assert association_test("6").A is load("career")


def test_versions_cover_every_list_and_the_split() -> None:
    recorded = versions()
    assert set(recorded) == {*names(), *pair_names(), "split"}
    assert recorded["split"] == SALT
    assert recorded["career"] == load("career").version


def test_lexicons_import_nothing_of_ours_but_errors() -> None:
    allowed = ("debiaslab.errors", "debiaslab.lexicons")
    for path in Path(lexicons.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for module in imported(node):
                ours = module.split(".")[0] == "debiaslab"
                standard = module.split(".")[0] in sys.stdlib_module_names
                assert module.startswith(allowed) if ours else standard


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def test_docstring_examples() -> None:
    assert doctest.testmod(lexicons).failed == 0


# against the published files


@needs_shared
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_tests_match(name: str) -> None:
    published = shared(f"weat/sent-bias/weat{name}.jsonl")
    expected = [lower(published[k]["examples"]) for k in ("targ1", "targ2", "attr1", "attr2")]
    assert list(association_test(name).half("all")) == expected


@needs_shared
def test_word_sets_match_a_second_publication() -> None:
    published = shared("weat/weat_wordsets_wefe.json")
    for name in EVEN_LISTS:
        assert load(name).words == lower(published[name])


@needs_shared
def test_pairs_match() -> None:
    for name in ("definitional_pairs", "equalize_pairs"):
        published = {frozenset(lower(pair)) for pair in shared(f"bolukbasi/{name}.json")}
        assert {frozenset(pair) for pair in load_pairs(name).pairs} == published


@needs_shared
def test_gender_specific_words_match() -> None:
    published = shared("bolukbasi/gender_specific_full.json")
    assert len(published) == 1441
    assert set(load("gender_specific").words) == set(lower(published))


@needs_shared
def test_professions_match() -> None:
    published = [tuple(row) for row in shared("bolukbasi/professions.json")]
    assert [dataclasses.astuple(each) for each in professions()] == published
