"""PostgreSQL and Valkey as parts of one machine: started, stopped, killed, and still knowing what they were told."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from feedback.database import Database, upgrade
from feedback.queue import connect
from local import accounts, home, pids, postgres, valkey
from local.home import HomeInUse
from local.processes import PartFailed, Supervisor

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "home"


def started(place: Path) -> Supervisor:
    supervisor = Supervisor(home.log_folder(place), print)
    cluster = postgres.prepare(place)
    supervisor.start(cluster.part())
    cluster.create_database()
    upgrade(cluster.url())
    supervisor.start(valkey.part(place))
    return supervisor


def count_up(place: Path) -> tuple[int, int]:
    """One more row, one more key: how many there are in each."""
    database = Database(postgres.locate(place).url())
    with database.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO deliveries (event_id) VALUES (gen_random_uuid())")
        rows = connection.exec_driver_sql("SELECT count(*) FROM deliveries").scalar_one()
    database.engine.dispose()
    with connect(valkey.url(place)) as redis:
        return rows, int(redis.incr("count"))  # type: ignore[arg-type]


def test_what_was_written_is_there_after_a_restart(place: Path) -> None:
    for expected in (1, 2):
        supervisor = started(place)
        assert count_up(place) == (expected, expected)
        supervisor.stop()
    assert not (postgres.locate(place).data / "postmaster.pid").exists(), "it was stopped cleanly"


def test_what_was_written_is_there_after_both_were_killed(place: Path) -> None:
    supervisor = started(place)
    assert count_up(place) == (1, 1)
    time.sleep(1.1)  # Valkey writes to disk once a second
    for name in ("postgres", "valkey"):
        os.kill(supervisor.pid(name), signal.SIGKILL)
    wait_for_return(place)
    assert count_up(place) == (2, 2)
    supervisor.stop()


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.integration.test_local_parts import count_up, started
supervisor = started(Path(sys.argv[1]))
print(*count_up(Path(sys.argv[1])), flush=True)
os.kill(supervisor._reaper.pid, 9)
os.kill(os.getpid(), 9)
"""


def test_the_next_start_after_a_kill_finds_no_orphan_and_all_data(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(place), str(ROOT)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["1", "1"], done.stderr
    time.sleep(1.1)
    orphans = pids.recorded(home.log_folder(place))
    assert [mark.name for mark in orphans] == ["postgres", "valkey"]
    supervisor = started(place)
    assert not any(pids.identity(mark.pid) == mark.identity for mark in orphans)
    assert count_up(place) == (2, 2)
    supervisor.stop()


def test_only_the_caller_can_open_the_sockets(place: Path) -> None:
    supervisor = started(place)
    for socket in (postgres.locate(place).socket_folder / postgres.SOCKET, place / "valkey" / valkey.SOCKET):
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    supervisor.stop()


def test_a_long_path_gets_its_sockets_elsewhere(place: Path) -> None:
    deep = place / ("d" * 60) / ("e" * 60)
    supervisor = started(deep)
    assert count_up(deep) == (1, 1)
    supervisor.stop()


def test_an_interrupted_first_start_does_not_spoil_the_second(place: Path) -> None:
    cluster = postgres.locate(place)
    unfinished = cluster.data.with_name(f"{cluster.data.name}.unfinished")
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18")
    started(place).stop()


def test_data_of_another_version_is_refused_and_kept(place: Path) -> None:
    cluster = postgres.prepare(place)
    (cluster.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(PartFailed, match="cannot read data made by version 17"):
        postgres.prepare(place)
    assert cluster.data.exists()


def test_forgetting_removes_what_was_taught_and_keeps_the_model(place: Path) -> None:
    (place / "model").mkdir(parents=True)
    started(place).stop()
    home.forget(place)
    assert {entry.name for entry in place.iterdir()} == {"model", "mend.lock"}


def test_a_folder_in_use_is_neither_shared_nor_forgotten(place: Path) -> None:
    with home.alone(place), pytest.raises(HomeInUse, match="A running Mend uses the folder"):
        home.forget(place)
    with home.alone(place):
        pass


def test_the_folder_stays_closed_and_postgresql_never_runs_as_root(place: Path) -> None:
    place.mkdir(mode=0o700)
    supervisor = started(place)
    assert count_up(place) == (1, 1)
    user, _ = accounts.unprivileged() or (os.geteuid(), os.getegid())  # none is looked for where nobody is root
    assert psutil.Process(supervisor.pid("postgres")).uids().effective == user != 0
    supervisor.stop()
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def wait_for_return(place: Path) -> None:
    end = time.monotonic() + 30
    part, queue = postgres.locate(place).part(), valkey.part(place)
    while not (part.ready(0) and queue.ready(0)):
        assert time.monotonic() < end
        time.sleep(0.1)
