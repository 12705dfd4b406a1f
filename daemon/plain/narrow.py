"""The part of a masking policy that speaks of one database. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from daemon.policies import Place, without_foreign
from sanitizers.policy import MaskingPolicy
from sanitizers.rules import may_be_in
from sanitizers.schema import Schema

COLUMN, TABLE = 4, 3  # parts of a full name


def narrowed(policy: MaskingPolicy, schema: Schema, foreign: Sequence[Place] = ()) -> MaskingPolicy:
    """The policy without what it says of other databases, nor of foreign tables, whose rows are never taken."""
    name = schema.database
    policy = without_foreign(policy, (schema,), foreign)
    tables = tuple(rule for rule in policy.tables if may_be_in(rule.match, TABLE, name))
    columns = tuple(rule for rule in policy.columns if may_be_in(rule.match, COLUMN, name))
    links = tuple(link for link in policy.links if may_be_in(link.from_, COLUMN, name))
    databases = {own: tables_ for own, tables_ in policy.databases.items() if own == name}
    return policy.model_copy(update={"databases": databases, "tables": tables, "columns": columns, "links": links})
