from pathlib import Path
from typing import Any

import pytest

from sandbox.directory import DEFAULT_WORKSPACE, WorkspaceError, load_directory
from sandbox.manifest import ManifestError, load_manifest, parse_manifest


def document(**features: Any) -> dict[str, Any]:
    return {
        "display_information": {"name": "Echo"},
        "features": features,
        "settings": {"socket_mode_enabled": True},
    }


def test_a_small_manifest_is_enough() -> None:
    manifest = parse_manifest(document())
    assert (manifest.name, manifest.bot_name, manifest.scopes) == ("Echo", "Echo", None)


def test_scopes_and_optional_scopes_are_granted() -> None:
    scopes = {"oauth_config": {"scopes": {"bot": ["chat:write"], "bot_optional": ["files:read"]}}}
    assert parse_manifest({**document(), **scopes}).scopes == frozenset({"chat:write", "files:read"})


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"settings": {"socket_mode_enabled": True}}, "display_information.name is required"),
        ({**document(), "settings": {}}, "socket_mode_enabled must be true"),
        (document(slash_commands=[{"command": "echo"}]), "must start with '/'"),
        (document(slash_commands="/echo"), "slash_commands"),
        (document(agent_view={"suggested_prompts": [{"title": "a", "message": "b"}] * 5}), "at most 4"),
        ({**document(), "features": []}, None),
    ],
)
def test_a_broken_manifest_is_named_by_field(broken: dict[str, Any], message: str | None) -> None:
    if message is None:
        assert parse_manifest(broken).commands == ()
        return
    with pytest.raises(ManifestError, match=message):
        parse_manifest(broken)


def test_a_missing_or_unreadable_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="No such file"):
        load_manifest(tmp_path / "none.yaml")
    broken = tmp_path / "app.yaml"
    broken.write_text("a: [", encoding="utf-8")
    with pytest.raises(ManifestError, match="not YAML"):
        load_manifest(broken)


def test_the_default_workspace_has_its_people_and_channels() -> None:
    directory = load_directory(DEFAULT_WORKSPACE, "Echo")
    assert [person.name for person in directory.humans()] == ["mia", "ada", "noor", "gus", "xan"]
    people = {person.name: person for person in directory.humans()}
    assert people["ada"].is_admin
    assert people["gus"].is_restricted
    assert people["xan"].is_stranger
    assert people["xan"].team_id != directory.team.id
    assert directory.direct_channel(people["mia"].id) is not None
    general = directory.find_channel("#general")
    assert general is not None
    assert directory.bot.id in general.members


def test_an_unknown_field_in_a_workspace_is_named(tmp_path: Path) -> None:
    file = tmp_path / "workspace.yaml"
    file.write_text("team: {id: T1, name: A, domain: a}\npeople: [{id: U1, name: a, shoe: 42}]\n", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="shoe"):
        load_directory(file, "Echo")
