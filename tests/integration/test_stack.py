"""All parts but the model server, started together; `mend demo` itself is in tests/e2e."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from cli import doctor
from cli.demo import demo_plan
from cli.here import settings_here
from local import home, ports, stack
from local.stack import Plan, Stopped
from settings import Settings


@pytest.fixture
def plan(base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plan]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEND_HOME", str(tmp_path / "home"))
    complete = demo_plan(Settings(), tmp_path / "home", ports.any_free())
    serving = complete.settings.serving.model_copy(update={"base_model": base_model})
    settings = complete.settings.model_copy(update={"serving": serving})
    yield replace(complete, settings=settings, chosen=replace(complete.chosen, vllm=False))
    home.forget(tmp_path / "home")


def test_everything_starts_answers_and_stops(plan: Plan) -> None:
    said: list[str] = []
    before = psutil.Process().children(recursive=True)  # the session's own servers
    with stack.running(plan, said.append):
        assert httpx.get(str(plan.page), trust_env=False).status_code == 200
        found = {one.about: one for one in doctor.examine(settings_here())}
        for about in ("PostgreSQL", "queue", "worker", "bot token", "scopes", "app token", "persona", "base model"):
            assert found[about].level == "ok", found[about]
        assert found[f"vLLM {plan.settings.serving.urls[0]}"].level == "fail"
        children = [child for child in psutil.Process().children(recursive=True) if child not in before]
        assert len(children) > 5
    assert all(any(title in line and "is ready after" in line for line in said) for title in ("PostgreSQL", "the bot"))
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
    assert home.published(plan.settings.home) is None


def test_a_killed_bot_and_worker_come_back(plan: Plan) -> None:
    said: list[str] = []
    with stack.running(plan, said.append) as supervisor:
        for name in ("bot", "worker"):
            os.kill(supervisor.pid(name), signal.SIGKILL)
        end = time.monotonic() + 60
        while not {"the bot is back.", "the worker (training) is back."} <= set(said):
            assert time.monotonic() < end, said
            time.sleep(0.1)


def test_a_start_can_be_stopped_at_any_time(plan: Plan) -> None:
    stop = threading.Event()

    def report(line: str) -> None:
        if "starting PostgreSQL" in line:
            stop.set()

    with pytest.raises(Stopped), stack.running(plan, report, stop):
        pytest.fail("it started although it was stopped")
    assert not [child for child in psutil.Process().children() if "postgres" in child.name()]


def test_tokens_are_left_out_of_what_others_may_read(plan: Plan) -> None:
    slack = plan.settings.slack.model_copy(update={"bot_token": type(plan.settings.slack.bot_token)("xoxb-real")})
    home.publish(plan.settings.model_copy(update={"slack": slack}))
    assert "xoxb-real" not in (plan.settings.home / home.RUNNING).read_text()
    assert settings_here().database.url == plan.settings.database.url
    home.unpublish(plan.settings.home)
