"""The doctor's questions to Slack, put to a sandbox workspace over the Web API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cli.checks import slack
from cli.checks.finding import Finding
from sandbox.server import serve
from settings import Settings, SlackSettings

MANIFEST = Path(__file__).parent / "bot" / "slack_app.yaml"


@pytest.fixture
def poor_manifest(tmp_path: Path) -> Path:
    """An app without one needed scope."""
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    manifest["oauth_config"]["scopes"]["bot"].remove("reactions:write")
    (tmp_path / "app.yaml").write_text(yaml.safe_dump(manifest))
    return tmp_path / "app.yaml"


@pytest.fixture
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with serve(request.getfixturevalue(request.param) if hasattr(request, "param") else MANIFEST) as address:
        yield address


def examined(url: str, **more: object) -> list[Finding]:
    given = {"bot_token": "xoxb-sandbox", "app_token": "xapp-sandbox", "api_url": f"{url}/api/", **more}
    return list(slack.check(Settings(slack=SlackSettings.model_validate(given))))


def test_a_well_set_app_has_nothing_to_mend(url: str) -> None:
    found = examined(url, admins=["U0ADA00001"])
    assert {one.level for one in found} == {"ok"}
    (events,) = [one for one in found if one.about == "events"]
    assert "MEND_SLACK__CONFIG_TOKEN" in events.text


@pytest.mark.parametrize("url", ["poor_manifest"], indirect=True)
def test_a_missing_scope_is_named_with_how_to_add_it(url: str) -> None:
    (found,) = [one for one in examined(url, admins=["U0ADA00001"]) if one.level == "fail"]
    assert "missing: reactions:write" in found.text and "OAuth & Permissions" in found.do


def test_people_and_channels_that_slack_does_not_know_are_named(url: str) -> None:
    found = examined(url, admins=["U0ADA00001", "U404"], record_channel="C404")
    wrong = {one.about: one for one in found if one.level == "fail"}
    assert set(wrong) == {"admins", "channel of record"}
    assert "U404" in wrong["admins"].text and "MEND_SLACK__ADMINS" in wrong["admins"].do
    assert "C404" in wrong["channel of record"].text and "MEND_SLACK__RECORD_CHANNEL" in wrong["channel of record"].do


def test_a_refused_configuration_token_says_where_to_get_one(url: str) -> None:
    (found,) = [one for one in examined(url, admins=["U0ADA00001"], config_token="xoxe-old") if one.level == "fail"]
    assert found.about == "app configuration" and "api.slack.com/apps" in found.do
