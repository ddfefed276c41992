"""The manifest: within Slack's limits, and what the code needs is in it."""

import re
from pathlib import Path

import pytest
import yaml

from cli import manifest
from cli.main import main
from feedback.persona import Persona, load_persona
from sandbox.manifest import parse_manifest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def persona() -> Persona:
    return load_persona(ROOT / "persona" / "persona.yaml")


def test_socket_mode_needs_no_address(persona: Persona) -> None:
    document = manifest.build(persona, "/mend")
    assert document["settings"]["socket_mode_enabled"] is True
    assert "url" not in yaml.safe_dump(document)


def test_http_mode_names_one_address_everywhere(persona: Persona) -> None:
    document = manifest.build(persona, "/mend", "https://mend.example.org/")
    address = "https://mend.example.org/slack/events"
    assert document["settings"]["socket_mode_enabled"] is False
    assert document["settings"]["event_subscriptions"]["request_url"] == address
    assert document["settings"]["interactivity"]["request_url"] == address
    assert document["features"]["slash_commands"][0]["url"] == address


def test_a_workspace_can_be_set_up_with_it(persona: Persona) -> None:
    app = parse_manifest(manifest.build(persona, "/pip"))
    assert (app.name, app.commands[0].name) == (persona.name, "/pip")
    assert [prompt.message for prompt in app.prompts] == list(persona.suggested_prompts)
    assert app.home_tab and app.messages_tab and app.interactivity


def test_long_names_are_cut_to_slacks_limits(persona: Persona) -> None:
    long = persona.model_copy(
        update={
            "name": "P" * 60,
            "maker": "M" * 60,
            "suggested_prompts": ("q" * 200,),
        }  # the longest that a persona may
    )
    document = manifest.build(long, "/mend")
    display, agent = document["display_information"], document["features"]["agent_view"]
    assert len(display["name"]) <= 35 and len(display["description"]) <= 140
    assert len(agent["agent_description"]) <= 300 and len(agent["suggested_prompts"][0]["title"]) <= 75


def test_every_event_that_the_bot_listens_to_is_subscribed() -> None:
    source = (ROOT / "bot" / "listeners" / "events.py").read_text(encoding="utf-8")
    listened = set(re.findall(r'app\.event\("(\w+)"\)', source))
    assert listened <= {event.split(".")[0] for event in manifest.EVENTS}


def test_the_command_prints_yaml_that_reads_back(
    persona: Persona, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEND_SLACK__COMMAND", "/pip")
    with pytest.raises(SystemExit) as ended:
        main(["manifest"])
    assert ended.value.code == 0
    assert yaml.safe_load(capsys.readouterr().out) == manifest.build(persona, "/pip")
