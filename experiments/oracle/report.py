"""The table of the oracle as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from experiments.oracle.compare import Compared, Fault

_INTRODUCTION = """# Other people's programs as an oracle

Made by `make oracle`. Each program runs in an environment of its own and gets the same vectors and
the same words, reduced to those that the vectors have in just that spelling.

- **agrees**: both numbers differ by at most the tolerance: {tolerance:g} (their sums are in
  float32), or 4 standard errors where draws or splits are random.
- **explained**: they differ more, for the reason given; *without it* is the other program's number
  once more with that reason taken away in its own code, and agrees with ours.
- **DISAGREES**: neither.
"""


def markdown(
    rows: Sequence[Compared],
    faults: Sequence[Fault],
    versions: Mapping[str, Mapping[str, str]],
    skipped: Mapping[str, str],
    tolerance: float,
) -> str:
    """Return the whole page; ``skipped`` says why a program was not asked."""
    counts = {
        verdict: sum(row.verdict == verdict for row in rows)
        for verdict in ("agrees", "explained", "DISAGREES")
    }
    parts = [
        _INTRODUCTION.format(tolerance=tolerance),
        f"{len(rows)} comparisons: {counts['agrees']} agree, {counts['explained']} are explained, "
        f"{counts['DISAGREES']} disagree. {len(faults)} further faults, "
        f"{sum(fault.seen for fault in faults)} seen in this run.\n",
        *(f"- {_versions(name, each)}" for name, each in versions.items()),
        *(f"- {name}: not asked: {why}" for name, why in skipped.items()),
        *_section("Differences, explained", [r for r in rows if r.verdict != "agrees"], True),
        "\n## Faults that no number shows\n",
        *_faults(faults),
        *_section("Agreements", [r for r in rows if r.verdict == "agrees"], False),
    ]
    return "\n".join(parts) + "\n"


def _versions(name: str, versions: Mapping[str, str]) -> str:
    return f"{name}: " + ", ".join(f"{package} {version}" for package, version in versions.items())


def _section(title: str, rows: Sequence[Compared], explained: bool) -> Iterable[str]:
    yield f"\n## {title}\n"
    more = " without it | verdict | why |" if explained else " tolerance |"
    yield f"| program | metric | query | ours | theirs | difference |{more}"
    yield "|---|---|---|--:|--:|--:|" + ("--:|---|---|" if explained else "--:|")
    for row in rows:
        cells = [row.program, row.metric, row.query, *map(number, (row.ours, row.theirs))]
        cells.append(f"{row.difference:+.1e}")
        if explained:
            mended = "" if row.mended is None else number(row.mended)
            cells += [mended, row.verdict, row.reason]
        else:
            cells.append(f"{row.tolerance:.0e}")
        yield _line(cells)


def _faults(faults: Sequence[Fault]) -> Iterable[str]:
    yield "| program | fault | smallest case | theirs | ours | seen |"
    yield "|---|---|---|---|---|---|"
    for each in faults:
        seen = "yes" if each.seen else "NO"
        yield _line([each.program, each.fault, each.case, each.theirs, each.ours, seen])


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def number(value: float) -> str:
    """Return five digits after the point, or an exponent for what they would hide."""
    if math.isfinite(value) and 0 < abs(value) < 1e-3:
        return f"{value:.2e}"
    return f"{value:.5f}"
