"""More masked columns in one table than a SELECT can count at once."""

from __future__ import annotations

from collections.abc import Callable

from sanitizers.proof.witness import WitnessRun, witness_database
from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import make_rewrite_case
from tests.integration.stream_case import KEY, connector, make_case

WIDTH = 600
COLUMNS = [f"c{n}" for n in range(WIDTH)]
SCRIPT = f"""CREATE TABLE wide (id int PRIMARY KEY, {", ".join(f"{name} text" for name in COLUMNS)}, note text);
INSERT INTO wide (id, c0, c{WIDTH - 1}) VALUES (1, 'jane@corp.invalid', 'june@corp.invalid'), (2, 'staff-7', NULL)"""
STRATEGIES = {f"public.wide.{name}": {"strategy": "null", "keep_values": ["staff-*"]} for name in COLUMNS}
PLANT = "UPDATE wide SET note = 'june@corp.invalid' WHERE id = 1"
KEPT = "1 of 2 values of public.wide.c0 (keep_values 1)"


def test_the_clean_room_proves_each_of_six_hundred_masked_columns(make_database: Callable[[], TestDatabase]) -> None:
    case = make_case(make_database, SCRIPT, STRATEGIES)
    case.copy()
    clean = case.verify()
    case.execute(PLANT)

    name = case.plan.database
    assert (clean.problems, clean.rows, len(clean.columns)) == ((), 2, WIDTH)
    assert [str(column) for column in clean.kept] == [KEPT]
    assert case.verify().problems == (
        f"{name}.public.wide.note holds 1 original value of {name}.public.wide.c{WIDTH - 1}",
    )


def test_in_place_each_of_six_hundred_masked_columns_is_proven(database: TestDatabase) -> None:
    case = make_rewrite_case(database, SCRIPT, STRATEGIES)
    case.execute(PLANT)

    with witness_database(WitnessRun(connector(database), case.plan, KEY), lambda _: None) as witness:
        case.rewrite(look=witness.look)
        proof = witness.judge()

    name = case.plan.database
    assert [str(column) for column in proof.kept] == [KEPT]
    assert proof.problems == (f"{name}.public.wide.note holds 1 original value of {name}.public.wide.c{WIDTH - 1}",)
