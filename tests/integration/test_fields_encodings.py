"""Encrypted and scrubbed columns of databases in other encodings than UTF-8: back byte for byte, or a clear end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from emulator.postgres import Server
from sanitizers.engines.rewrite import RewriteRun, rewrite_database
from sanitizers.engines.stream import CopyRun, copy_database
from sanitizers.errors import CopyFailedError
from sanitizers.fields.cipher import Context, decrypt
from tests.fix_postgres import OWNER, TestDatabase
from tests.integration.fields_case import MODES, RING
from tests.integration.stream_case import KEY, clone_schema, connector, make_plan

MakeIn = Callable[[str], TestDatabase]


@pytest.fixture
def make_in(postgres: Server, database: TestDatabase) -> Iterator[MakeIn]:
    """Encoding → a database in it."""
    made: list[str] = []

    def make(encoding: str) -> TestDatabase:
        made.append(f"{database.name}_{len(made)}")
        with psycopg.connect(postgres.dsn(), autocommit=True) as conn:
            create = "CREATE DATABASE {} OWNER {} ENCODING {} LOCALE 'C' TEMPLATE template0"
            names = sql.Identifier(made[-1]), sql.Identifier(OWNER), sql.Literal(encoding)
            conn.execute(sql.SQL(create).format(*names))
        with psycopg.connect(postgres.dsn(dbname=made[-1]), autocommit=True) as admin:
            admin.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(sql.Identifier(OWNER)))
        return TestDatabase(postgres, made[-1], database.password)

    yield make
    for name in made:
        with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def masked(mode: str, source: TestDatabase, make: Callable[[], TestDatabase], strategy: str) -> TestDatabase:
    plan = make_plan(source, {"public.t.v": strategy})
    if mode == "in-place":
        rewrite_database(RewriteRun(connector(source), plan, KEY, keyring=RING), lambda _: None)
        return source
    target = make()
    clone_schema(source, target)
    copy_database(CopyRun(connector(source), connector(target), plan, KEY, keyring=RING), lambda _: None)
    return target


def filled(database: TestDatabase, encoding: str, *values: bytes) -> TestDatabase:
    """A table of texts given by their bytes in the database's encoding."""
    with psycopg.connect(database.dsn, client_encoding=encoding) as conn:
        conn.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        with conn.cursor().copy("COPY t FROM STDIN") as into:
            into.write(b"".join(b"%d\t%s\n" % pair for pair in enumerate(values)))
    return database


@pytest.mark.postgres
@pytest.mark.parametrize("mode", MODES)
def test_values_come_back_from_another_encoding(mode: str, make_in: MakeIn) -> None:
    source = filled(make_in("LATIN1"), "LATIN1", b"Stra\xdfe \xe9")

    target = masked(mode, source, lambda: make_in("LATIN1"), "encrypt")

    with psycopg.connect(target.dsn, client_encoding="UTF8") as conn:
        ((token,),) = conn.execute("SELECT v FROM t").fetchall()
    assert decrypt(token, Context("public", "t", "v"), RING) == "Stra\u00dfe \u00e9"


@pytest.mark.postgres
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("strategy", ["encrypt", "scrub"])
def test_a_text_that_is_no_utf_8_ends_the_run_without_showing_it(mode: str, strategy: str, make_in: MakeIn) -> None:
    texts = (*[b"anna@corp.test"] * 2000, b"zq-secret \xdf", *[b"x"] * 2000)
    source = filled(make_in("SQL_ASCII"), "SQL_ASCII", *texts)

    with pytest.raises(CopyFailedError, match="this text is no UTF-8: repair it, or keep the column") as caught:
        masked(mode, source, lambda: make_in("SQL_ASCII"), strategy)

    assert "zq-secret" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
