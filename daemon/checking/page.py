"""The report as one HTML file: for people who decide about data and do not read JSON. No script, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from daemon.checking.attestation import AttestationChecked
from daemon.checking.fidelity_page import fidelity_section
from daemon.checking.result import Checked
from daemon.checking.style import STYLE
from sanitizers.attest.predicate import Predicate
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.roads import ALL_ROADS, Found, Status

VERDICTS = {
    Status.PASS: "Nothing of the original was found, on any road, and every road was looked down.",
    Status.SAMPLED: "Nothing of the original was found. Some roads were looked down in rows drawn at random alone.",
    Status.FAIL: "Something was found. Do not use this copy as if it were free of personal data.",
    Status.UNKNOWN: "Nothing was found where it was looked, but not everything could be looked at.",
}
MEANINGS = (
    (Status.PASS, "It was looked at to its end, and nothing was found."),
    (Status.SAMPLED, "Nothing was found in rows of large tables drawn at random; --full looks at every row."),
    (Status.FAIL, "Something was found; the sentence says what, and what to do."),
    (Status.UNKNOWN, "It could not be looked at, or not to its end. It may be clean; nobody knows."),
)
RESULTS = {
    "anonymous": "nothing leads back",
    "pseudonymous": "whoever holds the key can test a guess",
    "kept": "as in production",
    "encrypted": "comes back for those who hold the field key",
    "public": "as in production, declared public",
}
BRANCH_ROADS = {
    "history": ("History of the branch", "Is there a moment, or a parent, at which raw rows can still be read?"),
    "computes": ("Computes", "By which computes can the branch be read?"),
    "data-api": ("Data API", "Does a web API serve rows of the branch?"),
    "auth": ("Neon Auth", "Does the branch hold users and sessions of Neon Auth?"),
    "storage": ("Object storage", "Does the branch hold files?"),
}
QUESTIONS = {road.name: (road.title, road.question) for road in ALL_ROADS} | BRANCH_ROADS


def page(checked: Checked) -> str:
    """The whole file."""
    title = f"Residue proof of {checked.place}"
    body = "".join(_body(checked, title))
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )


def _body(checked: Checked, title: str) -> Iterator[str]:
    verdict = checked.verdict
    yield f"<header><h1>{escape(title)}</h1>"
    yield f'<p class="soft">branchwarden, {checked.at:%Y-%m-%d %H:%M} UTC</p></header>\n'
    yield f'<section class="verdict {verdict}"><strong>{verdict}</strong><p>{VERDICTS[verdict]}</p></section>\n'
    yield _tiles(checked)
    if checked.problems:
        yield f'<h2>What was found</h2><ul class="bad">{_items(checked.problems)}</ul>\n'
    unseen = tuple(dict.fromkeys(what for road in checked.roads for what in road.unseen))
    if unseen:
        yield f'<h2>What could not be looked at</h2><ul class="open">{_items(unseen)}</ul>\n'
    if checked.roads:
        yield f"<h2>Every road</h2>{_roads(checked.roads)}\n"
    if checked.attestation is not None:
        yield _attestation(checked.attestation)
    for proof in checked.proofs:
        yield "".join(_database(proof))
    meanings = "".join(f"<dt>{_badge(status)}</dt><dd>{text}</dd>" for status, text in MEANINGS)
    yield f"<h2>How to read this</h2><dl>{meanings}</dl>"
    yield "<p>Names of tables and columns and counts are all that stands here: no value of any row.</p>\n"


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


def _roads(roads: Iterable[Found]) -> str:
    return _table(("road", "status", "what was looked at"), (_road(road) for road in roads))


def _road(road: Found) -> tuple[str, str, str]:
    title, question = QUESTIONS.get(road.road, (road.road, ""))
    where = f'<br><span class="soft">{escape(road.database)}</span>' if road.database else ""
    numbers = "".join(f"<dt>{escape(name)}</dt><dd>{number:,}</dd>" for name, number in road.numbers.items())
    details = f"<details><summary>numbers</summary><dl>{numbers}</dl></details>" if numbers else ""
    found = f'<ul class="bad">{_items(road.problems)}</ul>' if road.problems else ""
    head = f"<b>{escape(title)}</b>{where}"
    asked = f'<p class="soft">{escape(question)}</p>' if question else ""
    return head, _badge(road.status), f"{asked}<p>{escape(road.sentence)}</p>{found}{details}"


def _attestation(attested: AttestationChecked) -> str:
    rows = {"file": attested.where, "status": "", "says": attested.sentence}
    parts = "".join(
        f"<dt>{name}</dt><dd>{_badge(attested.status) if name == 'status' else escape(value)}</dd>"
        for name, value in rows.items()
    )
    about = _predicate(attested.statement.predicate) if attested.statement else ""
    differences = [f"{d.sentence} ({d.effect})" for d in attested.differences]
    since = f"<h3>What changed since</h3><ul>{_items(differences)}</ul>" if differences else ""
    return f"<h2>Attestation</h2><dl>{parts}</dl>{since}{about}\n"


def _predicate(said: Predicate) -> str:
    facts = {
        "run": f"{said.run_id}, {said.mode}, {said.tool.name} {said.tool.version}",
        "policy": f"{said.policy.digest} ({'reviewed' if said.policy.reviewed else 'not reviewed'})",
        "masking key": f"{said.key.id} ({'kept: pseudonyms' if said.key.stable else 'forgotten with the run'})",
        "rows of": f"{said.source.at:%Y-%m-%d %H:%M} UTC" if said.source.at else said.source.unknown,
    }
    if said.history_raw_until:
        facts["history raw until"] = f"{said.history_raw_until:%Y-%m-%d %H:%M} UTC"
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    columns = (
        (
            f"<code>{escape(f'{database.name}.{table.schema_name}.{table.name}.{column.name}')}</code>",
            escape(column.personal_class),
            escape(column.strategy),
            f"{column.result}: {RESULTS[column.result]}",
        )
        for database in said.databases
        for table in database.tables
        for column in table.columns
    )
    listing = _table(("column", "class", "strategy", "result"), columns)
    return f"<dl>{listed}</dl><h3>What became of each column</h3>{listing}"


def _database(proof: DatabaseProof) -> Iterator[str]:
    remarks = [*(f"warning: {w}" for w in proof.warnings), *(f"kept on purpose: {column}" for column in proof.kept)]
    if remarks:
        yield f"<h2>What stays in {escape(proof.database)}</h2><ul>{_items(remarks)}</ul>\n"
    if proof.groups:
        yield f"<h2>k-anonymity of {escape(proof.database)}</h2><ul>{_items(map(str, proof.groups))}</ul>\n"
    if proof.fidelity is not None:
        yield fidelity_section(proof.fidelity)


def _badge(status: Status) -> str:
    return f'<span class="badge {status}">{status}</span>'


def _items(texts: Iterable[str]) -> str:
    return "".join(f"<li>{escape(text)}</li>" for text in texts)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Cells are HTML already."""
    titles = "".join(f"<th>{name}</th>" for name in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table></div>'
