"""The state store on a real SQLite file."""

import multiprocessing
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from daemon.errors import StateError, StateLockedError, StateTooNewError
from daemon.model import Action, Decision, Exemption, Finding, LedgerEntry, Outcome, Report, Severity
from daemon.records import Event, Message, RunStep, SanitizeRun
from daemon.store import Store, edge, migrate, open_store, tables

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.db"


@pytest.fixture
def store(path):
    with open_store(path, exclusive=True) as opened:
        yield opened


def event(number, project_id="p1"):
    return Event("branch-flagged", project_id, f"br-{number}", f"Sentence {number}.", {"number": number})


def finding(rule="raw-dev-branch", branch_id="br-1", first_seen=NOW, days=7, sentence="holds production rows"):
    deadline = first_seen + timedelta(days=days)
    return Finding("p1", rule, branch_id, f"dev/{branch_id}", Severity.HIGH, sentence, first_seen, deadline)


def report(*decided, at=NOW, unknowns=()):
    outcomes = tuple(Outcome(Decision(action, found, "because"), done=True) for action, found in decided)
    return Report("p1", "shop", at, at, (), outcomes, unknowns)


def run(run_id="run-1", **fields):
    row = {"id": run_id, "project_id": "p1", "mode": "clean-room", "trigger": "manual", "step": RunStep.STARTED}
    return SanitizeRun(**{**row, "started_at": NOW, "updated_at": NOW, **fields})


def tamper(path, *statements):
    """Edit the log as somebody with an SQLite shell would."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER IF EXISTS events_no_update")
        connection.execute("DROP TRIGGER IF EXISTS events_no_delete")
        for statement in statements:
            connection.execute(statement)
    connection.close()


# the file


def test_the_file_and_its_companions_are_readable_for_the_owner_alone(store, path):
    store.append_event(event(1), NOW)

    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}

    assert dict.fromkeys(["state.db", "state.db-wal", "state.db-shm", "state.db.lock"], 0o600) == modes


def test_an_existing_file_that_others_can_read_is_closed_to_them(path):
    path.touch(mode=0o644)

    with open_store(path, exclusive=False):
        pass

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_migrations_make_what_the_tables_say(store):
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})

        assert compare_metadata(context, tables.metadata) == []


def test_everything_is_there_after_reopening(path):
    with open_store(path, exclusive=True) as store:
        store.record_cycle(report((Action.FLAG, finding())), [event(1)], [Message("hi", (), "k1")], NOW)
        store.start_run(run())

    with open_store(path, exclusive=True) as store:
        assert (finding(),) == store.open_findings("p1")
        assert [e.sentence for e in store.read_events(10)] == ["Sentence 1."]
        assert [m.message.text for m in store.due_messages(NOW)] == ["hi"]
        assert (run(),) == store.unfinished_runs("p1")
        assert store.has_cycle("p1")
        assert not store.has_cycle("p2")


def test_a_second_instance_is_refused_and_told_the_pid_of_the_first(store, path):
    with (
        pytest.raises(StateLockedError, match=rf"pid {os.getpid()}\).*stop it first"),
        open_store(path, exclusive=True),
    ):
        pass


def test_a_reader_and_small_writer_opens_beside_the_daemon(store, path):
    with open_store(path, exclusive=False) as second:
        second.append_event(event(1), NOW)

    assert [e.sentence for e in store.read_events(10)] == ["Sentence 1."]


def test_a_killed_instance_leaves_no_lock_behind(path):
    code = (
        "import os, sys, pathlib; from daemon.store import open_store\n"
        "with open_store(pathlib.Path(sys.argv[1]), exclusive=True):\n    os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False)

    with open_store(path, exclusive=True) as store:
        assert store.read_events(10) == []
    assert killed.returncode == -9


def test_an_instance_that_is_killed_while_it_writes_leaves_all_or_nothing(path):
    code = (
        "import os, sys, pathlib; from datetime import UTC, datetime\n"
        "from daemon.records import Event; from daemon.store import open_store, chain\n"
        "with open_store(pathlib.Path(sys.argv[1]), exclusive=True) as store:\n"
        "    store.append_event(Event('a', None, None, 'kept'), datetime.now(UTC))\n"
        "    with store.engine.begin() as connection:\n"
        "        chain.append(connection, [Event('b', None, None, 'x' * 100)] * 1000, datetime.now(UTC))\n"
        "        os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)

    with open_store(path, exclusive=True) as store:
        assert [e.sentence for e in store.read_events(10)] == ["kept"]
        assert store.verify_events().ok


def test_reading_goes_on_while_another_process_writes(store, path):
    context = multiprocessing.get_context("spawn")
    writer = context.Process(target=write_events, args=(path, 100))
    writer.start()
    counts = []
    while writer.is_alive():
        counts.append(len(store.read_events(1000)))
    writer.join()

    assert writer.exitcode == 0
    assert sorted(counts) == counts
    assert len(store.read_events(1000)) == 100


def write_events(path, count):
    with open_store(path, exclusive=False) as store:
        for number in range(count):
            store.append_event(event(number), NOW)


def test_writers_in_threads_and_other_processes_keep_the_chain_whole(store, path):
    other = multiprocessing.get_context("spawn").Process(target=write_events, args=(path, 50))
    threads = [threading.Thread(target=write_events, args=(path, 25)) for _ in range(2)]
    for writer in (other, *threads):
        writer.start()
    for writer in (other, *threads):
        writer.join()

    check = store.verify_events()

    assert (check.ok, check.count) == (True, 100)


# upgrading


@pytest.fixture
def newer_scripts(tmp_path):
    """The migrations with one more revision, as the next version would bring it."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.SCRIPTS, folder)
    body = "from alembic import op\nrevision='r9999'\ndown_revision='r0001'\ndef upgrade():\n"
    body += "    op.execute('ALTER TABLE jobs ADD COLUMN extra TEXT')\n"
    (folder / "versions" / "r9999_next.py").write_text(body)
    return folder


def test_an_old_file_is_upgraded_with_its_content(path, newer_scripts):
    with open_store(path, exclusive=True) as store:
        store.append_event(event(1), NOW)
        assert migrate.needs_upgrade(store.engine, str(newer_scripts))
        migrate.upgrade(store.engine, str(newer_scripts))

        columns = [column["name"] for column in sa.inspect(store.engine).get_columns("jobs")]
        assert "extra" in columns
        assert store.verify_events().count == 1
        assert not migrate.needs_upgrade(store.engine, str(newer_scripts))


def test_a_migration_that_fails_changes_nothing(path, newer_scripts):
    script = newer_scripts / "versions" / "r9999_next.py"
    script.write_text(script.read_text() + "    op.execute('SELECT no_such_function()')\n")
    with open_store(path, exclusive=True) as store:
        with pytest.raises(sa.exc.OperationalError):
            migrate.upgrade(store.engine, str(newer_scripts))

        columns = [column["name"] for column in sa.inspect(store.engine).get_columns("jobs")]
        assert "extra" not in columns
        assert not migrate.needs_upgrade(store.engine)


def test_a_newer_schema_is_refused(path, newer_scripts):
    with open_store(path, exclusive=True) as store:
        migrate.upgrade(store.engine, str(newer_scripts))

    with pytest.raises(StateTooNewError, match=r"newer branchwarden.*r9999"), open_store(path, exclusive=True):
        pass


def test_an_upgrade_never_happens_below_a_running_daemon(path):
    code = (
        "import sys, pathlib, time; from daemon.store import edge\n"
        "with edge.instance_lock(pathlib.Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StateLockedError, match=f"pid {holder.pid}"), open_store(path, exclusive=False):
            pass
        holder.stdin.close()


# a store that cannot be used


def open_fails(path):
    with pytest.raises(StateError) as caught, open_store(path, exclusive=True):
        pass
    message = str(caught.value)
    assert message.startswith(f"State store {path}: ")
    assert "\n" not in message
    return message


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    assert "the folder" in open_fails(tmp_path / "missing" / "state.db")


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").touch()

    assert "the folder" in open_fails(tmp_path / "file" / "state.db")


def test_a_path_that_is_a_folder_is_refused(tmp_path):
    assert "Is a directory" in open_fails(tmp_path)


def test_a_file_that_is_no_database_is_refused(path):
    path.write_bytes(b"hello, I am a diary" * 100)

    assert "not an SQLite database" in open_fails(path)


def test_a_database_of_another_program_is_left_alone(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()

    assert "another program" in open_fails(path)


def test_a_damaged_file_is_said_to_be_damaged(path):
    with open_store(path, exclusive=True) as store:
        for number in range(200):
            store.append_event(event(number), NOW)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))

    with pytest.raises(StateError, match="damaged"):
        write_events(path, 1)


def test_a_full_database_is_said_to_be_full_and_keeps_what_it_had(store):
    store.append_event(event(1), NOW)

    @sa.event.listens_for(store.engine, "begin")
    def shrink(connection):
        connection.exec_driver_sql("PRAGMA max_page_count = 1")

    with pytest.raises(StateError, match="disk is full"):
        store.append_event(Event("long", None, None, "x" * 100_000), NOW)
    assert store.verify_events().ok


def test_a_disk_that_takes_no_more_bytes_is_one_sentence(path):
    with open_store(path, exclusive=True):
        pass

    failed = multiprocessing.get_context("spawn").Pool(1)
    with failed as pool:
        message = pool.apply(write_under_a_limit, (path,))

    assert "the disk" in message


def write_under_a_limit(path):
    """Write until the kernel refuses; the limit holds for root as well."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        write_events(path, 1000)
    except StateError as error:
        return str(error)
    return "it went through"


@pytest.fixture
def read_only_folder():
    """Root may write anything, so root is put aside; tmp_path is closed to others, hence a folder of our own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_folder_that_cannot_be_written_is_one_sentence(read_only_folder):
    assert "Permission denied; check the folder" in open_fails(read_only_folder / "state.db")


def test_a_store_that_became_read_only_is_one_sentence(store):
    @sa.event.listens_for(store.engine, "begin")
    def freeze(connection):
        connection.exec_driver_sql("PRAGMA query_only = ON")

    with pytest.raises(StateError, match="cannot be written"):
        store.heartbeat(NOW)


def test_a_file_that_another_process_never_lets_go_of_is_one_sentence(path, monkeypatch):
    monkeypatch.setattr(edge, "BUSY_TIMEOUT_MS", 50)
    with open_store(path, exclusive=True) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StateError, match="another process holds it"):
            store.heartbeat(NOW)
        assert store.last_heartbeat() is None
        other.close()


# events


def test_events_come_back_as_they_were_written_and_the_newest_are_the_default(store):
    for number in range(5):
        store.append_event(event(number, f"p{number % 2}"), NOW + number * HOUR)

    assert [e.data["number"] for e in store.read_events(2)] == [3, 4]
    assert [e.data["number"] for e in store.read_events(2, after_id=2)] == [2, 3]
    assert [e.data["number"] for e in store.read_events(10, project_id="p0")] == [0, 2, 4]
    assert store.read_events(10, kind="other") == []
    assert store.read_events(1)[0].at == NOW + 4 * HOUR


def test_sqlite_itself_refuses_to_edit_or_delete_an_event(store):
    store.append_event(event(1), NOW)

    for statement in ("UPDATE events SET sentence = 'x'", "DELETE FROM events"):
        with pytest.raises(sa.exc.IntegrityError, match="append-only"), store.engine.begin() as connection:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statements", "first_bad"),
    [
        (["UPDATE events SET sentence = 'Nothing.' WHERE id = 3"], 3),
        (["UPDATE events SET data = '{\"number\":4}' WHERE id = 3"], 3),
        (["UPDATE events SET data = 'rubbish' WHERE id = 3"], 3),
        (["UPDATE events SET branch_id = NULL WHERE id = 3"], 3),
        (["UPDATE events SET at = '2026-05-04T12:00:01.000000+00:00' WHERE id = 3"], 3),
        (["DELETE FROM events WHERE id = 3"], 4),
        (["DELETE FROM events WHERE id = 1"], 2),
        (["DELETE FROM events WHERE id = 5"], 5),
        (["DELETE FROM events"], 1),
        (
            ["INSERT INTO events SELECT 6, at, kind, NULL, NULL, sentence, data, digest FROM events LIMIT 1"],
            6,
        ),
        (
            [
                "UPDATE events SET id = 99 WHERE id = 2",
                "UPDATE events SET id = 2 WHERE id = 3",
                "UPDATE events SET id = 3 WHERE id = 99",
            ],
            2,
        ),
    ],
    ids=["sentence", "data", "unreadable", "null", "time", "middle", "first", "last", "all", "inserted", "swapped"],
)
def test_verification_finds_the_first_row_that_is_not_as_written(store, path, statements, first_bad):
    for number in range(1, 6):
        store.append_event(event(number), NOW)
    assert store.verify_events().ok

    tamper(path, *statements)

    check = store.verify_events()
    assert (False, first_bad) == (check.ok, check.first_bad_id)


def test_the_head_digest_changes_with_every_event_and_an_empty_log_is_whole(store):
    assert store.verify_events().ok
    digests = [store.verify_events().head_digest]
    for number in range(3):
        store.append_event(event(number), NOW)
        digests.append(store.verify_events().head_digest)

    assert len(set(digests)) == 4


def test_a_branch_name_that_is_not_even_unicode_can_be_recorded(store):
    data = MappingProxyType({"name": "\ud800", "nested": MappingProxyType({})})
    store.append_event(Event("seen", "p\ud800", "br-1", "Branch \ud800 \x00 'x'.", data), NOW)

    assert store.verify_events().ok
    assert store.read_events(1)[0].sentence == "Branch ? \x00 'x'."


# cycles


def test_a_finding_keeps_its_first_moment_and_deadline_over_cycles(store):
    store.record_cycle(report((Action.FLAG, finding())), [], [], NOW)
    later = finding(first_seen=NOW + HOUR, sentence="still holds production rows")

    store.record_cycle(report((Action.KEEP, later), at=NOW + HOUR), [], [], NOW + HOUR)

    assert (finding(sentence="still holds production rows"),) == store.open_findings("p1")


def test_a_resolved_finding_that_returns_is_a_new_one(store):
    store.record_cycle(report((Action.FLAG, finding())), [], [], NOW)
    store.record_cycle(report((Action.RESOLVE, finding())), [], [], NOW)
    assert store.open_findings("p1") == ()

    again = finding(first_seen=NOW + HOUR)
    store.record_cycle(report((Action.FLAG, again)), [], [], NOW + HOUR)

    assert (again,) == store.open_findings("p1")


def test_an_exemption_hides_a_finding_and_its_end_brings_it_back_with_a_new_deadline(store):
    store.record_cycle(report((Action.FLAG, finding())), [], [], NOW)
    store.record_cycle(report((Action.EXEMPT, finding())), [], [], NOW)
    assert store.open_findings("p1") == ()

    month = NOW + timedelta(days=30)
    store.record_cycle(report((Action.FLAG, finding(first_seen=month))), [], [], month)

    (found,) = store.open_findings("p1")
    assert (NOW, month + timedelta(days=7)) == (found.first_seen, found.deadline)


def test_an_exempted_finding_that_is_gone_does_not_lend_its_age_to_the_next(store):
    store.record_cycle(report((Action.EXEMPT, finding())), [], [], NOW)
    store.record_cycle(report(unknowns=("roles of dev/br-1",)), [], [], NOW)
    store.record_cycle(report(), [], [], NOW)

    again = finding(first_seen=NOW + HOUR)
    store.record_cycle(report((Action.FLAG, again)), [], [], NOW + HOUR)

    assert (again,) == store.open_findings("p1")


def test_a_cycle_that_cannot_be_recorded_whole_is_not_recorded_at_all(store):
    bad = Message("hi", ({"number": float("nan")},), "k1")

    with pytest.raises(sa.exc.StatementError):
        store.record_cycle(report((Action.FLAG, finding())), [event(1)], [bad], NOW)

    assert store.open_findings("p1") == ()
    assert store.read_events(10) == []
    assert not store.has_cycle("p1")


def test_exemptions_hold_until_their_end_and_leave_events(store):
    exemption = Exemption("p1", "br-1", "dev/ann", NOW + HOUR, "needed for the audit", NOW)
    store.add_exemption(exemption, NOW)

    assert (exemption,) == store.active_exemptions("p1", NOW)
    assert store.active_exemptions("p1", NOW + HOUR) == ()
    assert store.active_exemptions("p2", NOW) == ()
    assert store.remove_exemption("p1", "br-1", NOW)
    assert not store.remove_exemption("p1", "br-1", NOW)
    assert store.active_exemptions("p1", NOW) == ()
    assert [e.kind for e in store.read_events(10)] == ["exemption.added", "exemption.removed"]


# the ledger


def test_a_run_goes_through_its_steps_and_becomes_a_ledger_entry(store):
    store.start_run(run())
    store.advance_run("run-1", RunStep.SEALED, NOW + HOUR, target_branch_id="br-9", acl={"shop": "{=Tc/owner}"})
    store.advance_run("run-1", RunStep.VERIFIED, NOW + HOUR, verified_at=NOW + HOUR, proof={"rows": 7})
    assert [r.step for r in store.unfinished_runs("p1")] == [RunStep.VERIFIED]
    assert store.published("p1") == ()

    told = {"events": [event(1)], "messages": [Message("published", (), "k1")]}
    store.advance_run("run-1", RunStep.PUBLISHED, NOW + HOUR, **told, target_name="staging", policy_digest="abc")

    assert store.unfinished_runs("p1") == ()
    assert (LedgerEntry("run-1", "p1", "br-9", "staging", NOW + HOUR, "abc"),) == store.published("p1")
    found = store.get_run("run-1")
    assert [m.message.text for m in store.list_outbox()] == ["published"]
    assert [e.sentence for e in store.read_events(10)] == ["Sentence 1."]
    assert (found.proof, found.acl) == ({"rows": 7}, {"shop": "{=Tc/owner}"})


def test_the_ledger_lists_the_newest_run_of_every_branch_that_is_left(store):
    for number, branch in enumerate(["br-1", "br-2", "br-1", "br-3"], 1):
        at = NOW + number * HOUR
        fields = {"target_branch_id": branch, "target_name": "staging", "verified_at": at, "started_at": at}
        store.start_run(run(f"run-{number}", step=RunStep.PUBLISHED, **fields))

    store.mark_superseded("run-2", "staging-old", NOW)
    store.mark_deleted("run-4", NOW)

    assert [(e.run_id, e.branch_name) for e in store.published("p1")] == [
        ("run-3", "staging"),
        ("run-2", "staging-old"),
    ]
    assert [r.id for r in store.list_runs("p1")] == ["run-4", "run-3", "run-2", "run-1"]


def test_a_run_that_ended_takes_no_further_step(store):
    store.start_run(run(step=RunStep.FAILED))

    with pytest.raises(StateError, match="already failed"):
        store.advance_run("run-1", RunStep.PUBLISHED, NOW, events=[event(1)])
    assert store.read_events(10) == []
    with pytest.raises(StateError, match="No sanitize run run-2"):
        store.advance_run("run-2", RunStep.SEALED, NOW)
    with pytest.raises(StateError, match="No sanitize run run-2"):
        store.mark_deleted("run-2", NOW)
    assert store.get_run("run-2") is None


# jobs


def test_a_job_remembers_its_last_success_through_later_errors(store):
    store.start_job("cycle", NOW)
    store.record_job("cycle", True, "", NOW + HOUR)
    store.record_job("cycle", False, "Neon did not answer.", NOW + 2 * HOUR)

    state = store.job_state("cycle")

    assert (state.last_start, state.last_end, state.last_success) == (NOW, NOW + 2 * HOUR, NOW + HOUR)
    assert state.last_error == "Neon did not answer."
    assert store.job_state("other").last_start is None


def test_the_heartbeat_is_the_last_one(store):
    assert store.last_heartbeat() is None
    store.heartbeat(NOW)
    store.heartbeat(NOW + HOUR)

    assert store.last_heartbeat() == NOW + HOUR


def test_a_moment_without_a_time_zone_is_refused(store):
    with pytest.raises(sa.exc.StatementError, match="time zone"):
        store.heartbeat(datetime(2026, 5, 4))  # noqa: DTZ001  that is the point


def test_the_store_is_what_the_package_says(store):
    assert isinstance(store, Store)
    assert Path(store.path).exists()
