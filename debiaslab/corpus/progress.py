"""The progress bar of everything here that goes through bytes."""

from __future__ import annotations

import time
from types import TracebackType

DELAY = 0.5  # seconds; what is over sooner shows no bar


class ByteBar:
    """Shows bytes done of ``total`` on stderr and, when tokens are counted, tokens per second."""

    def __init__(self, what: str, total: int, *, show: bool) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            total=total,
            desc=what,
            unit="B",
            unit_scale=True,
            leave=False,
            delay=DELAY,
            disable=not show,
        )
        self._begun = time.monotonic()
        self._tokens = 0

    def __enter__(self) -> ByteBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def advance(self, size: int, tokens: int = 0) -> None:
        """Count ``size`` more bytes, which held ``tokens``."""
        self._tokens += tokens
        if self._tokens:
            rate = self._tokens / max(time.monotonic() - self._begun, 1e-9)
            self._bar.set_postfix_str(f"{rate:,.0f} tokens/s", refresh=False)
        self._bar.update(size)
