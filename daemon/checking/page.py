"""The report as one HTML file: for people who decide about data and do not read JSON. No script, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from daemon.checking.attestation import AttestationChecked
from daemon.checking.fidelity_page import code, fidelity_section
from daemon.checking.page_head import badge, head, meanings, title_of
from daemon.checking.result import Checked
from daemon.checking.style import STYLE
from sanitizers.attest.compare import Effect
from sanitizers.attest.predicate import Predicate
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.roads import ALL_ROADS, Found

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
    title = title_of(checked)
    body = "".join(_body(checked))
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )


def _body(checked: Checked) -> Iterator[str]:
    yield from head(checked)
    if checked.problems:
        yield f'<h2>What was found</h2><ul class="bad">{_items(checked.problems)}</ul>\n'
    unseen = tuple(dict.fromkeys(_unseen(checked)))
    if unseen:
        yield f'<h2>What could not be looked at</h2><ul class="open">{_items(unseen)}</ul>\n'
    if checked.remarks:
        yield f"<ul>{_items(checked.remarks)}</ul>\n"
    if checked.roads:
        yield meanings()
        yield f"<h2>Every road</h2>{_roads(checked.roads)}\n"
    if checked.attestation is not None:
        yield _attestation(checked.attestation)
    for proof in checked.proofs:
        yield "".join(_database(proof))


def _unseen(checked: Checked) -> Iterator[str]:
    yield from (what for road in checked.roads for what in road.unseen)
    yield from (what for proof in checked.proofs for what in proof.uncounted)
    if checked.attestation is not None:
        yield from (d.sentence for d in checked.attestation.differences if d.effect is Effect.UNKNOWN)


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
    return head, badge(road.status), f"{asked}<p>{escape(road.sentence)}</p>{found}{details}"


def _attestation(attested: AttestationChecked) -> str:
    rows = {"file": attested.where, "status": "", "says": attested.sentence}
    parts = "".join(
        f"<dt>{name}</dt><dd>{badge(attested.status) if name == 'status' else escape(value)}</dd>"
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
            code(f"{database.name}.{table.schema_name}.{table.name}.{column.name}"),
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


def _items(texts: Iterable[str]) -> str:
    return "".join(f"<li>{escape(text)}</li>" for text in texts)


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Cells are HTML already."""
    names = tuple(titles)
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    lines = "".join(f"<tr>{''.join(map(_cell, names, row))}</tr>\n" for row in rows)
    return (
        f'<div class="scroll"><table class="stacks"><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def _cell(name: str, cell: str) -> str:
    return f'<td data-name="{name}">{cell}</td>'
