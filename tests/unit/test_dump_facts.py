"""What is read from a dump: statements of pg_dump alone, never lines that people wrote into literals and bodies."""

import pytest

from daemon.neon import ApiColumn, ApiTable
from daemon.staging.api_schema import api_schema
from daemon.staging.dump import Domain, UniqueIndex, WrittenIndex, find_type, read_dump, read_index

COLUMNS = frozenset({"email", "tenant", "text", "lower", 'E "mail"', "a,b", "x)"})


@pytest.mark.parametrize(
    "hidden",
    [
        "COMMENT ON TABLE public.a IS 'one\n{}\nit''s';",
        "CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $$\n{}\n$$;",
        "CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $_$\n{} $1 $$\n$_$;",
        "-- Name: a quote's end\nCOMMENT ON TABLE public.a IS E'\\\\\n{}\n';",
        "COMMENT ON COLUMN public.\"a\n{}\n\" IS 'x';",
    ],
)
def test_lines_of_people_are_no_statements(hidden: str) -> None:
    line = "CREATE TABLE public.never (id int);\nALTER TABLE public.a OWNER TO eve;\nCREATE DOMAIN public.d AS text;"

    facts = read_dump(hidden.format(line) + "\nCREATE TABLE public.a (\n    id integer\n);\n")

    assert dict(facts.owners) == {("public", "a"): ""}
    assert dict(facts.domains) == {}


def test_foreign_tables_are_told_apart() -> None:
    facts = read_dump('CREATE FOREIGN TABLE public."Far ""away""" (\n    id integer\n)\nSERVER far;\n')

    assert facts.foreign == (("public", 'Far "away"'),)
    assert dict(facts.owners) == {}


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("text", Domain("text", not_null=False)),
        ("text NOT NULL;", Domain("text", not_null=True)),
        ("text CONSTRAINT \"no null\" NOT NULL DEFAULT 'NOT NULL'::text;", Domain("text", not_null=True)),
        ("text DEFAULT ' NOT NULL'::text", Domain("text", not_null=False)),
        ('character varying(20) COLLATE pg_catalog."C" NOT NULL', Domain("character varying(20)", not_null=True)),
        ('"S s"."D ""d"""[]', Domain('"S s"."D ""d"""[]', not_null=False)),
        ("text\n\tCONSTRAINT c CHECK ((VALUE IS NOT NULL));", Domain("text", not_null=False)),
    ],
)
def test_a_domain_is_read_down_to_its_type_and_whether_it_refuses_null(written: str, domain: Domain) -> None:
    assert read_dump(f"CREATE DOMAIN public.d AS {written}\n").domains["public", "d"] == domain


@pytest.mark.parametrize(
    ("key", "columns", "expression"),
    [
        ("email", ("email",), False),
        ('"E ""mail""" COLLATE "C" text_pattern_ops DESC NULLS LAST', ('E "mail"',), False),
        ("tenant, email DESC", ("tenant", "email"), False),
        ('"a,b", "x)"', ("a,b", "x)"), False),
        ("lower(email)", ("email",), True),
        ("lower((email)::text)", ("email",), True),
        ("tenant, lower(email)", ("tenant", "email"), True),
        ("((email || ', tenant'::text))", ("email",), True),
        ("COALESCE(tenant, 0), lower(lower)", ("tenant", "lower"), True),
    ],
)
def test_an_index_is_read_down_to_its_columns(key: str, columns: tuple[str, ...], expression: bool) -> None:
    assert read_index(WrittenIndex("public.i", key), COLUMNS) == UniqueIndex(columns, expression, "public.i")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("mood", ("public", "mood")),
        ("sales.mood", ("sales", "mood")),
        ('"Odd.x"."Mo""od"', ("Odd.x", 'Mo"od')),
        ('"Mo""od"', ("Odd.x", 'Mo"od')),
        ("mood[]", None),
        ("other.mood", None),
        ("numeric(10,2)", None),
    ],
)
def test_a_type_is_found_by_its_name_with_and_without_schema(name: str, found: tuple[str, str] | None) -> None:
    assert find_type(name, [("sales", "mood"), ("public", "mood"), ("Odd.x", 'Mo"od')]) == found


def test_a_dump_that_names_no_table_leaves_none_out() -> None:
    table = ApiTable("public", "people", (ApiColumn("email", "text", nullable=True, generated=False),), ())

    schema = api_schema("neondb", [table], read_dump(""))

    assert [t.qualified for t in schema.tables] == ["public.people"]
