"""Real text that every installation has: 106 Wikipedia articles inside the gensim wheel.

The articles are Wikipedia text (CC BY-SA) that gensim ships as test data: 206 pages of a dump, of
which 99 redirect and one is empty.
"""

from __future__ import annotations

import bz2
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from debiaslab.corpus.reading import Block, reading_error
from debiaslab.errors import UserError

_DUMP = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
_REDIRECT = "#redirect"


@dataclass(frozen=True)
class BuiltinSource:
    """The 106 articles, one document each: about 486,000 tokens."""

    label: str = "enwiki-106"

    @property
    def file(self) -> Path:
        """The dump inside the gensim package.

        Raises:
            UserError: gensim is not installed, or without its test data.
        """
        # gensim takes most of a second to import; a cached corpus needs only to know its file.
        from importlib.util import find_spec

        spec = find_spec("gensim")
        for folder in (spec and spec.submodule_search_locations) or ():
            file = Path(folder) / "test" / "test_data" / _DUMP
            if file.is_file():
                return file
        raise UserError(
            f"the built-in text is part of the gensim package, which lacks {_DUMP} here",
            next_step="pip install --force-reinstall gensim, or give a text file",
        )

    @property
    def size(self) -> int:
        """Bytes of the dump."""
        return self.file.stat().st_size

    @property
    def reader(self) -> str:
        """Changes with gensim, whose wikitext filter shapes the text."""
        from importlib.metadata import version

        return f"wikipedia gensim {version('gensim')}"

    def absolute(self) -> BuiltinSource:
        """Return itself: every process finds its own gensim."""
        return self

    def cut(self, length: int) -> Sequence[BuiltinSource]:
        """Return itself: the dump is packed."""
        return [self]

    def blocks(self) -> Iterator[Block]:
        """Yield one article a block, in the order of the dump."""
        from gensim.corpora.wikicorpus import extract_pages, filter_wiki

        file = self.file
        try:
            with file.open("rb") as raw, bz2.BZ2File(raw) as dump:
                for _title, wikitext, _page in extract_pages(dump, ("0",)):
                    if wikitext and wikitext[: len(_REDIRECT)].lower() != _REDIRECT:
                        yield Block(" ".join(filter_wiki(wikitext).split()) + "\n", raw.tell())
        except (EOFError, SyntaxError) as error:  # ElementTree's ParseError is a SyntaxError
            raise UserError(
                f"the built-in text {file} is damaged ({error})",
                next_step="pip install --force-reinstall gensim",
            ) from error
        except OSError as error:
            raise reading_error(file, error) from error
