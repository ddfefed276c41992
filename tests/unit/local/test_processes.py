"""The supervisor with small real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import pids
from local.processes import Part, PartFailed, Supervisor, describe, tail

STEADY = "import time; print('here', flush=True); time.sleep(600)"


def make_part(code: str = STEADY, *, name: str = "part", **changes: object) -> Part:
    values = {"name": name, "command": [sys.executable, "-c", code], "ready": lambda pid: True, "ready_timeout": 10}
    return Part(**{**values, **changes})  # type: ignore[arg-type]


def until(true: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    return pids.identity(pid) is not None


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path, said.append)
    yield supervisor
    supervisor.stop()


def test_output_goes_to_the_parts_own_log(supervisor: Supervisor) -> None:
    supervisor.start(make_part())
    until(lambda: "here" in supervisor.log("part").read_text())


def test_start_waits_until_the_part_is_ready(supervisor: Supervisor, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"import time, pathlib; time.sleep(0.5); pathlib.Path({str(mark)!r}).touch(); time.sleep(600)"
    supervisor.start(make_part(code, ready=lambda pid: mark.exists()))
    assert mark.exists()


def test_a_part_that_ends_at_once_says_why(supervisor: Supervisor) -> None:
    with pytest.raises(PartFailed, match=r"part ended while starting \(exit status 3\)[\s\S]*no such model"):
        supervisor.start(make_part("import sys; print('no such model'); sys.exit(3)", ready=lambda pid: False))


def test_a_part_that_is_never_ready_is_stopped(supervisor: Supervisor) -> None:
    with pytest.raises(PartFailed, match="was not ready after 0 s"):
        supervisor.start(make_part(ready=lambda pid: False, ready_timeout=0.3))
    assert not is_running(supervisor.pid("part"))


def test_a_program_that_is_not_there_says_so(supervisor: Supervisor) -> None:
    with pytest.raises(PartFailed, match="cannot be started"):
        supervisor.start(make_part(command=["/no/such/program"]))


def test_a_part_that_dies_is_started_again(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start(make_part(title="The part"))
    first = supervisor.pid("part")
    os.kill(first, signal.SIGKILL)
    until(lambda: any("is back" in line for line in said))
    assert supervisor.pid("part") != first and is_running(supervisor.pid("part"))
    assert "The part ended (killed by SIGKILL); it starts again in 1 s" in said[0]


def test_what_a_dead_part_had_started_dies_before_it_starts_again(supervisor: Supervisor, tmp_path: Path) -> None:
    child = tmp_path / "child"
    supervisor.start(make_part(parent_of(child), ready=lambda pid: child.exists()))
    orphan = int(child.read_text())
    os.kill(supervisor.pid("part"), signal.SIGKILL)
    until(lambda: not is_running(orphan))


def test_stop_ends_everything_in_reverse_order(supervisor: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    for name in ("first", "second"):
        supervisor.start(make_part(last_words(order, name), name=name, ready=lambda pid, n=name: said_hello(order, n)))
    started = [supervisor.pid("first"), supervisor.pid("second")]
    supervisor.stop()
    assert [line for line in order.read_text().split() if line.startswith("bye")] == ["bye-second", "bye-first"]
    assert not any(map(is_running, started))
    assert not pids.recorded(tmp_path)


def test_a_part_that_ignores_the_signal_is_killed_with_its_children(supervisor: Supervisor, tmp_path: Path) -> None:
    child = tmp_path / "child"
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {parent_of(child, own_session=True)}"
    supervisor.start(make_part(deaf, ready=lambda pid: child.exists(), stop_timeout=0.3))
    parent, grown_up = supervisor.pid("part"), int(child.read_text())
    supervisor.stop()
    assert not is_running(parent) and not is_running(grown_up)


def test_nothing_starts_after_stop(supervisor: Supervisor) -> None:
    supervisor.stop()
    with pytest.raises(PartFailed, match="everything is being stopped"):
        supervisor.start(make_part())


KILLED = """
import os, sys
from pathlib import Path
from local.processes import Part, Supervisor
supervisor = Supervisor(Path(sys.argv[1]), print)
sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
supervisor.start(Part(name="part", command=sleeper, ready=lambda pid: True))
print(supervisor.pid("part"), supervisor._reaper.pid, flush=True)
if sys.argv[2] == "with-reaper":
    os.kill(supervisor._reaper.pid, 9)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("reaper", ["alone", "with-reaper"])
def test_nothing_is_left_of_a_supervisor_that_was_killed(tmp_path: Path, reaper: str, said: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), reaper], capture_output=True, text=True, check=False
    )
    part = int(done.stdout.split()[0])
    if reaper == "with-reaper":
        assert is_running(part)
        Supervisor(tmp_path, said.append).stop()
        assert said == ["Stopped part, left over from a run that was killed."]
    until(lambda: not is_running(part))


def test_a_stranger_with_a_remembered_id_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", STEADY], start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        earlier = (pids.identity(stranger.pid) or "") + "0"  # the same boot, another start time
        pids.remember(tmp_path, pids.Mark("part", stranger.pid, earlier, signal.SIGTERM, 1))
        assert pids.stop_recorded(tmp_path) == []
        assert stranger.poll() is None
        assert not list(tmp_path.glob("*.pid"))
    finally:
        stranger.kill()
        stranger.wait()


def test_an_unreadable_mark_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "part.pid").write_text("12")
    assert pids.recorded(tmp_path) == []
    assert not list(tmp_path.iterdir())


def test_exit_statuses_and_tails_are_readable(tmp_path: Path) -> None:
    assert (describe(-9), describe(2)) == ("killed by SIGKILL", "exit status 2")
    log = tmp_path / "log"
    log.write_bytes("\n".join(f"line {n}" for n in range(50)).encode() + b"\n\xff")
    assert tail(log, 3).splitlines() == ["    line 48", "    line 49", "    �"]
    assert tail(tmp_path / "none") == ""


def parent_of(child: Path, *, own_session: bool = False) -> str:
    """A program that starts a child, and writes the child's id when it runs."""
    return (
        "import subprocess, sys, time, pathlib; sleeper = [sys.executable, '-c', 'import time; time.sleep(600)']; "
        f"p = subprocess.Popen(sleeper, start_new_session={own_session}); "
        f"f = pathlib.Path({str(child)!r}); t = f.with_suffix('.part'); t.write_text(str(p.pid)); t.rename(f); "
        "time.sleep(600)"
    )


def last_words(order: Path, name: str) -> str:
    """A program that says hello and, on SIGTERM, bye."""
    return (
        "import signal, sys, time\n"
        f"def say(word):\n    open({str(order)!r}, 'a').write(word + '-{name}\\n')\n"
        "def bye(*_):\n    say('bye'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, bye); say('hello'); time.sleep(600)"
    )


def said_hello(order: Path, name: str) -> bool:
    return order.exists() and f"hello-{name}" in order.read_text()
