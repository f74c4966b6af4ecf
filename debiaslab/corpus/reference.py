"""Finding a corpus by its fingerprint: in a cache folder, or fetched into one from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from debiaslab.corpus import cache as entries
from debiaslab.corpus.corpus import Corpus
from debiaslab.corpus.settings import CorpusSettings
from debiaslab.errors import UserError


@dataclass(frozen=True)
class Reference:
    """What a process, of this machine or another, is told of a corpus that it is to open."""

    fingerprint: str
    path: Path  # where it was found first: on other machines, a folder they may share
    settings: CorpusSettings
    name: str
    sources: tuple[str, ...]

    @classmethod
    def of(cls, corpus: Corpus) -> Reference:
        """Refer to a corpus."""
        path = corpus.path.absolute()
        return cls(corpus.fingerprint, path, corpus.settings, corpus.name, corpus.sources)

    def find(self, cache: str | Path) -> Corpus | None:
        """Return the corpus from where it was, or from ``cache``; None when it is in neither.

        Each entry is checked against its own fingerprint, and that against the one wanted.
        """
        for path in (self.path, *_holding(self.fingerprint, Path(cache))):
            try:
                entry = entries.open_entry(path)
            except entries.DamagedEntryError:
                continue
            if entry is not None and entry.meta["fingerprint"] == self.fingerprint:
                return Corpus.of(entry, self.settings, self.name, self.sources)
        return None

    def find_or_fetch(self, cache: str | Path, fetch: Callable[[Path], None]) -> Corpus:
        """Return the corpus, which is fetched into ``cache`` when no folder here holds it.

        Of several processes one fetches. What it fetched takes its place in the cache whole, once
        it was found to be what the fingerprint says.

        Args:
            cache: Folder of encoded texts.
            fetch: Writes the files of ``files_of`` into a folder.

        Raises:
            UserError: What was fetched is another corpus or damaged, or cannot be written.
        """
        cache = Path(cache)
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f".fetching-{self.fingerprint[:12]}"):
            found = self.find(cache)
            if found is None:
                with entries.building(cache, self.path.name) as folder:
                    fetch(folder)
                    self._check(folder)
                found = self.find(cache)
        if found is None:
            raise UserError(
                f"{cache / self.path.name} holds another corpus", next_step="move it aside"
            )
        return found

    def _check(self, folder: Path) -> None:
        try:
            entry = entries.open_entry(folder)
        except entries.DamagedEntryError as error:
            raise UserError(f"the corpus that was fetched is damaged ({error})") from error
        if entry is None or entry.meta["fingerprint"] != self.fingerprint:
            raise UserError("the corpus that was fetched has another fingerprint")


def files_of(corpus: Corpus) -> list[Path]:
    """Return the files that make a corpus, the one that names all others last."""
    meta = json.loads((corpus.path / entries.META).read_text(encoding="utf-8"))
    return [corpus.path / name for name in (*meta["sizes"], entries.META)]


def _holding(fingerprint: str, cache: Path) -> list[Path]:
    """Return the entries of a cache that say they hold the fingerprint."""
    found = []
    for meta in sorted(cache.glob(f"*/{entries.META}")):
        try:
            if json.loads(meta.read_text(encoding="utf-8"))["fingerprint"] == fingerprint:
                found.append(meta.parent)
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found
