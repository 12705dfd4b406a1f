"""A copy that was cut off and whose source changed meanwhile is one of the later state alone, whatever was there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sanitizers.errors import UnfinishedRunError
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import HARD_SCHEMA, PEOPLE, dump, make_case

MakeDatabase = Callable[[], TestDatabase]

HARD = HARD_SCHEMA.read_text(encoding="utf-8")
CHAIN = """
CREATE TABLE people (id int PRIMARY KEY, name text);
CREATE TABLE notes (id int PRIMARY KEY, person int REFERENCES people);
INSERT INTO people SELECT n, 'Somebody' FROM generate_series(1, 100) n;
INSERT INTO notes SELECT n, n FROM generate_series(1, 100) n;
CREATE TABLE fired (what text);
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO public.fired VALUES (TG_TABLE_NAME || TG_OP); RETURN NULL; END $$;
CREATE TRIGGER a AFTER INSERT ON people FOR EACH ROW EXECUTE FUNCTION fire();
CREATE TRIGGER b AFTER TRUNCATE ON notes EXECUTE FUNCTION fire();
"""


@pytest.mark.parametrize("step", ["clear", "load", "sequences", "constrain", "analyze", "triggers"])
def test_it_holds_the_later_rows_wherever_it_was_cut_off(make_database: MakeDatabase, step: str) -> None:
    case = make_case(make_database, HARD, PEOPLE)
    before = dump(case.target)
    case.give_up(step)

    report = case.copy()

    assert before == dump(case.target)
    assert report.anew
    assert case.verify().problems == ()


def test_no_row_of_the_earlier_state_stays_and_no_trigger_fires(make_database: MakeDatabase) -> None:
    case = make_case(make_database, CHAIN, {"public.people.name": "full_name"})
    case.give_up("triggers")
    # As after a crash between the last statement of the run and the last line of its journal.
    case.execute("ALTER TABLE people ENABLE TRIGGER a; UPDATE branchwarden_journal.obstacle SET state = 'restored'")
    case.execute("DELETE FROM notes WHERE id > 10; DELETE FROM people WHERE id > 20", of=case.source)

    case.copy()

    assert case.rows("SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM notes)") == [(20, 10)]
    assert case.rows("SELECT * FROM fired") == []
    assert case.rows("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1") == [
        ("a", "O"),
        ("b", "O"),
    ]


def test_a_target_that_somebody_works_with_is_left_alone(make_database: MakeDatabase) -> None:
    case = make_case(make_database, CHAIN, {"public.people.name": "full_name"})
    case.give_up("triggers")
    case.execute("INSERT INTO people VALUES (1000, 'theirs')")

    with pytest.raises(UnfinishedRunError, match=r"public\.people holds 101 rows .* put 100 there: somebody works"):
        case.copy()

    assert case.rows("SELECT count(*) FROM people") == [(101,)]
