"""Words in the plane, before and after: gender against the rest of the space, and by t-SNE."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from debiaslab.report.figures.labels import name_points
from debiaslab.report.figures.spots import tell
from debiaslab.report.style import (
    BASELINE,
    FEMALE,
    MALE,
    OTHER,
    REPORT,
    figure,
    legend_above,
    panel_name,
    plain,
)
from debiaslab.report.word_data import Clusters, MappedWords

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito; the marker says the same as the colour.
_GROUPS = {
    "male": (MALE, "^"),
    "female": (FEMALE, "v"),
    "career": (REPORT, "o"),
    "family": (OTHER, "o"),
    "math": ("#E69F00", "s"),
    "arts": ("#56B4E9", "s"),
}
_SIDES = ("before (baseline)", "after")
_LABELLED = 60  # words of a panel that get their name


def word_map_figure(words: MappedWords, note: str = "") -> Figure:
    """Draw gender words and target words by the gender direction (x) and the rest (y).

    Args:
        words: What ``word_map`` placed.
        note: Whose vectors these are.
    """
    before, after = words.shares
    title = (
        f"Along the gender direction lies {before:.0%} of these words' variance before, "
        f"{after:.0%} after"
    )
    small = (
        f"{note} {len(words.words)} words; x and y are made in each space by itself. y: first "
        "principal component of the words with the gender direction taken out."
    ).strip()
    made = figure(title, 10.5, 5.8, small)
    panels = made.subplots(1, 2, sharex=True)
    for axes, name, points in zip(panels, _SIDES, (words.before, words.after), strict=True):
        for group, (color, marker) in _GROUPS.items():
            own = np.array([each == group for each in words.groups])
            axes.scatter(*points[own].T, color=color, marker=marker, s=20, label=group, zorder=3)
        named = zip(words.words, words.groups, strict=True)
        told = [f"{word.replace('_', ' ')} ({group})" for word, group in named]
        tell(axes, [(x, y) for x, y in points], told)
        axes.axvline(0, color=BASELINE, linewidth=1)
        plain(axes)
        panel_name(axes, name)
        axes.set_xlabel("female  ←  cosine with the gender direction  →  male")
    panels[0].set_ylabel("first component of the rest")
    legend_above(panels[0], columns=3)
    for axes, points in zip(panels, (words.before, words.after), strict=True):
        far = np.argsort(-np.abs(points[:, 0]))[:_LABELLED]
        names = [words.words[i].replace("_", " ") for i in far]
        name_points(made, axes, [(x, y) for x, y in points[far]], names)
    return made


def clusters_figure(found: Clusters, note: str = "") -> Figure:
    """Draw the most biased words of the baseline by t-SNE: do they still lie apart after?

    Args:
        found: What ``clusters`` placed.
        note: Whose vectors these are.
    """
    after = found.alignment_after
    shown = "not measured" if after is None else f"{after:.2f}"
    title = (
        "k-means tells the baseline's most male from its most female words: alignment "
        f"{found.alignment_before:.2f} before, {shown} after (0.5 is chance)"
    )
    small = (
        f"{note} {found.side} + {found.side} words; t-SNE keeps neighbourhoods, not distances. "
        "Topic alone sets the labels apart too: compare with a text without gender (command floor)."
    ).strip()
    made = figure(title, 9.5, 5.0, small)
    panels = made.subplots(1, 2)
    for axes, name, points in zip(panels, _SIDES, (found.before, found.after), strict=True):
        for own, color, marker, label in (
            (found.male, MALE, "^", "male-leaning in the baseline"),
            (~found.male, FEMALE, "v", "female-leaning in the baseline"),
        ):
            axes.scatter(*points[own].T, color=color, marker=marker, s=9, alpha=0.7, label=label)
        tell(axes, [(x, y) for x, y in points], [word.replace("_", " ") for word in found.words])
        plain(axes)
        axes.set_xticks([])
        axes.set_yticks([])
        panel_name(axes, name)
    legend_above(panels[0], columns=1)
    return made
