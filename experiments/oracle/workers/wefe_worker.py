"""Measures with WEFE 1.0.1, as it is and with each of its faults mended.

Run by the Python of WEFE's environment: ``wefe_worker.py REQUEST.json out=FOLDER``. Prints one JSON
object: ``vectors`` (the file inside the wheel), ``versions``, ``values`` and ``facts``.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import logging
import sys
from functools import partial
from importlib import metadata, resources
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import wefe.datasets
from wefe.debias.hard_debias import HardDebias
from wefe.metrics import ECT, MAC, RIPA, RND, RNSB, WEAT
from wefe.query import Query
from wefe.utils import load_test_model
from wefe.word_embedding_model import WordEmbeddingModel

WEAT_MODULE = sys.modules[WEAT.__module__]
SIMILARITY = RND._RND__calc_distance
LBFGS = {"solver": "lbfgs", "max_iter": 10_000, "tol": 1e-10}  # its intercept is not penalised
LIBLINEAR = {"solver": "liblinear", "max_iter": 10_000}  # WEFE's default: the intercept is
TIE = 1e-9  # above the rounding of a sum, below any difference of two partitions
ALL_LOST = 1.0  # lost_vocabulary_threshold: measure with what is left

Values = dict[str, Any]


class QuickWeat(WEAT):
    """WEFE's, but each word's association is worked out once a query, not once a draw."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[bytes, Any] = {}

    def _calc_s(self, w: Any, A: Any, B: Any) -> Any:
        key = w.tobytes()
        if key not in self._known:
            self._known[key] = super()._calc_s(w, A, B)
        return self._known[key]


class WithoutReplacement:
    """A generator whose ``choice`` is a permutation."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64(seed))

    def choice(self, pool: list[str], size: int) -> Any:
        """Return the pool in another order."""
        assert size == len(pool)
        return self._rng.permutation(pool)


def seeded(seed: int) -> np.random.Generator:
    """Return the generator that WEFE makes, with a seed."""
    return np.random.Generator(np.random.PCG64(seed))


def query(targets: list[list[str]], attributes: list[list[str]]) -> Query:
    """Return a query of unnamed sets."""
    return Query(
        targets,
        attributes,
        [f"T{i}" for i in range(len(targets))],
        [f"A{i}" for i in range(len(attributes))],
    )


def of_weat(sets: dict[str, list[str]]) -> Query:
    """Return the query of a WEAT."""
    return query([sets["X"], sets["Y"]], [sets["A"], sets["B"]])


def weat(model: Any, request: Values) -> Values:
    """Statistic and effect size of each test, also as the paper has them."""
    values: Values = {}
    for name, sets in request["weat"].items():
        run = partial(WEAT().run_query, of_weat(sets), model, lost_vocabulary_threshold=ALL_LOST)
        found = run()
        values[f"weat/{name}/sum"] = found["weat"]
        values[f"weat/{name}/d"] = found["effect_size"]
        with mock.patch("numpy.std", partial(np.std, ddof=1)):
            values[f"weat/{name}/d/ddof1"] = run()["effect_size"]
        metric = QuickWeat()
        X, Y, A, B = ([model[word] for word in sets[role]] for role in "XYAB")
        means = [np.mean([metric._calc_s(w, A, B) for w in side]) for side in (X, Y)]
        values[f"weat/{name}/mean"] = means[0] - means[1]
    return values


def p_of(model: Any, sets: dict[str, list[str]], kind: str, draws: int, generator: Any) -> float:
    """Return p of a WEAT with a generator of our choice in the place of WEFE's unseeded one."""
    with mock.patch("numpy.random.default_rng", return_value=generator):
        return QuickWeat().run_query(
            of_weat(sets), model, lost_vocabulary_threshold=ALL_LOST, calculate_p_value=True,
            p_value_test_type=kind, p_value_iterations=draws,
        )["p_value"]  # fmt: skip


def p_values(model: Any, request: Values) -> Values:
    """One- and two-sided p, as it is, and permuted: each side's words drawn without replacement."""
    values: Values = {}
    draws = request["draws"]
    tests = {name: request["weat"][name] for name in ("6", "7", "8") if name in request["weat"]}
    tests["small"] = request["small"]
    mended = {
        "right-sided": lambda drawn, observed: drawn >= observed - TIE,
        "two-sided": lambda drawn, observed: np.abs(drawn) >= np.abs(observed) - TIE,
    }
    for name, sets in tests.items():
        turned = {**sets, "X": sets["Y"], "Y": sets["X"]}
        p = partial(p_of, model, draws=draws)
        values[f"p/{name}"] = p(sets, "right-sided", generator=seeded(1))
        values[f"p2/{name}"] = p(turned, "two-sided", generator=seeded(1))
        with mock.patch.dict(WEAT_MODULE.TEST_FUNCTION_DISPATCHER, mended):
            values[f"p/{name}/permuted"] = p(sets, "right-sided", generator=WithoutReplacement(1))
            values[f"p2/{name}/permuted"] = p(turned, "two-sided", generator=WithoutReplacement(1))
    return values


def weat_facts(model: Any, request: Values) -> Values:
    """What no single number shows."""
    sets, draws = request["weat"]["7"], 1_000
    ask = partial(WEAT().run_query, of_weat(sets), model, calculate_p_value=True)
    try:
        exact = str(ask(p_value_method="exact")["p_value"])
    except NotImplementedError:
        exact = "NotImplementedError"
    rng, pool = seeded(1), [*sets["X"], *sets["Y"]]
    repeats = [
        len(set(rng.choice(pool, size=len(pool)).tolist())) < len(pool) for _ in range(draws)
    ]
    twice = [
        p_of(model, sets, "right-sided", draws, np.random.Generator(np.random.PCG64()))
        for _ in range(2)
    ]
    lost = {**sets, "X": [request["absent"]] * 3 + sets["X"]}
    kept = WEAT().run_query(of_weat(sets), model, calculate_p_value=True, p_value_iterations=2)
    gone = WEAT().run_query(of_weat(lost), model, calculate_p_value=True, p_value_iterations=2)
    return {
        "exact": exact,
        "draws with a word twice": float(np.mean(repeats)),
        "asked twice": twice,
        "keys that vanish": sorted(set(kept) - set(gone)),
        "d with 3 of 11 words lost": str(gone["effect_size"]),
    }


def cosine_distance(self: RND, a: Any, b: Any, distance_type: str) -> float:
    """Return what ``distance="cos"`` is for; WEFE's returns the similarity."""
    return float(1 - SIMILARITY(self, a, b, distance_type))


def distances(model: Any, request: Values) -> Values:
    """RND, MAC and ECT, of the vectors as they are and of unit vectors."""
    values: Values = {}
    groups = list(request["groups"].values())
    for topic in ("career", "family"):
        words = request[topic]
        for name, unit in (("raw", False), ("unit", True)):
            run = {"query": query(groups, [words]), "model": model, "normalize": unit}
            values[f"rnd/{topic}/norm/{name}"] = RND().run_query(**run)["rnd"]
            values[f"rnd/{topic}/cos/{name}"] = RND().run_query(**run, distance="cos")["rnd"]
            values[f"ect/{topic}/{name}"] = ECT().run_query(**run)["ect"]
        with mock.patch.object(RND, "_RND__calc_distance", cosine_distance):
            values[f"rnd/{topic}/cos/distance"] = RND().run_query(**run, distance="cos")["rnd"]
    both = query(groups, [request["family"], request["career"]])
    values["mac"] = MAC().run_query(both, model)["mac"]
    return values


def ripa(model: Any, request: Values) -> Values:
    """RIPA of aligned pairs, and with a word missing from one of them."""
    female, male = request["groups"].values()
    words = [request["family"]]
    run = partial(RIPA().run_query, model=model)
    before, after = female[:1], female[1:]
    return {
        "ripa": run(query([female, male], words))["ripa"],
        "ripa/missing": run(
            query([[*before, request["absent"], *after], [*male[:1], "king", *male[1:]]], words)
        )["ripa"],
        "ripa/second set turned": run(query([female, male[::-1]], words))["ripa"],
    }


def rnsb(model: Any, request: Values) -> tuple[Values, Values]:
    """RNSB with one classifier of all words and with splits, in two solvers, and its defaults."""
    attributes = [request["family"], request["career"]]
    ask = partial(RNSB().run_query, model=model)
    asked = query(list(request["groups"].values()), attributes)
    values: Values = {}
    for name, params in (("liblinear", LIBLINEAR), ("lbfgs", LBFGS)):
        whole = ask(asked, estimator_params=dict(params), holdout=False)
        values[f"rnsb/whole/{name}"] = whole["rnsb"]
    splits = request["splits"]
    with mock.patch("numpy.random.mtrand._rand", np.random.RandomState(1)):
        found = ask(asked, estimator_params=dict(LBFGS), n_iterations=splits)
    values["rnsb/splits/lbfgs"] = found["rnsb"]
    turned = query(list(request["groups"].values()), [each[::-1] for each in attributes])
    orders = [
        ask(each, estimator_params=dict(LIBLINEAR), random_state=1)["rnsb"]
        for each in (asked, turned)
    ]
    default = inspect.signature(RNSB.run_query).parameters["estimator_params"].default
    before = dict(default)
    ask(asked, random_state=42)
    return values, {"rnsb defaults": [before, dict(default)], "rnsb orders": orders}


def normalized_afresh(model: Any) -> None:
    """Do what ``WordEmbeddingModel.normalize`` is for: forget the lengths of before the updates."""
    model.wv.norms = None
    model.wv.vectors = model.wv.get_normed_vectors()
    model.wv.fill_norms(force=True)


def hard_debias(model: Any, request: Values, out: Path) -> Values:
    """Save the direction and the debiased vectors, as it is and normalised afresh; return where."""
    pairs = [[list(pair) for pair in request[name]] for name in ("definitional", "equalize")]

    def run(path: Path) -> str:
        debias = HardDebias()
        debias.fit(model, *pairs)
        made = debias.transform(model, ignore=request["specific"])
        words = np.array(list(made.vocab))
        vectors = np.array([made[word] for word in words])
        np.savez(path, words=words, vectors=vectors, direction=debias.bias_direction_)
        return str(path)

    values = {"hard": run(out / "wefe-hard-debiased.npz")}
    with mock.patch.object(WordEmbeddingModel, "normalize", normalized_afresh):
        values["hard/mended"] = run(out / "wefe-hard-debiased-mended.npz")
    return values


def main(request_path: str, out: str) -> Values:
    """Measure everything of the request."""
    logging.disable(logging.ERROR)
    request = json.loads(Path(request_path).read_text(encoding="utf-8"))
    model = load_test_model()
    values, rnsb_facts = rnsb(model, request)
    for measure in (weat, p_values, distances, ripa):
        values.update(measure(model, request))
    facts = {**weat_facts(model, request), **rnsb_facts}
    values.update(hard_debias(model, request, Path(out)))
    packages = ("wefe", "numpy", "scipy", "scikit-learn", "gensim")
    return {"versions": {each: metadata.version(each) for each in packages},
            "values": values, "facts": facts}  # fmt: skip


def vectors() -> str:
    """Return the path of WEFE's test vectors inside the installed wheel."""
    return str(resources.files(wefe.datasets) / "data" / "test_model.kv")


if __name__ == "__main__":
    given = dict(each.split("=", 1) for each in sys.argv[2:])
    with contextlib.redirect_stdout(sys.stderr):
        said = {"vectors": vectors()}
        if sys.argv[1] != "where":
            said.update(main(sys.argv[1], **given))
    print(json.dumps(said, default=float))
