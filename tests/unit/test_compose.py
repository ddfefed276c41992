"""docker-compose.yml, the Dockerfile and .env.example against the specification, the settings and the commands."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from cli.main import COMMANDS
from settings import Settings, variable_names

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = yaml.safe_load(COMPOSE)
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
OWN = ("vllm", "worker", "bot")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_it_follows_the_compose_specification() -> None:
    schema = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*schema, "docker-compose.yml"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_passes_the_linter() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_mend_variable_is_a_setting() -> None:
    named = set(re.findall(r"MEND_[A-Z_]+", COMPOSE + DOCKERFILE + (ROOT / ".env.example").read_text(encoding="utf-8")))
    assert named - {"MEND_"} <= variable_names()


def test_secrets_come_from_outside_and_have_no_default() -> None:
    for name in ("POSTGRES_PASSWORD", "VALKEY_PASSWORD", "MEND_SERVING__API_KEY", "MEND_SLACK__BOT_TOKEN"):
        uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", COMPOSE)
        assert uses and all(use.startswith(":?") for use in uses), name


def test_only_the_bot_reaches_the_outside_and_nothing_listens_there() -> None:
    assert DOCUMENT["networks"]["inside"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if "outside" in service["networks"]} == {"bot"}
    assert not any("ports" in service for service in SERVICES.values())


@pytest.mark.parametrize("name", ["postgres", "valkey", "vllm"])
def test_a_server_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def test_the_worker_waits_until_vllm_has_its_memory() -> None:
    """A trainer that took it first would leave too little for vLLM to start."""
    assert SERVICES["worker"]["depends_on"]["vllm"] == {"condition": "service_healthy"}
    assert "vllm" not in SERVICES["bot"]["depends_on"], "people are told that the model is away"


def test_commands_and_build_targets_exist() -> None:
    own = {name: service for name, service in SERVICES.items() if "build" in service}
    assert set(own) == set(OWN)
    assert {service["command"][0] for service in own.values()} <= set(COMMANDS)
    targets = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, flags=re.MULTILINE))
    assert {service["build"]["target"] for service in own.values()} == targets
    assert set(re.findall(r'^CMD \["(\w+)"\]$', DOCKERFILE, flags=re.MULTILINE)) <= set(COMMANDS)


def test_the_image_installs_locks_that_exist_and_nothing_else() -> None:
    for command in re.findall(r"pip install (.*)", DOCKERFILE):
        files = re.findall(r"-r (\S+)", command)
        assert "--no-deps" in command
        assert all((ROOT / file).exists() for file in files)
        assert files or command.endswith("--editable .")


def test_named_volumes_are_declared_and_the_adapters_are_shared() -> None:
    mounted = {
        name: {volume.split(":")[0] for volume in service.get("volumes", [])} for name, service in SERVICES.items()
    }
    used = {volume for volumes in mounted.values() for volume in volumes if volume[0] not in "$."}
    assert used == set(DOCUMENT["volumes"])
    assert {name for name, volumes in mounted.items() if "adapters" in volumes} == {"vllm", "worker", "bot"}


def test_what_waits_for_the_database_is_on_a_volume_that_the_bot_may_write() -> None:
    home = SERVICES["bot"]["environment"]["MEND_HOME"]
    assert f"home:{home}" in SERVICES["bot"]["volumes"]
    bot_image = DOCKERFILE.split("FROM ")[1]
    made = re.search(r"useradd --uid (\d+).*install -d -o mend -g mend (.*)", bot_image)
    assert made is not None and home in made[2].split(), "a new volume takes its owner from the image's folder"
    assert f"USER {made[1]}" in bot_image


def test_every_setting_and_the_edited_persona_reach_every_part_of_mend() -> None:
    for name in OWN:
        assert SERVICES[name]["env_file"] == ".env", name
        assert "./persona:/app/persona:ro" in SERVICES[name]["volumes"], name
        assert SERVICES[name]["environment"]["MEND_PERSONA_DIR"] == "/app/persona", name


@pytest.mark.parametrize("name", OWN)
def test_where_things_are_in_the_network_wins_over_the_env_file(name: str) -> None:
    given = SERVICES[name]["environment"]  # docker compose puts it over env_file
    assert given["MEND_DATABASE__URL"].endswith("@postgres/mend")
    assert given["MEND_REDIS__URL"].endswith("@valkey:6379/0")
    assert given["MEND_SERVING__URLS"] == '["http://vllm:8000"]'
    assert given["MEND_SERVING__ADAPTERS_DIR"] == "/data/adapters"


def test_slacks_tokens_stay_with_the_bot() -> None:
    for name in ("vllm", "worker"):
        given = SERVICES[name]["environment"]
        secrets = [given[f"MEND_SLACK__{one}"] for one in ("BOT_TOKEN", "APP_TOKEN", "SIGNING_SECRET")]
        assert secrets == ["", "", ""], name


@pytest.mark.parametrize("name", OWN)
def test_the_settings_that_compose_gives_are_valid(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for variable, value in SERVICES[name]["environment"].items():
        if variable.startswith("MEND_"):
            monkeypatch.setenv(variable, _filled(str(value)))
    settings = Settings()
    assert settings.serving.urls == ["http://vllm:8000"]
    assert settings.database.url == "postgresql+psycopg://mend:secret@postgres/mend"
    assert settings.serving.gpu_memory_utilization == 0.5


def test_the_example_of_an_env_file_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example = ROOT / ".env.example"
    Settings(_env_file=example)  # type: ignore[call-arg]
    others = {name for name in dotenv_values(example) if not name.startswith("MEND_")}
    assert others <= set(re.findall(r"\$\{([A-Z_]+)", COMPOSE)), "what the example asks for is used"


def _filled(text: str) -> str:
    """What docker compose makes of ``${NAME:-default}`` and ``${NAME:?message}``."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
    return re.sub(r"\$\{\w+:\?[^}]*\}", "secret", text)
