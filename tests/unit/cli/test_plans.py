"""What `mend demo` and `mend up` decide to start, before anything is started."""

import socket
from pathlib import Path

import pytest

from cli.demo import demo_plan
from cli.up import missing_tokens, up_plan
from local import ports
from local.embedded import BOT_TOKEN, Chosen, admins, with_addresses
from local.ports import PortTaken
from settings import Settings


@pytest.fixture(autouse=True)
def _no_dotenv_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_demo_takes_no_token_or_address_from_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEND_SLACK__BOT_TOKEN", "xoxb-real")
    monkeypatch.setenv("MEND_DATABASE__URL", "postgresql://production/mend")
    monkeypatch.setenv("MEND_SERVING__URLS", '["http://gpu:8000"]')
    monkeypatch.setenv("MEND_SERVING__DEVICE", "cuda")
    settings = demo_plan(Settings(), tmp_path, 8300).settings
    assert settings.slack.bot_token.get_secret_value() == BOT_TOKEN
    assert settings.slack.api_url == "http://127.0.0.1:8300/api/"
    assert settings.slack.admins == admins() == ["U0ADA00001"]
    assert "production" not in settings.database.url
    assert settings.serving.device == "cpu" and settings.serving.urls[0].startswith("http://127.0.0.1:")
    assert str(settings.serving.port) in settings.serving.urls[0]
    assert settings.training.config.name == "smollm2-135m-cpu.yaml"


def test_everything_of_a_demo_lies_in_its_home(tmp_path: Path) -> None:
    plan = demo_plan(Settings(), tmp_path / "home", 8300)
    serving, training = plan.settings.serving, plan.settings.training
    for path in (plan.manifest, serving.base_model, serving.adapters_dir, training.runs_dir):
        assert path is not None and path.is_relative_to(tmp_path / "home")


def test_up_starts_what_has_no_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEND_DATABASE__URL", "postgresql://db/mend")
    plan = up_plan(Settings(), tmp_path)
    assert plan.chosen == Chosen(postgres=False, sandbox=False)
    assert plan.settings.database.url == "postgresql+psycopg://db/mend"
    assert plan.page is None


def test_up_leaves_a_model_and_its_servers_as_they_are_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEND_SERVING__URLS", '["http://gpu:8000"]')
    plan = up_plan(Settings(), tmp_path)
    assert not plan.chosen.vllm and not plan.chosen.small_model
    assert plan.settings.serving.urls == ["http://gpu:8000"]
    assert plan.settings.training.config.name == "qwen2.5-7b-instruct.yaml"


def test_up_serves_the_model_that_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEND_SERVING__BASE_MODEL", "/models/seven")
    plan = up_plan(Settings(), tmp_path)
    assert plan.chosen.vllm and not plan.chosen.small_model
    assert plan.settings.serving.base_model == Path("/models/seven")


def test_missing_tokens_say_where_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [line.split()[0] for line in missing_tokens(Settings())] == [
        "MEND_SLACK__BOT_TOKEN",
        "MEND_SLACK__APP_TOKEN",
    ]
    monkeypatch.setenv("MEND_SLACK__MODE", "http")
    monkeypatch.setenv("MEND_SLACK__BOT_TOKEN", "xoxb-1")
    (line,) = missing_tokens(Settings())
    assert line.startswith("MEND_SLACK__SIGNING_SECRET: ")


def test_a_taken_port_is_passed_over_or_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        assert ports.prefer(number) != number
        with pytest.raises(PortTaken, match=f"Port {number} is in use"):
            ports.require(number)
    assert ports.prefer(number) == number == ports.require(number)
    assert ports.require(0) > 0


def test_given_addresses_stay(tmp_path: Path) -> None:
    nothing = Chosen(**dict.fromkeys(vars(Chosen()), False))
    settings = Settings()
    same = with_addresses(settings, tmp_path, nothing, page_port=1, vllm_port=2)
    assert same == settings.model_copy(update={"home": tmp_path})
