"""What mkdocs calls while it builds the site: generated pages, formulas, pages without a place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from generated_pages import generated
from mathml import with_mathml
from mkdocs.structure.files import File, Files

_ROOT = Path(__file__).parents[2]
_ROLE = re.compile(r":(?:func|class|meth|mod|data|attr):(<code>)~?(?:[\w.]*\.)?(\w+</code>)")


def on_config(config: Any) -> Any:
    """Give explanation pages that the navigation does not name a place at the end of theirs."""
    named = set(_pages(config.nav))
    explanations = next(each["Explanation"] for each in config.nav if "Explanation" in each)
    for path in sorted(Path(config.docs_dir, "explain").glob("*.md")):
        page = path.relative_to(config.docs_dir).as_posix()
        if page not in named:
            explanations.append(page)
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made from the code."""
    for path, content in generated(_ROOT / "debiaslab").items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_content(html: str, **_: Any) -> str:
    """Turn formulas into MathML, and roles of docstrings into plain code."""
    return with_mathml(_ROLE.sub(r"\1\2", html))


def _pages(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    children = nav.values() if isinstance(nav, dict) else nav
    return [page for child in children for page in _pages(child)]
