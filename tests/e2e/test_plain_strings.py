"""Connection strings as people write them, and databases that are not in UTF-8."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from tests.fix_plain import Desk, rows
from tests.fix_postgres import TestDatabase

MakeDatabase = Callable[[], TestDatabase]

ODD = "p@ss:w/rd%20 'q' \\"
STRANGE = "odd_password"
LATIN = """
CREATE TABLE "prénoms" (id int PRIMARY KEY, "prénom" text, filler text DEFAULT 'né');
INSERT INTO "prénoms" SELECT n, 'Zqfirst' || n || 'é', 'à' FROM generate_series(1, 20) n;
"""
LATIN_POLICY = """version = 1
reviewed_by = "Ada"
reviewed_on = 2026-11-21
[{0}.public."prénoms"]
id = "keep"
"prénom" = "first_name"
filler = "keep"
"""


def socket(shop: TestDatabase) -> str:
    return quote(str(shop.server.socket_folder), safe="")


@pytest.mark.parametrize(
    ("string", "code", "sentence"),
    [
        ("postgresql://{role}:{odd}@{socket}:{port}/{name}", 0, ""),
        ("postgresql://{role}:{odd}@{socket}:1,{socket}:{port}/{name}", 0, ""),
        ("postgresql:///{name}?host={socket}&port={port}&user={role}&password={odd}", 0, ""),
        ("postgresql://{role}:{odd}@{socket}:{port}/{name}?target_session_attrs=read-write", 0, ""),
        ("postgresql://{role}:{odd}@{socket}:{port}/{name}?target_session_attrs=standby", 4, "target_session_attrs"),
        ("service=shop", 0, ""),
        ("service=nowhere", 4, "is in no service file"),
        ("postgresql://{role}@127.0.0.1:1/{name}?sslmode=verify-full", 4, "does not answer"),
        ("postgresql://{role}@127.0.0.1:1,{socket}:2/{name}?port=1,2,3", 4, "more ports"),
        ("postgresql://{role}:{odd}@{socket}:{port}/{name}?sslmode=verify-ful", 4, "sslmode, for example"),
        ("host={folder} port={port} dbname={name} user={role} passfile=own.pgpass", 0, ""),
        ("host={folder} port={port} dbname={name} user={role} nonsense=1", 2, "no connection string"),
    ],
)
def test_every_kind_of_connection_string_works_or_says_what_is_wrong(
    desk: Desk, shop: TestDatabase, string: str, code: int, sentence: str
) -> None:
    port, folder = shop.server.port, shop.server.socket_folder
    with psycopg.connect(shop.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(STRANGE), sql.Literal(ODD)))
        admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {STRANGE}".encode())
    pairs = f"host={folder}\nport={port}\nuser={STRANGE}\npassword={ODD}\ndbname={shop.name}\n"
    (desk.folder / "service").write_text(f"[shop]\n{pairs}")
    escaped = ODD.replace("\\", "\\\\").replace(":", "\\:")
    (desk.folder / "own.pgpass").write_text(f"*:*:*:*:{escaped}\n")
    (desk.folder / "own.pgpass").chmod(0o600)
    dsn = string.format(
        role=STRANGE, odd=quote(ODD, safe=""), socket=socket(shop), port=port, name=shop.name, folder=folder
    )

    done = desk.run("plan", "--dsn", dsn, PGSERVICEFILE=str(desk.folder / "service"))
    with psycopg.connect(shop.admin_dsn, autocommit=True) as admin:
        admin.execute(f"DROP OWNED BY {STRANGE}; DROP ROLE {STRANGE}".encode())

    assert done.returncode == code, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert "p@ss" not in done.stderr + done.stdout


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1"])
def test_a_source_in_latin_1_arrives_whole(
    desk: Desk, shop: TestDatabase, make_database: MakeDatabase, encoding: str
) -> None:
    names = [f"{shop.name}_latin", f"{shop.name}_copy"]
    create = "CREATE DATABASE {} OWNER neondb_owner ENCODING {} TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'"
    with psycopg.connect(shop.server.dsn(), autocommit=True) as admin:
        for name, how in zip(names, ("LATIN1", encoding), strict=True):
            admin.execute(sql.SQL(create).format(sql.Identifier(name), sql.Literal(how)))
    source, target = (TestDatabase(shop.server, name, shop.password) for name in names)
    with psycopg.connect(source.dsn, client_encoding="utf8") as conn:
        conn.execute(LATIN.encode())
    desk.decide(LATIN_POLICY.format(source.name))

    done = desk.run("sanitize", "--source", source.dsn, "--target", target.dsn)

    assert done.returncode == 0, done.stderr
    with psycopg.connect(target.dsn, client_encoding="utf8") as conn:
        found = conn.execute('SELECT count(*), max(filler) FROM "prénoms" WHERE "prénom" !~ \'Zq\''.encode()).fetchall()
    assert found == [(20, "à")]
    assert rows(target.dsn, "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef") != []
    with psycopg.connect(shop.server.dsn(), autocommit=True) as admin:
        for name in names:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
