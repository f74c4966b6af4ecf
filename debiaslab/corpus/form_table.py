"""The forms of phrases for the compiled loops: arrays that grow, seen from Python."""

from __future__ import annotations

import numpy as np

from debiaslab.corpus import kernel
from debiaslab.corpus.kernel import NONE
from debiaslab.corpus.words import grown


class FormTable:
    """Phrases in the forms met so far; the loops of ``kernel`` add to ``arrays``."""

    def __init__(self) -> None:
        self.arrays = kernel.Forms(
            edges=np.full(2, NONE, np.int64),
            targets=np.full(2, NONE, np.int32),
            joined=np.zeros(0, np.int32),
            size=np.zeros(1, np.int64),
        )

    def make_room(self, nodes: int) -> None:
        """Make room for so many new nodes."""
        arrays = self.arrays
        most = int(arrays.size[0]) + nodes
        arrays = arrays._replace(joined=grown(arrays.joined, most, NONE))
        if len(arrays.edges) < 2 * most:
            known = arrays.edges != NONE
            places = 1 << (2 * most - 1).bit_length()
            edges, targets = np.full(places, NONE, np.int64), np.full(places, NONE, np.int32)
            old_targets = arrays.targets[known].astype(np.int64)
            kernel.enter_edges(edges, targets, arrays.edges[known], old_targets)
            arrays = arrays._replace(edges=edges, targets=targets)
        self.arrays = arrays
