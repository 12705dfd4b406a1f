"""The fidelity report as a part of the page: does staging still behave like production?"""

from __future__ import annotations

import re
from html import escape

from sanitizers.proof.fidelity import ColumnFidelity, Fidelity, Profile

BETWEEN = re.compile(r"(?<=[._])(?=.)")
HEAD = ("column", "side", "NULL", "different", "length: least / median / most", "shapes and rows")


def fidelity_section(fidelity: Fidelity) -> str:
    """A table of all columns, each next to the source's; what is far off is said below it."""
    titles = "".join(f'<th scope="col">{name}</th>' for name in HEAD)
    rows = "".join(_rows(column) for column in fidelity.columns)
    sampled = any(column.sampled for column in fidelity.columns)
    note = "Of large tables a sample was looked at. " if sampled else ""
    return (
        f"<h2>Does {escape(fidelity.database)} still behave like production?</h2>"
        f'<p class="soft">{note}No part of the verdict: each column of the copy next to its source. '
        "Shapes (a, A, 9) are shown where 20 rows or more share one.</p>"
        f'<div class="scroll"><table><thead><tr>{titles}</tr></thead>{rows}</table></div>\n'
    )


def _rows(column: ColumnFidelity) -> str:
    name = code(column.column) + (" <b>masked</b>" if column.masked else "")
    warnings = "".join(f'<br><span class="open">{escape(warning)}</span>' for warning in column.warnings)
    here = _row(f"{name}{warnings}", "copy", column.target)
    return f"<tbody>{here}{_row('', 'source', column.source) if column.source else ''}</tbody>"


def code(name: str) -> str:
    """A name of the catalog, which breaks between its words alone."""
    return f"<code>{BETWEEN.sub('<wbr>', escape(name))}</code>"


def _row(name: str, side: str, profile: Profile) -> str:
    length = "" if profile.median is None else f"{profile.shortest} / {profile.median} / {profile.longest}"
    shapes = ", ".join(f"<code>{escape(shape.text)}</code> {shape.rows:,}" for shape in profile.shapes)
    different = f"{profile.distinct:,} of {profile.values:,}"
    numbers = "".join(
        f'<td class="number">{cell}</td>' for cell in (side, f"{profile.null_share:.0%}", different, length)
    )
    return f"<tr><td>{name}</td>{numbers}<td>{shapes}</td></tr>\n"
