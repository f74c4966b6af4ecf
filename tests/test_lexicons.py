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
    association_test,
    association_tests,
    attribute,
    attributes,
    first_names,
    gender_words,
    half_of,
    half_of_pair,
    load,
    load_file,
    load_pairs,
    names,
    pair_names,
    professions,
    report_words,
    shipped,
    tune_words,
    versions,
)
from debiaslab.lexicons.lists import SOURCES, VERSIONED_SOURCES, family_key, source
from tests.test_walls import imports_of, package_sources

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "bias"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"the published lists to compare with are not at {SHARED}"
)

PUBLISHED = ("6", "6b", "7", "8")
OTHER_PUBLISHED = ("7b", "8b", "1", "2", "3", "3b", "4", "5", "5b", "9", "10")
NEW_SETS = (  # by the names of a second publication; its WEAT 4 names are before deletions
    *("flowers", "insects", "instruments", "weapons", "pleasant_5", "unpleasant_5a"),
    *("unpleasant_5b", "pleasant_9", "unpleasant_9", "european_american_names_5"),
    *("african_american_names_5", "mental_disease", "physical_disease", "permanent"),
    "old_people_names",
)
EVEN_LISTS = (  # quickest to fail first: the search for the salt stops at the first miss
    *("arts", "math", "science", "career", "family", "male_names", "female_names", "arts_2"),
    *("male_terms", "male_terms_2", "female_terms", "female_terms_2"),
)
BEFORE = (*EVEN_LISTS, "career_extended", "family_extended", "math_extended", "science_extended")
BEFORE += ("arts_extended", "male_words", "female_words", "professions", "occupations")
BEFORE += ("occupations_male", "occupations_female", "gender_specific")
LARGER_LISTS = (
    *("career_extended", "family_extended", "math_extended", "science_extended", "arts_extended"),
    *("male_words", "female_words", "occupations_male", "occupations_female"),
)


def shared(path: str) -> list:
    return json.loads((SHARED / path).read_text("utf-8"))


def lower(words: list[str]) -> tuple[str, ...]:
    return tuple(word.lower() for word in words)


def joined(words: list[str]) -> tuple[str, ...]:
    return tuple(word.replace(" ", "_") for word in words)


def test_published_sets_split_exactly_in_two_and_larger_ones_keep_forty_percent():
    for name in PUBLISHED:
        for half, size in (("all", 8), ("tune", 4), ("report", 4)):
            assert [len(words) for words in association_test(name).half(half)] == [size] * 4
    pairs = load_pairs("definitional_pairs")
    assert (len(pairs.half("tune")), len(pairs.half("report"))) == (5, 5)
    for name in LARGER_LISTS:
        smaller = min(len(load(name).half(half)) for half in ("tune", "report"))
        assert smaller >= 0.4 * len(load(name).words)


def test_salt_is_the_smallest_number_that_splits_evenly():
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


def test_lists_are_of_distinct_lower_case_tokens_whose_halves_are_those_of_the_hash():
    digest = int(hashlib.sha256(f"{SALT}:poetry".encode()).hexdigest(), 16)
    assert half_of("poetry") == half_of("Poetry") == ("tune", "report")[digest % 2]
    for name in names():
        lexicon = load(name)
        assert lexicon.words == lexicon.half("all") == lower(lexicon.cased) != ()
        assert len(set(lexicon.words)) == len(lexicon.words)
        assert all(len(word.split()) == 1 for word in lexicon.words)
        for half in ("tune", "report"):
            assert lexicon.half(half) == tuple(w for w in lexicon.words if half_of(w) == half)


def test_families_are_disjoint_and_hold_inflections_together():
    groups = source("families")["families"]
    members = [word for group in groups for word in group]
    assert len(members) == len(set(members))
    assert all(group == sorted(group) and len(group) > 1 for group in groups)
    assert len({family_key(word) for word in ("him", "his", "her", "hers")}) == 1
    assert len({family_key(word) for word in ("man", "men", "woman", "women")}) == 1
    assert family_key("he") != family_key("his")
    assert family_key("algebra") == "algebra"
    for suffix in ("words", "terms", "terms_2"):  # aligned lists stay whole, and so do pairs
        male, female = load(f"male_{suffix}").words, load(f"female_{suffix}").words
        assert list(map(family_key, male)) == list(map(family_key, female))
    for name in pair_names():
        pairs = load_pairs(name)
        assert all(half_of(one) == half_of(other) for one, other in pairs.pairs)
        assert sorted(pairs.half("tune") + pairs.half("report")) == sorted(pairs.pairs)
        assert pairs.half("all") == pairs.pairs


def test_half_of_pair_ignores_order_and_case():
    assert half_of_pair("tiger", "cat") == half_of_pair("Cat", "tiger")
    halves = Counter(half_of_pair(f"word{i}", f"word{i + 1}") for i in range(2000))
    assert min(halves.values()) > 900
    independent = Counter((half_of(f"word{i}"), half_of_pair(f"word{i}", "x")) for i in range(2000))
    assert min(independent.values()) > 400


def test_half_is_the_same_in_another_process():
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


@pytest.mark.parametrize("name", [*SOURCES, *VERSIONED_SOURCES, "families"])
def test_every_source_says_where_it_comes_from(name):
    document = source(name)
    assert document["name"] == name
    assert all(document[key] for key in ("citation", "version", "notes"))
    parts = [document] if "licence" in document else list(document["sets"].values())
    assert all(part["licence"] for part in parts)


def test_occupations_follow_their_stated_rule():
    neutral = [each for each in professions() if each.word not in gender_words()]
    plain = [each for each in neutral if abs(each.definitional) <= 0.2]
    assert load("professions").words == tuple(each.word for each in professions())
    assert load("occupations").words == tuple(each.word for each in neutral)
    assert load("occupations_male").words == tuple(p.word for p in plain if p.stereotype >= 0.1)
    assert load("occupations_female").words == tuple(p.word for p in plain if p.stereotype <= -0.1)
    assert (len(professions()), len(neutral)) == (320, 303)
    assert "actress" not in load("occupations").words
    assert "actor" not in load("occupations_male").words
    scores = {each.word: each for each in professions()}  # male is positive
    assert scores["actress"].definitional == -1.0
    assert (scores["nurse"].stereotype, scores["sportswriter"].stereotype) == (-0.9, 0.9)
    assert all(abs(p.definitional) <= 1 and abs(p.stereotype) <= 1 for p in professions())


@pytest.mark.parametrize("concept", ["career", "family", "math", "science", "arts"])
def test_extended_concepts_are_gender_neutral_supersets(concept):
    extended = set(load(f"{concept}_extended").words)
    published = set(load(concept).words) - {"einstein", "nasa"}
    if concept == "arts":
        published |= set(load("arts_2").words) - {"shakespeare"}
    assert published <= extended
    assert 38 <= len(extended) <= 45
    assert all(word.isalpha() for word in extended)
    assert not extended & gender_words()


def test_extended_concepts_share_no_word():
    words = [word for c in LARGER_LISTS[:5] for word in load(c).words]
    assert len(words) == len(set(words))


def test_male_word_is_always_first():
    male, female = set(load("male_words").words), set(load("female_words").words)
    assert not male & female
    for name in pair_names():
        pairs = load_pairs(name).pairs
        assert not {m for m, _ in pairs} & {f for _, f in pairs}
        assert not {m for m, _ in pairs} & female
        assert not {f for _, f in pairs} & male
    aligned = zip(load("male_words").words, load("female_words").words, strict=True)
    assert set(aligned) <= {pair for name in pair_names() for pair in load_pairs(name).pairs}
    assert ("john", "mary") in load_pairs("definitional_pairs").pairs
    assert ("ex_boyfriend", "ex_girlfriend") in load_pairs("equalize_pairs").pairs


@pytest.mark.parametrize("test", association_tests(), ids=lambda test: test.name)
def test_sets_of_a_test_do_not_overlap_and_neutral_sides_hold_no_gender_word(test):
    every = [word for words in test.half("all") for word in words]
    assert len(every) == len(set(every))
    if test.name in OTHER_PUBLISHED and test.name not in ("7b", "8b"):
        return  # it is not about gender
    X, Y, A, B = (set(lower(words)) for words in test.half("all"))
    gendered, neutral = (X | Y, A | B) if test.name in ("6", "6b") else (A | B, X | Y)
    assert gendered <= gender_words()
    assert not neutral & gender_words()


def test_names_and_orientation_of_the_tests():
    expected = PUBLISHED + OBJECTIVE_TESTS + OTHER_PUBLISHED
    assert tuple(test.name for test in association_tests()) == expected
    published = [test.name for test in association_tests() if test.published]
    assert published == [*PUBLISHED, *OTHER_PUBLISHED]
    assert association_test("6").X.name == "male_names"
    assert association_test("6b").A.name == "career"
    assert association_test("7").A.name == "male_terms"
    for test in map(association_test, OBJECTIVE_TESTS):
        assert (test.A.name, test.B.name) == ("male_words", "female_words")
        for half in ("tune", "report"):
            assert min(map(len, test.half(half))) >= 14


def test_report_words_are_the_neutral_report_half():
    assert not report_words() & gender_words()
    assert all(half_of(word) == "report" for word in report_words())
    for test in association_tests():
        for lexicon in (test.X, test.Y, test.A, test.B):
            if not lexicon.people:
                assert set(lexicon.half("report")) - gender_words() <= report_words()
            assert not set(lexicon.half("tune")) & report_words()
    people = [load(name) for name in names() if load(name).people]
    assert {"male_names", "african_american_names_5", "surnames_asian"} <= {p.name for p in people}
    others = {w for name in names() if not load(name).people for w in load(name).words}
    named = {word for lexicon in people for word in lexicon.words} - others
    assert not named & (tune_words() | report_words())


def test_gender_words_are_those_of_the_gender_lists_and_the_words_of_before_as_they_were():
    for name in ("gender_specific", "male_terms", "female_terms_2", "male_words", "female_names"):
        assert set(load(name).words) <= gender_words()
    assert {"he", "mary", "grandpa", "chairwoman"} <= gender_words()
    assert not {"career", "nurse", "children"} & gender_words()
    before = {word for name in BEFORE for word in load(name).words}
    digests = [
        hashlib.sha256("\n".join(sorted(words)).encode()).hexdigest()[:16]
        for words in (gender_words(), before & tune_words(), before & report_words())
    ]
    assert digests == ["5ec85f31c4843e10", "f879645705fd4728", "f0c88338484e61ea"]


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'career'"):
        load("carrer")
    with pytest.raises(UserError, match="did you mean 'definitional_pairs'"):
        load_pairs("definition_pairs")
    with pytest.raises(UserError, match="did you mean 'career-family'"):
        association_test("career_family")
    with pytest.raises(UserError, match="did you mean 'report'"):
        load("career").half("reports")
    with pytest.raises(UserError, match="all, tune, report"):
        load_pairs("definitional_pairs").half("x")


def test_versions_cover_every_list_and_the_split():
    recorded = versions()
    of_attributes = {f"attribute_{each.name}" for each in attributes()}
    lists = {*names(), *pair_names()}
    assert set(recorded) == lists | of_attributes | {*VERSIONED_SOURCES, "split"}
    assert {"first_names", "flowers", "religion_muslim", "attribute_religion"} <= set(recorded)
    assert recorded["split"] == SALT
    assert recorded["career"] == load("career").version
    with pytest.raises(dataclasses.FrozenInstanceError):
        load("career").words = ()
    assert load("career") is load("career") is association_test("6").A
    assert doctest.testmod(lexicons).failed == 0


def test_lexicons_import_nothing_but_errors_yaml_and_pydantic():
    others = {*sys.stdlib_module_names, "pydantic", "pydantic_core", "yaml"}
    for path, text in package_sources().items():
        if path.startswith("lexicons/"):
            for each in imports_of(path, text):
                ours = each.module.startswith(("debiaslab.errors", "debiaslab.lexicons"))
                assert ours or each.module.split(".")[0] in others


def test_names_keep_their_capitals_and_the_lower_cased_words_stay():
    assert load("male_names").cased[-1] == "Bill"
    assert load("male_names").words[-1] == "bill"
    assert load("male_names").half("tune", cased=True) == ("John", "Paul", "Greg", "Bill")
    assert association_test("6").half("tune").X == ("John", "Paul", "Greg", "Bill")
    assert "NASA" in association_test("8").half("all").X
    assert "short-term" in load("temporary").words
    assert load("african_american_terms").cased[6] == "South_African_American"


def test_attributes_have_classes_sets_and_stereotypes():
    found = {each.name: each for each in attributes()}
    assert list(found)[:3] == ["gender", "race", "religion"]
    assert [each.name for each in found.values() if each.binary] == ["gender", "christianity_islam"]
    religion = attribute("religion")
    assert list(religion.classes) == ["jewish", "christian", "muslim"]
    assert religion.classes["muslim"] is load("religion_muslim")
    assert religion.stereotypes["muslim"] is load("religion_muslim_stereotypes")
    assert religion.definitional_sets == religion.targets
    assert attribute("race").targets == (
        ("black", "caucasian", "asian"),
        ("africa", "america", "asia"),
    )
    assert attribute("ethnicity").classes["asian"] is load("surnames_asian")
    assert attribute("ethnicity").definitional_sets == ()
    with pytest.raises(UserError, match="did you mean 'religion'"):
        attribute("religions")


@pytest.mark.parametrize("each", attributes(), ids=lambda each: each.name)
def test_definitional_sets_stay_whole_and_follow_the_classes(each):
    whole = each.half("tune").definitional_sets + each.half("report").definitional_sets
    lost = set(each.definitional_sets) - set(whole)
    assert lost <= {("rabbi", "priest", "imam")}  # two occupations that were in two halves before
    for half in ("tune", "report"):
        words = each.half(half)
        for sets in (words.definitional_sets, words.targets):
            assert {half_of(word) for one in sets for word in one} <= {half}
        assert {half_of(w) for c in words.classes.values() for w in c} <= {half}
        assert {half_of(w) for c in words.stereotypes.values() for w in c} <= {half}
    for one in each.definitional_sets:
        members = zip(one, each.classes.values(), strict=True)
        assert all(word in lexicon.cased for word, lexicon in members)
    assert each.half("all").targets == each.targets


def test_files_that_ship_are_valid_and_say_what_is_split():
    assert [file.name for file in shipped()] == list(SOURCES)
    (warning,) = [text for file in shipped() for text in file.warnings]
    assert "rabbi/priest/imam are in different halves" in warning


def test_first_names():
    male, female, both = first_names()
    assert (len(male), len(female), len(both)) == (2943, 4997, 365)
    assert set(both) == set(male) & set(female)
    for listed in first_names():
        assert list(listed) == sorted(set(listed))
        assert all(name == name.lower() and " " not in name for name in listed)
    assert "john" in male
    assert "mary" in female
    assert "leslie" in both
    assert "Mark Kantrowitz" in source("first_names")["licence"]  # the README goes with the names


AGE = {
    "citation": "Nobody (2026)",
    "words": {"tools": {"words": ["hammer", "saw"]}},
    "attributes": {
        "age": {
            "classes": {"young": ["young", "Teen"], "old": ["old", "elderly"]},
            "definitional_sets": [["young", "old"]],
            "stereotypes": {"old": "tools", "young": "career"},
        }
    },
}
YAML = """\
citation: Nobody (2026)
version: "2.1"
pairs:
  ages:
    where: page 3
    pairs:
      - [young, old]
      - [teen, elder]
"""


def written(folder: Path, content: object, name: str = "age.json") -> Path:
    path = folder / name
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_the_user(tmp_path):
    before = (names(), tune_words(), report_words(), versions())
    file = load_file(written(tmp_path, AGE))
    assert file.name == "age"
    assert list(file.lexicons) == ["tools", "age_young", "age_old"]
    age = file.attributes["age"]
    assert age.binary
    assert age.classes["young"].cased == ("young", "Teen")
    assert age.classes["young"].words == ("young", "teen")
    assert age.stereotypes["old"] is file.lexicons["tools"]
    assert age.stereotypes["young"] is load("career")
    assert age.targets == age.definitional_sets == (("young", "old"),)
    assert file.lexicons["tools"].version.startswith("1+")
    assert file.lexicons["tools"].licence == "not stated"
    assert (names(), tune_words(), report_words(), versions()) == before


def test_a_yaml_file_of_the_user(tmp_path):
    file = load_file(written(tmp_path, YAML, "ages.yaml"))
    pairs = file.pairs["ages"]
    assert pairs.pairs == (("young", "old"), ("teen", "elder"))
    assert pairs.citation == "Nobody (2026); page 3"
    assert pairs.version.startswith("2.1+")
    split = [pair for pair in pairs.pairs if half_of(pair[0]) != half_of(pair[1])]
    assert len(file.warnings) == len(split)
    assert not set(split) & set(pairs.half("tune") + pairs.half("report"))


def changed(**entries: object) -> dict:
    return {**AGE, **entries}


def age(**entries: object) -> dict:
    return changed(attributes={"age": {**AGE["attributes"]["age"], **entries}})


def words(value: object) -> dict:
    return changed(words={"tools": {"words": value}})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({**AGE, "citaton": "x"}, "there is no key 'citaton'.*did you mean 'citation'"),
        ({"words": AGE["words"]}, "age.json: the key 'citation' is missing"),
        (changed(citation=" "), "age.json: citation: this is empty"),
        (changed(version=2), "age.json: version: this is a number"),
        ({"citation": "x"}, "it holds no list; allowed: words or pairs or attributes"),
        ([], "age.json: this is a list; allowed: an object"),
        (changed(words={}), "age.json: words: this is empty"),
        (changed(words={"tools": ["saw"]}), "words.tools: this is a list"),
        (changed(words={"tools": {"word": ["saw"]}}), "no key 'word'.*did you mean 'words'"),
        (changed(words={"tools": {"words": ["a"], "people": 1}}), "tools.people: this is a number"),
        (words([]), "words.tools.words: the list is empty"),
        (words("saw"), "words.tools.words: this is a text"),
        (words(["saw", 3]), r"words.tools.words\[1\]: 3 is a number"),
        (words(["saw", True]), r"words\[1\]: True is true or false \(an unquoted yes"),
        (words(["saw", ""]), r"words\[1\]: the word is empty"),
        (words(["saw", "band saw"]), "'band saw' holds a space.*try: 'band_saw'"),
        (words(["saw", "axe", "saw"]), "words.tools.words: 'saw' appears twice"),
        (words(["saw", "Saw"]), "'saw' and 'Saw' differ in case only"),
        (changed(pairs={"p": {"pairs": []}}), "pairs.p.pairs: this is empty"),
        (changed(pairs={"p": {"pairs": [["a", "b", "c"]]}}), r"pairs\[0\]: a/b/c has 3 words"),
        (changed(pairs={"p": {"pairs": [["a", "b"], ["A", "B"]]}}), "A/B appears twice"),
        (changed(pairs={"p": {"pairs": [["a", "b"], ["b", "c"]]}}), "'b' is on both sides"),
        (age(classes={"young": ["young"]}), "classes: there is one class"),
        (age(classes={"young": ["x"], "old": ["X"]}), r"'X' is on both sides, in young \(as 'x'\)"),
        (age(classes={"young": "carer", "old": ["x"]}), "called 'carer'.*did you mean 'career'"),
        (age(classes={"young": 3, "old": ["x"]}), "classes.young: this is a number"),
        (age(stereotypes={"odl": ["x"]}), "there is no class 'odl'.*did you mean 'old'"),
        (age(definitional_sets=[["young"]]), "young has 1 words; allowed: sets of 2 words, one a"),
        (age(definitional_sets=[["old", "young"]]), "'old' is on both sides, in young and in old"),
        (age(targets=[]), "attributes.age.targets: this is empty"),
        (age(sets=[]), "there is no key 'sets'"),
        ("{", "age.json: line 1 is not JSON"),
        ('{"citation": "x", "citation": "y"}', "the key 'citation' appears twice"),
        (".yml citation: [", "line 1 is not YAML"),
        (".yml citation: a\ncitation: b", "the key 'citation' appears twice"),
        (".yml citation: a\nwords: {w: {words: [yes]}}", "an unquoted yes, no, on or off"),
        (".yml citation: a\nversion: 1.0\nwords: {w: {words: [a]}}", "version: this is a number"),
        (".yml citation: a\n1: b", "the key 1 is not a name"),
        (".yml !!python/object/apply:os.getcwd []", "is not YAML"),
        (".yml ", "this is nothing"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(content, sentence, tmp_path):
    name = "age.json"
    if str(content).startswith(".yml "):
        name, content = "age.yml", content.removeprefix(".yml ")
    file = written(tmp_path, content, name)
    with pytest.raises(UserError, match=sentence) as refused:
        load_file(file)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(f"{name}: ")


def test_what_is_no_lexicon_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"allowed: \.json, \.yaml or \.yml"):
        load_file(written(tmp_path, AGE, "age.txt"))
    with pytest.raises(UserError, match="cannot be read: No such file"):
        load_file(tmp_path / "none.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        load_file(tmp_path / "folder.json")
    (tmp_path / "latin.json").write_bytes(b'{"citation": "Andr\xe9"}')
    with pytest.raises(UserError, match="byte 18 is not UTF-8"):
        load_file(tmp_path / "latin.json")


@needs_shared
@pytest.mark.parametrize("name", PUBLISHED + OTHER_PUBLISHED)
def test_published_tests_match(name):
    published = shared(f"weat/sent-bias/weat{name}.jsonl")
    expected = [joined(published[k]["examples"]) for k in ("targ1", "targ2", "attr1", "attr2")]
    assert list(association_test(name).half("all")) == expected


@needs_shared
def test_word_sets_match_a_second_publication():
    published = shared("weat/weat_wordsets_wefe.json")
    for name in EVEN_LISTS + NEW_SETS:
        assert load(name).words == lower(published[name])
        assert load(name).cased == tuple(published[name])
    for name in ("european_american_names_7", "african_american_names_7"):
        deleted = {"Jay", "Kristen", "Tremayne", "Latonya"}
        assert load(name).cased == tuple(w for w in published[name] if w not in deleted)


@needs_shared
@pytest.mark.parametrize("name", ["gender", "race", "religion"])
def test_attributes_match(name):
    published = json.loads(
        (SHARED / f"manzini_multiclass/{name}_attributes_optm.json").read_text("utf-8")
    )
    ours = attribute(name)
    assert [list(each) for each in ours.definitional_sets] == published["definite_sets"]
    assert [list(each) for each in ours.targets] == published["eval_targets"]
    (templates,) = published["analogy_templates"].values()
    stereotypes = [set(each.words) for each in ours.stereotypes.values()]
    assert sorted(map(sorted, stereotypes)) == sorted(map(sorted, templates.values()))


@needs_shared
def test_pairs_names_professions_and_words_of_groups_match():
    for name in ("definitional_pairs", "equalize_pairs"):
        published = {frozenset(lower(pair)) for pair in shared(f"bolukbasi/{name}.json")}
        assert {frozenset(pair) for pair in load_pairs(name).pairs} == published
    specific = shared("bolukbasi/gender_specific_full.json")
    assert len(specific) == 1441
    assert set(load("gender_specific").words) == set(lower(specific))
    rows = [tuple(row) for row in shared("bolukbasi/professions.json")]
    assert [dataclasses.astuple(each) for each in professions()] == rows
    for name, file in (
        ("surnames_white", "names_white"),
        ("surnames_asian", "names_asian"),
        ("islam_words", "words_islam"),
        ("terrorism_words", "words_terrorism"),
        ("appearance", "adjectives_appearance"),
    ):
        listed = (SHARED / f"garg_pnas2018/{file}.txt").read_text("utf-8").split()
        assert load(name).words == tuple(dict.fromkeys(listed))
    for ours, file in zip(first_names(), ("nltk_male", "nltk_female"), strict=False):
        listed = (SHARED / f"names/{file}.txt").read_text("utf-8").splitlines()
        assert set(ours) == {name.strip().lower().replace(" ", "_") for name in listed}
