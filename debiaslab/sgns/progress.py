"""A training under way: its blocks one by one, saved at some of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from numpy.typing import NDArray

from debiaslab.sgns.checkpoint import Slot
from debiaslab.sgns.checkpoint_file import State, together
from debiaslab.sgns.engine import Block, Engine, PenaltyTerm, Resumable
from debiaslab.sgns.model import SGNS
from debiaslab.sgns.watch import Watch


@dataclass
class Progress:
    """What changes while a training runs, and how far it is."""

    model: SGNS
    engine: Engine
    watch: Watch
    penalty: PenaltyTerm | None
    slot: Slot | None  # where it is saved; None: it is not
    epoch: int = 0  # the one under way
    done: int = 0  # its blocks that are behind

    def blocks(self, epoch: int) -> Iterator[Block]:
        """Train an epoch, or what is left of it, and save where it is time to."""
        for block in self.engine.epoch(epoch, self.done):
            self.done += 1
            self.watch.see(block, epoch=epoch + 1)
            yield block
            if self.watch.stop:
                break
            if self.slot is not None and self.slot.due() and self.engine.settle():
                self._save(self.slot)
        self.epoch, self.done = epoch + 1, 0

    def resume(self) -> int | None:
        """Go on from the checkpoint; return how many words are behind, None when there is none."""
        saved = None if self.slot is None else self.slot.find()
        if saved is None:
            return None
        model, values = saved.part("model"), saved.part("progress").values
        with torch.no_grad():
            self.model.W.copy_(torch.from_numpy(model.arrays["W"]))
            self.model.C.copy_(torch.from_numpy(model.arrays["C"]))
        self.engine.restore(saved.part("engine"))
        if self.penalty is not None and (remembered := saved.part("penalty").arrays):
            cast(Resumable, self.penalty).restore(remembered)
        self.epoch, self.done = values["epoch"], values["done"]
        self.watch.restore(values["watch"])
        return self.watch.words

    def _save(self, slot: Slot) -> None:
        remembered = _remembered(self.penalty)
        if remembered is None:
            warnings.warn(
                "the penalty cannot say what it remembers: no checkpoints are written",
                stacklevel=3,
            )
            self.slot = None
            return
        values: dict[str, Any] = {
            "epoch": self.epoch,
            "done": self.done,
            "watch": self.watch.state(),
        }
        matrices = {"W": self.model.W.cpu().numpy(), "C": self.model.C.cpu().numpy()}
        slot.save(
            together(
                model=State(arrays=matrices),
                engine=self.engine.state(),
                penalty=State(arrays=remembered),
                progress=State(values),
            )
        )


def _remembered(penalty: PenaltyTerm | None) -> dict[str, NDArray] | None:
    """Return a penalty's state; empty where it has none, None where it cannot say."""
    if not hasattr(penalty, "state"):
        return {}
    return cast(Resumable, penalty).state()
