"""Formulas as MathML, made when the site is built: browsers draw it without any script."""

from __future__ import annotations

import html
import re

_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<tex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)


def with_mathml(page: str) -> str:
    """Return HTML in which every formula that ``pymdownx.arithmatex`` has marked is MathML."""
    return _FORMULA.sub(_replaced, page)


def _replaced(match: re.Match[str]) -> str:
    from latex2mathml.converter import convert

    block = match["tag"] == "div"
    formula = convert(html.unescape(match["tex"]), display="block" if block else "inline")
    # as one of the ways to read it: screen readers read MathML, and so does copy and paste
    return f'<div class="formula">{formula}</div>' if block else formula
