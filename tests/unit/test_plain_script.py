"""A schema-only dump is taken apart: what must succeed, what may fail, what never reaches a target."""

import pytest

from daemon.plain.script import entries, read_script, subject_of

DUMP = r"""--
-- PostgreSQL database dump
--

\restrict abc

SET transaction_timeout = 0;
SET row_security = off;

--
-- Name: it's; Type: SCHEMA; Schema: -; Owner: me
--

CREATE SCHEMA "public";


ALTER SCHEMA "public" OWNER TO "me";

CREATE FUNCTION "public"."f"() RETURNS "text"
    LANGUAGE "sql"
    AS $$ SELECT '
GRANT ALL ON TABLE x TO y;
CREATE SCHEMA no;
' $$;


CREATE FUNCTION "public"."g"() RETURNS integer
    LANGUAGE "sql"
    BEGIN ATOMIC
 SELECT 1;
END;


COMMENT ON FUNCTION "public"."f"() IS 'one
ALTER TABLE t OWNER TO you;
two';

CREATE USER MAPPING FOR "q" SERVER "far" OPTIONS (
    password 'secret;word'
);


CREATE EVENT TRIGGER "loud" ON ddl_command_end
   EXECUTE FUNCTION "public"."f"();


ALTER EVENT TRIGGER "loud" OWNER TO "me";

GRANT SELECT("a;b") ON TABLE "public"."t" TO "q";

ALTER DEFAULT PRIVILEGES FOR ROLE "r" IN SCHEMA "public" GRANT SELECT ON TABLES TO "q";

\unrestrict abc
"""


def test_owners_and_privileges_may_fail_and_keep_their_order() -> None:
    script = read_script(DUMP)

    assert script.optional == (
        'ALTER SCHEMA "public" OWNER TO "me";',
        'GRANT SELECT("a;b") ON TABLE "public"."t" TO "q";',
        'ALTER DEFAULT PRIVILEGES FOR ROLE "r" IN SCHEMA "public" GRANT SELECT ON TABLES TO "q";',
    )


def test_user_mappings_event_triggers_and_psqls_own_lines_are_left_out() -> None:
    script = read_script(DUMP)

    assert "secret" not in script.required + "".join(script.optional)
    assert "EVENT TRIGGER" not in script.required
    assert script.event_triggers == ('"loud"',)
    assert "restrict" not in script.required
    assert "transaction_timeout" not in script.required
    assert "SET row_security = off;" in script.required


def test_lines_inside_of_bodies_and_comments_are_no_statements() -> None:
    required = read_script(DUMP).required

    assert "GRANT ALL ON TABLE x TO y;\nCREATE SCHEMA no;" in required
    assert "'one\nALTER TABLE t OWNER TO you;\ntwo'" in required
    assert " SELECT 1;\nEND;" in required
    assert 'CREATE SCHEMA IF NOT EXISTS "public";' in required


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ('ALTER TABLE "a"."b" OWNER TO "me";', '"me"'),
        ('GRANT SELECT ON TABLE "t" TO "q" WITH GRANT OPTION;', '"q"'),
        ('REVOKE ALL ON TABLE "t" FROM "q";', '"q"'),
        ("COMMENT ON EXTENSION \"x\" IS 'y';", 'the comment on EXTENSION "x"'),
        ('COMMENT ON SCHEMA "a""b c" IS \'Comes FROM crm;\';', 'the comment on SCHEMA "a""b c"'),
        ('SECURITY LABEL FOR "p" ON TABLE "t" IS \'goes TO bob;\';', "a publication or a label"),
    ],
)
def test_what_a_statement_speaks_of_is_a_role_or_an_object_and_no_literal(statement: str, words: str) -> None:
    assert subject_of(statement) == words


def test_headings_part_a_script_into_objects_and_those_within_literals_do_not() -> None:
    heading = "--\n-- Name: {}; Type: {}; Schema: -; Owner: -\n--\n\n"
    text = (
        "SET row_security = off;\n\n"
        + heading.format("hstore", "EXTENSION")
        + "CREATE EXTENSION IF NOT EXISTS hstore\n  WITH SCHEMA public;\n\n\n"
        + heading.format("CAST (integer AS bytea)", "CAST")
        + "CREATE CAST (integer AS bytea) WITH INOUT;\n\nCOMMENT ON TABLE t IS '\n"
        + heading.format("never", "TABLE")
        + "';\n"
    )

    found = list(entries(text))

    assert [entry.name for entry in found] == ["", "EXTENSION hstore", "CAST (integer AS bytea)"]
    assert "".join(entry.text for entry in found) == text
    assert found[1].statement == "CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public"
