"""A metric of somebody else's package: found by everything that knows metrics."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.metrics import Case, compare, evaluate, get, registry
from debiaslab.metrics.registry import list_metrics, metrics
from debiaslab.metrics.word_metric import metric
from debiaslab.study.objective import Objective, measure_reference
from debiaslab.vectors.embeddings import Embeddings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "how-to" / "add-a-metric.md"

EVERYWHERE = """
import json, sys
import numpy as np
from debiaslab import Embeddings, evaluate, lexicons
from debiaslab.metrics import compare
from debiaslab.metrics.planted import planted_metrics
from debiaslab.metrics.reliability import attribute_sensitivity, pair_sensitivity

words = [*lexicons.load("occupations").words, *lexicons.load("male_words").words]
words += [word for pair in lexicons.load_pairs("definitional_pairs").pairs for word in pair]
words = list(dict.fromkeys([*words, *lexicons.load("female_words").words, *map(str, range(300))]))
rng = np.random.default_rng(0)
before = Embeddings(words, rng.normal(size=(len(words), 20)))
after = Embeddings(words, before.vectors + 0.2 * rng.normal(size=(len(words), 20)))
(age,) = lexicons.load_file(sys.argv[1]).attributes.values()
groups = ["association", "attributes"]
card = evaluate(after, baseline=before, groups=groups, attributes=[age])
compared = compare([card, evaluate(before, groups=groups, attributes=[age])])
sys.path.insert(0, sys.argv[2])
import generated_pages
print(json.dumps({
    "records": [r.to_dict() for r in card.records if r.metric == "median_bias"],
    "ranks": [(r.name, r.words, r.ranks) for r in compared.rows if r.metric == "median_bias"],
    "pairs": [(p.metric, len(p.result.without)) for p in pair_sensitivity(after)],
    "age": [(p.metric, len(p.result.without)) for p in attribute_sensitivity(after, age)],
    "planted": [(p.metric, p.follows) for p in planted_metrics(apart=False)],
    "page": generated_pages.metrics(),
}))
"""

AGE = """
citation: made up
attributes:
  age:
    classes: {young: ["1", "2", "3"], old: ["4", "5", "6"]}
    definitional_sets: [["1", "4"], ["2", "5"], ["3", "6"]]
"""


STRATEGY = """
from dataclasses import dataclass
from debiaslab.regularizers import Penalty, register

@register("elsewhere")
@dataclass(frozen=True)
class Elsewhere(Penalty):
    \"\"\"Zero.\"\"\"
    citation = "a package of somebody else"

    def __call__(self, W, C, words):
        return 0 * W.sum()
"""


@pytest.fixture
def package(tmp_path):
    """The package of the page, with a module that cannot be imported beside it."""
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.M)
    assert len(code.splitlines()) < 20
    (tmp_path / "my_metrics.py").write_text(code, encoding="utf-8")
    info = tmp_path / "my_metrics-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-metrics\nVersion: 0.1\n")
    points = "[debiaslab.metrics]\nmedian_bias = my_metrics\nbroken = nowhere.at.all\n"
    points += "[debiaslab.strategies]\nelsewhere = elsewhere\nbroken = nowhere.too\n"
    (info / "entry_points.txt").write_text(points)
    (tmp_path / "elsewhere.py").write_text(STRATEGY)
    (tmp_path / "age.yaml").write_text(AGE)
    return tmp_path


def python(package, *args):
    path = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, *args],
        env={**os.environ, "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )


def test_a_metric_of_another_package_is_found_everywhere(package):
    finished = python(package, "-c", EVERYWHERE, str(package / "age.yaml"), str(ROOT / "docs/gen"))
    found = json.loads(finished.stdout)
    made = {(each["name"], each["words"]): each for each in found["records"]}
    halves = ("all", "tune", "report")
    assert set(made) == {("occupations", half) for half in halves} | {
        ("age", half) for half in halves
    }
    for half in halves:
        record = made["occupations", half]
        assert record["low"] < record["value"] < record["high"]
        for where in ("", "_baseline"):
            assert record[f"null_low{where}"] < record[f"null_high{where}"]
            assert 0 < record[f"null_p{where}"] <= 1
    assert made["age", "all"]["value"] is not None
    assert ["occupations", "all", [1.0, 2.0]] in found["ranks"] or [
        *("occupations", "all"),
        [2.0, 1.0],
    ] in found["ranks"]
    pairs = len(lexicons.load_pairs("definitional_pairs").pairs)
    assert ["median_bias", pairs] in found["pairs"]
    assert ["median_bias", 3] in found["age"]
    assert ["median_bias", "size"] in found["planted"]
    assert "## median_bias {#median_bias}" in found["page"]


def test_the_command_shows_it_and_warns_of_a_package_that_is_broken(package):
    finished = python(package, "-m", "debiaslab", "metrics", "median_bias")
    assert "needs definitional pairs\nbetter: lower\na null of random words" in finished.stdout
    assert "source: me, today" in finished.stdout
    assert "'nowhere.at.all' cannot be loaded (ModuleNotFoundError" in finished.stderr
    finished = python(package, "-m", "debiaslab", "strategies", "elsewhere")
    assert "a package of somebody else" in finished.stdout
    assert "'nowhere.too' cannot be loaded (ModuleNotFoundError" in finished.stderr


@pytest.fixture
def own_registry(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(metrics() and registry._REGISTRY))


def space(n=60, seed=0):
    words = [f"{kind}{i}" for kind in "abw" for i in range(n // 3)]
    return Embeddings(words, np.random.default_rng(seed).normal(size=(len(words), 10)))


@pytest.mark.usefixtures("own_registry")
def test_a_metric_of_two_numbers_a_word_with_a_setting():
    """Mean of the larger of two cosines, each to a power."""

    @metric(
        "larger",
        citation="made up",
        against="groups",
        better="lower",
        value=lambda scores: scores.max(axis=-1).mean(axis=1),
    )
    def larger(embeddings, groups, *, power=1):
        means = groups.unit_means(embeddings)
        return lambda rows: (rows @ means.T) ** power

    vectors = space()
    a, b, words = ([w for w in vectors.words if w[0] == which] for which in "abw")
    result = larger(vectors, words, {"a": a, "b": b}, power=2)
    unit = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    means = np.array([unit[:20].mean(axis=0), unit[20:40].mean(axis=0)])
    expected = ((unit[40:] @ means.T) ** 2).max(axis=1)
    assert result.value == pytest.approx(expected.mean())
    assert [max(each) for each in result.scores.values()] == pytest.approx(expected.tolist())
    assert result.interval[0] < result.value < result.interval[1]
    with pytest.raises(UserError, match=r"larger has no setting 'powr'.*did you mean 'power'"):
        larger(vectors, words, {"a": a, "b": b}, powr=2)
    with pytest.raises(ValueError, match="registered already"):
        larger.variant("larger")


def test_words_in_any_order_and_any_vocabulary_have_one_interval():
    vectors = space(90)
    order = np.random.default_rng(3).permutation(len(vectors))
    shuffled = Embeddings([vectors.words[i] for i in order], vectors.vectors[order])
    a, b, words = ([w for w in vectors.words if w[0] == which] for which in "abw")
    for name in ("same", "rnd_norm", "mac", "sc_weat"):
        measure = get(name)
        one = measure(vectors, words, {"a": a, "b": b}, bootstrap=200)
        other = measure(shuffled, words[::-1], {"a": a, "b": b}, bootstrap=200)
        assert one.interval == pytest.approx(other.interval)


def test_every_record_of_word_lists_has_its_inputs():
    vectors = space(90)
    card = evaluate(vectors, quick=True, groups=["weat", "association", "geometry"], similarity=[])
    measured = {each.name for each in list_metrics()} | {"weat", "sembias"}
    for record in card.records:
        if record.metric in measured:
            assert isinstance(record.inputs, Case)
            assert (record.inputs.name, record.inputs.half) == (record.name, record.words)
            assert "inputs" not in record.to_dict()
    again = type(card).from_json(card.to_json())
    assert again == card
    assert compare([card, again]).rows


def test_the_objectives_yardstick_is_null95_of_the_record():
    tests = [lexicons.association_test(name) for name in Objective().tests]
    words = [word for test in tests for listed in test.half("all") for word in listed]
    names = list(dict.fromkeys([*words, *(f"word{i}" for i in range(500))]))
    vectors = Embeddings(names, np.random.default_rng(0).normal(size=(len(names), 30)))
    card = evaluate(vectors, groups=["weat"], bootstrap=0, seed=5, similarity=[])
    nulls = measure_reference(Objective(), vectors, card, seed=5).nulls
    assert nulls
    for key, null in nulls.items():
        name, _, half = key.rpartition("/")
        assert card.record("weat", name, half).extra["null95"] == null


def test_a_pair_or_set_can_be_left_out_and_the_last_leaves_nothing():
    case = Case("x", "all", ["w"], [("he", "she"), ("he", "she"), ("man", "woman")])
    first, second = case.items
    assert case.only([second]).against == [("man", "woman")]
    assert case.only([]) is None
    groups = replace(case, against={"a": ["p", "q"], "b": ["r"]})
    assert groups.only(groups.items[:2]).against == {"a": ["p", "q"], "b": []}
    sets = replace(groups, sets=(("w", "v"), ("u",)))
    assert sets.only(sets.items[1:]).words == ["u"]
    assert first == ("", ("he", "she"))
