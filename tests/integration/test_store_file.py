"""The file of the state store: modes, lock, concurrent use, upgrades."""

import multiprocessing
import os
import shutil
import stat
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from daemon.errors import StateLockedError, StateTooNewError
from daemon.model import Action
from daemon.records import Message
from daemon.store import migrate, open_store, tables
from tests.store_case import NOW, event, finding, report, run, write_events

# the file


def test_the_file_and_its_companions_are_readable_for_the_owner_alone(state_store, state_file):
    state_store.append_event(event(1), NOW)

    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in state_file.parent.iterdir()}

    assert dict.fromkeys(["state.db", "state.db-wal", "state.db-shm", "state.db.lock"], 0o600) == modes


def test_an_existing_file_that_others_can_read_is_closed_to_them(state_file):
    state_file.touch(mode=0o644)

    with open_store(state_file, exclusive=False):
        pass

    assert stat.S_IMODE(state_file.stat().st_mode) == 0o600


def test_the_migrations_make_what_the_tables_say(state_store):
    with state_store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})

        assert compare_metadata(context, tables.metadata) == []


def test_everything_is_there_after_reopening(state_file):
    with open_store(state_file, exclusive=True) as state_store:
        state_store.record_cycle(report((Action.FLAG, finding())), [event(1)], [Message("hi", (), "k1")], NOW)
        state_store.start_run(run())

    with open_store(state_file, exclusive=True) as state_store:
        assert (finding(),) == state_store.open_findings("p1")
        assert [e.sentence for e in state_store.read_events(10)] == ["Sentence 1."]
        assert [m.message.text for m in state_store.due_messages(NOW)] == ["hi"]
        assert (run(),) == state_store.unfinished_runs("p1")
        assert state_store.has_cycle("p1")
        assert not state_store.has_cycle("p2")


def test_a_second_instance_is_refused_and_told_the_pid_of_the_first(state_store, state_file):
    with (
        pytest.raises(StateLockedError, match=rf"pid {os.getpid()}\).*stop it first"),
        open_store(state_file, exclusive=True),
    ):
        pass


def test_a_reader_and_small_writer_opens_beside_the_daemon(state_store, state_file):
    with open_store(state_file, exclusive=False) as second:
        second.append_event(event(1), NOW)

    assert [e.sentence for e in state_store.read_events(10)] == ["Sentence 1."]


def test_a_killed_instance_leaves_no_lock_behind(state_file):
    code = (
        "import os, sys, pathlib; from daemon.store import open_store\n"
        "with open_store(pathlib.Path(sys.argv[1]), exclusive=True):\n    os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(state_file)], check=False)

    with open_store(state_file, exclusive=True) as state_store:
        assert state_store.read_events(10) == []
    assert killed.returncode == -9


def test_an_instance_that_is_killed_while_it_writes_leaves_all_or_nothing(state_file):
    code = (
        "import os, sys, pathlib; from datetime import UTC, datetime\n"
        "from daemon.records import Event; from daemon.store import open_store, chain\n"
        "with open_store(pathlib.Path(sys.argv[1]), exclusive=True) as state_store:\n"
        "    state_store.append_event(Event('a', None, None, 'kept'), datetime.now(UTC))\n"
        "    with state_store.engine.begin() as connection:\n"
        "        chain.append(connection, [Event('b', None, None, 'x' * 100)] * 1000, datetime.now(UTC))\n"
        "        os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(state_file)], check=False)

    with open_store(state_file, exclusive=True) as state_store:
        assert [e.sentence for e in state_store.read_events(10)] == ["kept"]
        assert state_store.verify_events().ok


def test_reading_goes_on_while_another_process_writes(state_store, state_file):
    context = multiprocessing.get_context("spawn")
    writer = context.Process(target=write_events, args=(state_file, 100))
    writer.start()
    counts = []
    while writer.is_alive():
        counts.append(len(state_store.read_events(1000)))
    writer.join()

    assert writer.exitcode == 0
    assert sorted(counts) == counts
    assert len(state_store.read_events(1000)) == 100


def test_writers_in_threads_and_other_processes_keep_the_chain_whole(state_store, state_file):
    other = multiprocessing.get_context("spawn").Process(target=write_events, args=(state_file, 50))
    threads = [threading.Thread(target=write_events, args=(state_file, 25)) for _ in range(2)]
    for writer in (other, *threads):
        writer.start()
    for writer in (other, *threads):
        writer.join()

    check = state_store.verify_events()

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


def test_an_old_file_is_upgraded_with_its_content(state_file, newer_scripts):
    with open_store(state_file, exclusive=True) as state_store:
        state_store.append_event(event(1), NOW)
        assert migrate.needs_upgrade(state_store.engine, str(newer_scripts))
        migrate.upgrade(state_store.engine, str(newer_scripts))

        columns = [column["name"] for column in sa.inspect(state_store.engine).get_columns("jobs")]
        assert "extra" in columns
        assert state_store.verify_events().count == 1
        assert not migrate.needs_upgrade(state_store.engine, str(newer_scripts))


def test_a_migration_that_fails_changes_nothing(state_file, newer_scripts):
    script = newer_scripts / "versions" / "r9999_next.py"
    script.write_text(script.read_text() + "    op.execute('SELECT no_such_function()')\n")
    with open_store(state_file, exclusive=True) as state_store:
        with pytest.raises(sa.exc.OperationalError):
            migrate.upgrade(state_store.engine, str(newer_scripts))

        columns = [column["name"] for column in sa.inspect(state_store.engine).get_columns("jobs")]
        assert "extra" not in columns
        assert not migrate.needs_upgrade(state_store.engine)


def test_a_newer_schema_is_refused(state_file, newer_scripts):
    with open_store(state_file, exclusive=True) as state_store:
        migrate.upgrade(state_store.engine, str(newer_scripts))

    with pytest.raises(StateTooNewError, match=r"newer branchwarden.*r9999"), open_store(state_file, exclusive=True):
        pass


def test_an_upgrade_never_happens_below_a_running_daemon(state_file):
    code = (
        "import sys, pathlib, time; from daemon.store import edge\n"
        "with edge.instance_lock(pathlib.Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(state_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StateLockedError, match=f"pid {holder.pid}"), open_store(state_file, exclusive=False):
            pass
        holder.stdin.close()
