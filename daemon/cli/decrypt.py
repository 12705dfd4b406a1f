"""`decrypt`: encrypted values back, for those who hold the field key."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from psycopg import sql

from daemon.cli.common import ConfigOption, JsonOption, clean, print_json
from daemon.errors import UsageError
from daemon.keys import required_keyring
from daemon.plain import parse_dsn
from daemon.settings import load_settings
from sanitizers.fields.cipher import Context
from sanitizers.fields.keyring import Keyring
from sanitizers.fields.opened import open_rows, open_value
from sanitizers.rules import parts

BLOCK = 1 << 16
KEY_COLUMNS = """
SELECT a.attname::text FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS k (attnum, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = to_regclass(%s) AND i.indisprimary ORDER BY k.place
"""

HAS_COLUMN = """
SELECT FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s::text AND attnum > 0 AND NOT attisdropped
"""


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(decrypt)


def decrypt(
    at: Annotated[str, typer.Option(help="Where it was encrypted: schema.table.column.")],
    token: Annotated[str | None, typer.Argument(help="One token; prints its value.", show_default=False)] = None,
    dsn: Annotated[str | None, typer.Option(help="Any Postgres: a whole column of it.", show_default=False)] = None,
    column: Annotated[
        str | None, typer.Option(help="Column to read with --dsn; default: that of --at.", show_default=False)
    ] = None,
    field: Annotated[
        int | None,
        typer.Option(help="Rows of COPY from stdin, tokens in this field of each; from 1.", min=1, show_default=False),
    ] = None,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="Folder of the field keys; default: keys.path.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decrypt what a policy has encrypted: a token, a column, or rows of COPY. Exit 2 where it does not open."""
    if sum(given is not None for given in (token, dsn, field)) != 1:
        raise UsageError("give one of a token, --dsn and --field")
    if column is not None and dsn is None:
        raise UsageError("--column says what --dsn reads: leave it out, or give --dsn")
    if as_json and token is None:
        raise UsageError("--json is for one token: columns and rows come out as COPY writes them")
    place, keyring = _place("--at", at), required_keyring(keys or load_settings(config).keys.path)
    if token is not None:
        _print(open_value(token, place, keyring), as_json=as_json)
    elif dsn is not None:
        _column(dsn, _place("--column", column or at), place, keyring)
    else:
        _rows(field or 1, place, keyring)


def _place(option: str, name: str) -> Context:
    names = parts(name)
    if len(names) != 3:  # schema, table, column
        raise UsageError(
            f"{option} {clean(name)} is no schema.table.column: quote a part with a dot in it, as SQL does"
        )
    return Context(*names)


def _print(value: bytes, *, as_json: bool) -> None:
    if as_json:
        print_json({"value": value.decode()})
    else:
        sys.stdout.buffer.write(value + b"\n")


def _column(dsn: str, read: Context, place: Context, keyring: Keyring) -> None:
    """The primary key and the value of each row."""
    with parse_dsn("--dsn", dsn).session() as conn:
        table = sql.Identifier(read.schema, read.table)
        if conn.execute(HAS_COLUMN, (table.as_string(conn), read.column)).fetchone() is None:
            raise UsageError(f"there is no column {clean(str(read))} in that database: name one by --column")
        names = [row[0] for row in conn.execute(KEY_COLUMNS, (table.as_string(conn),))]
        names = [*(name for name in names if name != read.column), read.column]
        select = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
            sql.SQL(", ").join(map(sql.Identifier, names)), table
        )
        conn.execute("SELECT set_config('client_encoding', 'UTF8', false)")
        with closing(_copied(conn, select)) as rows:  # or what is left of them would keep the connection
            _write(open_rows(rows, (len(names), len(names) - 1), place, keyring))


def _copied(conn: psycopg.Connection, statement: sql.Composed) -> Generator[bytes, None, None]:
    with conn.cursor().copy(statement) as out:
        yield from map(bytes, out)


def _rows(field: int, place: Context, keyring: Keyring) -> None:
    """What is on stdin, as it comes."""
    blocks = iter(lambda: sys.stdin.buffer.read(BLOCK), b"")
    first = next(blocks, b"")
    while b"\n" not in first and (more := next(blocks, b"")):
        first += more
    columns = first.partition(b"\n")[0].count(b"\t") + 1
    if field > columns:
        raise UsageError(f"--field {field}: a row of stdin has {columns} fields")
    _write(open_rows((block for some in ((first,), blocks) for block in some), (columns, field - 1), place, keyring))


def _write(blocks: Iterable[bytes]) -> None:
    for block in blocks:
        sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()
