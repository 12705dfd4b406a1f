"""The top of the report: what was looked at, when and how, what it comes to, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.metadata import version

from daemon.checking.result import Checked
from sanitizers.proof.roads import Status

VERDICTS = {
    Status.PASS: "Nothing of the original was found, on any road, and every road was looked down.",
    Status.SAMPLED: "Nothing of the original was found. Some roads were looked down in rows drawn at random alone.",
    Status.FAIL: "Something was found. Do not use this copy as if it were free of personal data.",
    Status.UNKNOWN: "Nothing was found where it was looked, but not everything could be looked at.",
}
NEXT = {
    Status.PASS: "Nothing is to be done. It holds for the moment above: look again after a restore, or once others have"
    " written into the copy.",
    Status.SAMPLED: "Where a single note in a large table would matter, run it again with --full, which looks at every"
    " row and may take hours.",
    Status.FAIL: "Keep people away from this copy. Correct the masking policy and make a new copy, or remove what is"
    " listed below; then look again.",
    Status.UNKNOWN: "Treat the copy as if it held personal data. Below is what could not be looked at and why: provide"
    " what was missing, then look again.",
}
NEXT_OF_ALL = (
    "Nothing is to be done. Of the bytes of pages no more can be told than that a few originals are not in them; VACUUM"
    " FULL writes those of a table anew."
)
ATTESTED = {
    Status.PASS: "The attestation is genuine, and the run that it is of found nothing. No database was looked at now.",
    Status.SAMPLED: "The attestation is genuine, and the run that it is of found nothing, of some roads in rows drawn"
    " at random alone. No database was looked at now.",
    Status.FAIL: "The attestation is not to be trusted, or the run that it is of found something.",
    Status.UNKNOWN: "The attestation is genuine, but its run could not look at everything. No database was looked at"
    " now.",
}
ATTESTED_NEXT = {
    Status.FAIL: "Do not rely on it: find out who made the file, or make a new copy and attest it.",
}
CONNECT = "To see whether it still holds, give the database as well (--dsn, or the branch)."
MEANINGS = (
    (Status.PASS, "It was looked at to its end, and nothing was found."),
    (Status.SAMPLED, "Nothing was found in rows drawn at random; --full looks at every row, but for pages."),
    (Status.FAIL, "Something was found; the sentence says what, and what to do."),
    (Status.UNKNOWN, "It could not be looked at, or not to its end. It may be clean; nobody knows."),
)
ROAD = (
    "A road is a way on which somebody could get at a value of before the masking. Each answers for itself, and the"
    " worst answer is the verdict. Names of tables and columns and counts are all that stands here: no value of a row."
)


def title_of(checked: Checked) -> str:
    """The title of the page."""
    return f"{'Residue proof' if checked.roads else 'Attestation'} of {checked.place}"


def head(checked: Checked) -> Iterator[str]:
    """Title, facts, verdict and tiles."""
    verdict, offline = checked.verdict, not checked.roads
    facts = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in _facts(checked))
    said = (ATTESTED if offline else VERDICTS)[verdict]
    next_ = ATTESTED_NEXT.get(verdict, CONNECT) if offline else _next(checked)
    yield f"<header><h1>{escape(title_of(checked))}</h1><dl>{facts}</dl></header>\n"
    yield f'<section class="verdict {verdict}"><strong>{verdict}</strong><p>{said}</p>'
    yield f"<p><b>What to do:</b> {next_}</p></section>\n"
    yield _tiles(checked)


def meanings() -> str:
    """What the four answers mean."""
    answers = "".join(f"<dt>{badge(status)}</dt><dd>{text}</dd>" for status, text in MEANINGS)
    return f'<section class="whole"><h2>How to read this</h2><p>{ROAD}</p><dl>{answers}</dl></section>\n'


def badge(status: Status) -> str:
    """A status as a coloured word."""
    return f'<span class="badge {status}">{status}</span>'


def _next(checked: Checked) -> str:
    return NEXT_OF_ALL if checked.full and checked.verdict is Status.SAMPLED else NEXT[checked.verdict]


def _facts(checked: Checked) -> Iterator[tuple[str, str]]:
    yield "looked at on", f"{checked.at:%Y-%m-%d %H:%M} UTC, by branchwarden {version('branchwarden')}"
    if not checked.roads:
        return
    if checked.proofs:
        yield "called below", ", ".join(proof.database for proof in checked.proofs)
    if checked.source:
        yield "compared with", checked.source
    yield (
        "how much",
        "every row and every letter (--full), but for the bytes of pages, where originals of six rows of a table are"
        " looked for"
        if checked.full
        else "of large tables a part, where a road says SAMPLED",
    )


def _tiles(checked: Checked) -> str:
    counts = {status: sum(road.status is status for road in checked.roads) for status in Status}
    numbers = {
        "roads passed": counts[Status.PASS],
        "roads passed in a sample": counts[Status.SAMPLED],
        "roads failed": counts[Status.FAIL],
        "roads unknown": counts[Status.UNKNOWN],
        "original values searched for": sum(proof.searched for proof in checked.proofs),
        "rows counted": sum(proof.rows for proof in checked.proofs),
    }
    tiles = "".join(f'<div class="tile"><b>{number:,}</b>{name}</div>' for name, number in numbers.items())
    return f'<div class="tiles">{tiles}</div>\n' if checked.roads else ""
