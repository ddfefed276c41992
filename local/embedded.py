"""The settings of a Mend whose parts run on this machine: given ones stay, embedded ones get their addresses."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import SecretStr

from local import postgres, valkey
from settings import ROOT, Settings

BOT_TOKEN, APP_TOKEN = "xoxb-sandbox", "xapp-sandbox"
WORKSPACE = ROOT / "sandbox" / "workspace.yaml"
SMALL_CONFIG = ROOT / "trainer" / "configs" / "smollm2-135m-cpu.yaml"


@dataclass(frozen=True)
class Chosen:
    """What is started here; anything else is reached where the settings say."""

    postgres: bool = True
    valkey: bool = True
    vllm: bool = True
    small_model: bool = True
    sandbox: bool = True
    worker: bool = True
    bot: bool = True


def with_addresses(settings: Settings, home: Path, chosen: Chosen, *, page_port: int, vllm_port: int) -> Settings:
    """``settings`` with the addresses of the parts that run here, whose data lies under ``home``."""
    changed = settings.model_copy(update={"home": home})
    if chosen.postgres:
        database = settings.database.model_copy(update={"url": postgres.locate(home).url()})
        changed = changed.model_copy(update={"database": database})
    if chosen.valkey:
        redis = settings.redis.model_copy(update={"url": valkey.url(home)})
        changed = changed.model_copy(update={"redis": redis})
    if chosen.vllm:
        serving = {"urls": [f"http://127.0.0.1:{vllm_port}"], "host": "127.0.0.1", "port": vllm_port}
        changed = changed.model_copy(update={"serving": changed.serving.model_copy(update=serving)})
    if chosen.small_model:
        changed = _with_small_model(changed, home)
    if chosen.sandbox:
        slack = {
            "bot_token": SecretStr(BOT_TOKEN),
            "app_token": SecretStr(APP_TOKEN),
            "mode": "socket",
            "api_url": f"http://127.0.0.1:{page_port}/api/",
            "admins": admins(),
            "record_channel": "",
        }
        changed = changed.model_copy(update={"slack": settings.slack.model_copy(update=slack)})
    return changed


def _with_small_model(settings: Settings, home: Path) -> Settings:
    serving = {
        "device": "cpu",
        "base_model": home / "model",
        "adapters_dir": home / "adapters",
        "max_lora_rank": 8,
        "api_key": SecretStr(""),
    }
    training = {"config": SMALL_CONFIG, "runs_dir": home / "runs"}
    return settings.model_copy(
        update={
            "serving": settings.serving.model_copy(update=serving),
            "training": settings.training.model_copy(update=training),
        }
    )


def admins(workspace: Path = WORKSPACE) -> list[str]:
    """The ids of the sandbox's admins."""
    people = yaml.safe_load(workspace.read_text(encoding="utf-8"))["people"]
    return [person["id"] for person in people if person.get("is_admin")]
