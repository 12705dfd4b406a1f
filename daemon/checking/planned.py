"""What the masking policy makes of the databases of a branch, as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import psycopg

from daemon.errors import DatabaseUnreachableError, StoppedError
from daemon.plain.outlook import FOREIGN_TABLES
from daemon.policies import Place, draft_policy, unnamed, without_foreign
from daemon.progress import Watch
from sanitizers.errors import CopyFailedError
from sanitizers.explain import without_values
from sanitizers.plan import DatabasePlan
from sanitizers.policy import MaskingPolicy
from sanitizers.schema import Schema, read_schema

Connector = Callable[[str | None], psycopg.Connection]


@dataclass(frozen=True)
class Planned:
    """A plan of each database, in their order; None where the policy does not fit all of them."""

    plans: Sequence[DatabasePlan | None]
    decided: bool = False
    """Whether the policy fits and names each foreign table."""
    problems: tuple[str, ...] = ()
    """Why it does not fit, a sentence each."""
    schemas: tuple[Schema, ...] = ()


def plan_databases(connects: Sequence[Connector], policy: MaskingPolicy | None) -> Planned:
    """Read the schemas and compile. Raises CopyFailedError where a server does not show them."""
    if policy is None:
        return Planned([None] * len(connects))
    layouts = [without_values(lambda: "reading the schema", partial(_read, connect)) for connect in connects]
    schemas = tuple(schema for schema, _ in layouts)
    foreign = [place for _, places in layouts for place in places]
    draft = draft_policy(schemas, without_foreign(policy, schemas, foreign))
    if draft.plan is None:
        return Planned([None] * len(connects), problems=tuple(draft.problems), schemas=schemas)
    return Planned(draft.plan.databases, not any(unnamed(policy, foreign)), schemas=schemas)


@contextmanager
def looking(watch: Watch) -> Iterator[None]:
    """A server that does not answer, as an error of ours. Raises StoppedError where that was asked for."""
    try:
        yield
    except CopyFailedError as error:
        if watch.stop.is_set():
            raise StoppedError("stopped on request\nNothing was changed.") from None
        raise DatabaseUnreachableError(str(error)) from None


def _read(connect: Connector) -> tuple[Schema, list[Place]]:
    with connect(None) as conn:
        return read_schema(conn), conn.execute(FOREIGN_TABLES).fetchall()
