"""The clean-room engine: rows are masked inside the source and streamed with COPY; no raw row reaches the target.

    compare → clear what stands in the way → load, several streams over one snapshot → rebuild → journal closed

Nothing is ever created in the source. What was taken away and what is filled stands in the journal of the target, so
a copy that was cut off is gone on with by another run of the same plan and key that finds the source as it was. Where
the source has changed meanwhile, all is copied once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace

from sanitizers.engines.anew import begin_anew, fill_emptied
from sanitizers.engines.journal import Filled, Journal, journal_purpose, journaled_source, open_journal
from sanitizers.engines.load import Loading, TableCopied, empty_again, table_name
from sanitizers.engines.obstacles import read_obstacles
from sanitizers.engines.preflight import preflight
from sanitizers.engines.rebuild import (
    Connect,
    analyze,
    await_others,
    copy_sequences,
    current_role,
    populated_matviews,
    put_back,
    refresh_matviews,
    take_away,
)
from sanitizers.engines.spread import spread
from sanitizers.engines.team import CopyRun, Team
from sanitizers.engines.units import cut
from sanitizers.explain import without_values
from sanitizers.plan import DatabasePlan, TablePlan
from sanitizers.track import Progress, Track

__all__ = ["Connect", "CopyReport", "CopyRun", "Progress", "TableCopied", "copy_database"]

TAKEN_AWAY = ("reference", "build", "whole", "key", "check", "validation", "trigger")
"""Kinds in the journal, in the order in which they are taken away: a foreign key needs the index of its other end."""


ABREAST = frozenset({"build", "whole", "validation"})
"""Kinds of which several are put back at the same time."""


@dataclass(frozen=True)
class CopyReport:
    """What was copied. `seconds` has the wall time of each step by name."""

    tables: tuple[TableCopied, ...]
    seconds: Mapping[str, float]
    anew: bool = False
    """Whether half a copy of an earlier state of the source was there, so that all was copied once more."""

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)


def copy_database(run: CopyRun, progress: Callable[[Progress], None]) -> CopyReport:
    """Copy every row of the source, masked, into the empty complete schema of the target, or finish such a copy.

    Raises:
        CatalogsDifferError: source, target and plan do not have the same tables; discard the target and try once more.
        UnfinishedRunError: the target holds half a copy by another plan or with another key, or rows of others.
        CopyFailedError: anything else; names the object, never a value. Run again, or discard the target.
    """
    track = Track(progress, run.stop)
    return without_values(track.about, lambda: _copy(run, track))


def _copy(run: CopyRun, track: Track) -> CopyReport:
    with ExitStack() as stack:
        team = Team(run, stack)
        track.step("compare", run.plan.database)
        begun = preflight(run.plan, team.source, team.target.own, run.allow_event_triggers)
        before, now = journaled_source(team.target.own), team.state()
        purpose = replace(journal_purpose("clean-room", run.plan, run.key, run.keyring), source=before or now)
        journal = open_journal(team.target.own, purpose)
        await_others(team.target.own)
        _clear(team, journal, track)
        if anew := before not in {None, now}:
            begin_anew(team, journal, run.plan.tables, track.step("begin anew"))
        if begun:
            fill_emptied(team, journal, track.say)
            empty_again(team.target, _missing(run.plan, journal))
        tables = _load(run, team, journal, track)
        copy_sequences(team.source, team.target, track.step("sequences"))
        populated = populated_matviews(team.source)
        team.release()
        _rebuild(team, journal, track)
        refresh_matviews(team.target, populated, track.step("refresh"))
        track.step("analyze")
        analyze(team.builders(len(tables)), track)
        track.step("triggers")
        _put_back(team, journal, "trigger", track)
        journal.close()
        return CopyReport(tables, track.finish(), anew)


def _clear(team: Team, journal: Journal, track: Track) -> None:
    say = track.step("clear")
    if not journal.saved:
        _save(team, journal)
    for kind in TAKEN_AWAY:
        entries = journal.entries(kind, "saved")
        take_away(team.target, entries[::-1] if kind == "check" else entries, say)


def _save(team: Team, journal: Journal) -> None:
    own = team.target.own
    groups = spread(own, read_obstacles(own))
    owners = {obstacle.owner for group in groups.values() for obstacle in group}
    journal.share(owners - {current_role(own)})
    journal.save(groups)


def _load(run: CopyRun, team: Team, journal: Journal, track: Track) -> tuple[TableCopied, ...]:
    track.step("load")
    units = cut(team.source, _missing(run.plan, journal), run.streams, run.piece)
    loading = Loading(units, run.protection, track)
    team.loaders(len(units)).work(units, loading.load)
    done = journal.done()
    nothing = {table_name(table): Filled(*table_name(table), 0) for table in run.plan.tables if table.empty}
    return tuple({**done, **nothing}[table_name(table)] for table in run.plan.tables)


def _missing(plan: DatabasePlan, journal: Journal) -> list[TablePlan]:
    """Tables that are still to be filled."""
    done = journal.done()
    return [table for table in plan.tables if not table.empty and table_name(table) not in done]


def _rebuild(team: Team, journal: Journal, track: Track) -> None:
    track.step("rebuild")
    for kind in ("build", "whole", "key"):
        _put_back(team, journal, kind, track)
    track.step("constrain")
    for kind in ("check", "reference", "validation"):
        _put_back(team, journal, kind, track)


def _put_back(team: Team, journal: Journal, kind: str, track: Track) -> None:
    entries = journal.entries(kind, "removed")
    abreast = len(entries) if kind in ABREAST else 1
    put_back(team.builders(abreast), entries, track)
