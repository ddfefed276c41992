"""Settings travel between processes as environment variables, and a misspelt one is named."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from settings import Settings, SlackSettings, unknown_variables, variable_names


@pytest.fixture(autouse=True)
def _away_from_any_dotenv_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_settings_come_back_from_their_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Settings(
        home=Path("/srv/mend home"),
        log_level="DEBUG",
        slack=SlackSettings(bot_token=SecretStr("xoxb-1"), admins=["U1", "W2"], workspace_admins=True),
    )
    for name, value in told.as_environment().items():
        monkeypatch.setenv(name, value)
    assert Settings() == told


def test_every_variable_of_the_environment_is_known() -> None:
    assert set(Settings().as_environment()) <= variable_names()
    assert {"MEND_SLACK__BOT_TOKEN", "MEND_SLACK", "MEND_HOME"} <= variable_names()


def test_a_misspelt_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEND_SLACK__BOTTOKEN", "xoxb-1")
    Path(".env").write_text("MEND_HOMME=/srv\nOTHER=1\n")
    assert unknown_variables() == ["MEND_HOMME", "MEND_SLACK__BOTTOKEN"]


@pytest.mark.parametrize("url", ["mysql://root@localhost/mend", "localhost/mend", "postgresql://"])
def test_another_database_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("MEND_DATABASE__URL", url)
    with pytest.raises(ValidationError, match="PostgreSQL URL"):
        Settings()


def test_what_waits_for_the_night_needs_a_night(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEND_SERVING__SHARING", "window")
    with pytest.raises(ValidationError, match="needs MEND_TRAINING__NIGHTLY"):
        Settings()
    monkeypatch.setenv("MEND_TRAINING__NIGHTLY", "02:00-05:00")
    assert Settings().serving.sharing == "window"
