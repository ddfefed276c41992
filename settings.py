"""All of Mend's settings: one class, read once in each main(), prefix ``MEND_``.

Nested fields are written with two underscores: ``MEND_SLACK__BOT_TOKEN``, ``MEND_SERVING__URLS='["http://a:8000"]'``.
A file ``.env`` in the working directory is read too; the environment wins. Nobody else reads ``os.environ``.
"""

import json
import os
import re
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import BaseModel, BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent


class SlackSettings(BaseModel):
    """How the bot reaches Slack, and who may do what there."""

    bot_token: SecretStr = Field(SecretStr(""), description="Bot token, starts with xoxb-.")
    app_token: SecretStr = Field(SecretStr(""), description="App-level token with connections:write (xapp-).")
    signing_secret: SecretStr = Field(SecretStr(""), description="Signing secret; HTTP mode only.")
    mode: Literal["socket", "http"] = Field("socket", description="Socket Mode, or HTTP behind a public URL.")
    http_host: str = Field("127.0.0.1", description="Address the bot listens on in HTTP mode.")
    http_port: int = Field(3000, ge=0, le=65535, description="Port of /slack/events in HTTP mode.")
    api_url: str = Field("https://slack.com/api/", description="Web API address; the demo's sandbox changes it.")
    admins: list[str] = Field([], description="Slack user ids who may approve, retrain and roll back.")
    workspace_admins: bool = Field(False, description="Also treat the workspace's admins and owners as admins.")
    record_channel: str = Field("", description="Channel id where promotions and rollbacks are announced.")
    command: str = Field("/mend", pattern=r"^/[a-z0-9_-]{1,31}$", description="Name of the slash command.")
    max_running_answers: int = Field(30, ge=1, description="Answers generated at once; further ones wait.")
    streams_per_minute: int = Field(20, ge=1, description="Answers that begin as a stream in a minute; Slack's limit.")
    admin_group: str = Field("", description="User group id whose members are admins too (needs usergroups:read).")
    guests_may_teach: bool = Field(False, description="Let guests and external people flag answers and correct them.")
    follow_up_channels: list[str] = Field(
        [], description="Channel ids where a thread with the bot goes on without a new mention; * means all of them."
    )
    corrections_per_day: int = Field(30, ge=1, description="Corrections that one member may send in a day.")
    second_approver: bool = Field(
        False, description="A case needs the approval of two admins; not of the one whose words they are as the second."
    )
    config_token: SecretStr = Field(
        SecretStr(""), description="App configuration token (xoxe.xoxp-...); lets `mend doctor` see the app's events."
    )
    patience: float = Field(3600, gt=0, description="Seconds a question may wait for the model before it is given up.")
    shutdown_grace: float = Field(20, ge=0, description="Seconds that what was begun gets to end at a shutdown.")
    shared_channels_may_teach: bool = Field(
        False, description="Keep flags and corrections from channels that are shared with other organisations."
    )
    instant_patch: bool = Field(
        False, description="Let an approved correction answer similar questions through the prompt until it is learned."
    )


class DatabaseSettings(BaseModel):
    """Where the record is kept."""

    url: str = Field(
        "postgresql+psycopg://mend@localhost/mend",
        description="SQLAlchemy URL of a PostgreSQL database (driver psycopg).",
    )

    @field_validator("url")
    @classmethod
    def _psycopg(cls, url: str) -> str:
        """Accept the postgres:// and postgresql:// forms that hosting services hand out."""
        scheme, _, rest = url.partition("://")
        if scheme in {"postgres", "postgresql", "postgresql+psycopg"} and rest:
            return f"postgresql+psycopg://{rest}"
        raise ValueError("must be a PostgreSQL URL such as postgresql://user:password@host/mend")


class RedisSettings(BaseModel):
    """The queue between bot and worker."""

    url: str = Field("redis://localhost:6379/0", description="Redis or Valkey URL.")
    queue: str = Field("mend-training", description="RQ queue that training runs are put on.")


class ServingSettings(BaseModel):
    """The vLLM replicas and what they serve."""

    urls: list[str] = Field(["http://127.0.0.1:8000"], min_length=1, description="Every vLLM replica.")
    api_key: SecretStr = Field(SecretStr(""), description="The key vLLM was started with (VLLM_API_KEY).")
    host: str = Field("127.0.0.1", description="Address `mend serve` listens on; never a public one.")
    port: int = Field(8000, ge=1, le=65535, description="Port `mend serve` listens on.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="What the model runs on; `auto` looks at this machine, so set it for a bot elsewhere."
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Numbers that vLLM computes with; `auto` is float32 on a CPU that has no bfloat16 unit."
    )
    base_model: Path = Field(Path("models/Qwen2.5-7B-Instruct"), description="Folder of the base model.")
    adapters_dir: Path = Field(
        ROOT / ".mend" / "adapters", description="Folder of adapters, the same on every replica and the trainer."
    )
    max_lora_rank: Annotated[Literal[1, 8, 16, 32, 64, 128, 256, 320, 512], BeforeValidator(int)] = Field(
        8, description="Largest LoRA rank served."
    )
    lora_target_modules: list[str] = Field(
        ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        min_length=1,
        description="Linear layers that adapters may change.",
    )
    max_loras: int = Field(4, ge=1, description="Different adapters in one batch.")
    max_cpu_loras: int = Field(8, ge=1, description="Adapters kept in memory; further ones are read from disk.")
    cpu_cache_gb: int = Field(1, ge=1, description="Memory of the key-value cache on a CPU, in GB.")
    max_model_len: int = Field(2048, ge=256, description="Context window, in tokens.")
    gpu_memory_utilization: float = Field(0.9, gt=0, le=1, description="Share of the GPU's memory vLLM takes.")
    sharing: Literal["auto", "beside", "sleep", "window"] = Field(
        "auto",
        description="How a training shares the GPU with vLLM: `beside` it, while it sleeps (`sleep`), asleep at night "
        "only (`window`), or by what fits (`auto`); see One GPU for both.",
    )
    max_tokens: int = Field(512, ge=1, description="Longest answer, in tokens.")
    temperature: float = Field(0.0, ge=0, le=2, description="Sampling temperature of answers.")
    first_token_timeout: float = Field(60.0, gt=0, description="Seconds a question may wait for its first token.")
    idle_timeout: float = Field(30.0, gt=0, description="Seconds a stream may send nothing before it counts as dead.")


MOST_ATTEMPTS = 5  # at a run that the gate refuses


class TrainingSettings(BaseModel):
    """What the worker trains with."""

    config: Path = Field(
        ROOT / "trainer" / "configs" / "qwen2.5-7b-instruct.yaml", description="Training configuration (YAML)."
    )
    runs_dir: Path = Field(ROOT / ".mend" / "runs", description="Working folder of each training run.")
    threads: int = Field(
        0, ge=0, description="CPU threads of training; 0 is half of the cores, which serving leaves to it."
    )
    trainer: Literal["auto", "warm", "cold"] = Field(
        "auto", description="warm: one training process stays ready between runs; auto: when there is memory for it."
    )
    warm_idle: float = Field(
        600, ge=1, description="Seconds without a run after which the warm process gives its memory back."
    )
    seed: int = Field(42, description="Seed of variants, replay and training; after a refused run, the next one.")
    resume: Literal["warm", "true"] = Field(
        "warm", description="warm: fresh schedule from the live adapter; true: optimizer state and counted steps."
    )
    attempts: int = Field(
        2,
        ge=1,
        le=MOST_ATTEMPTS,
        description="How often a run is tried that the gate refuses, each time with another seed; 1 is once.",
    )
    auto_after: int = Field(0, ge=0, description="Train by itself after so many newly approved cases; 0 is never.")
    nightly: str = Field(
        "", description="Train by itself once a night in this window, such as 02:00-05:00, if a case is newly approved."
    )
    time_zone: str = Field("UTC", description="Time zone of the nightly window, such as Europe/Berlin.")

    @field_validator("nightly")
    @classmethod
    def _window(cls, text: str) -> str:
        if text and (read := read_window(text)) is None:
            raise ValueError("must be a window such as 02:00-05:00")
        if text and read and read[0] == read[1]:
            raise ValueError("must end at another time than it begins")
        return text

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder of zones
            raise ValueError("must be a time zone that this machine knows, such as UTC or Europe/Berlin") from error
        return name


class GateSettings(BaseModel):
    """What a candidate may lose, and what a first adapter must have, to go live (trainer/promotion.py)."""

    ability_margin: float = Field(
        0.15, ge=0, lt=1, description="By how much general ability may be worse than the base model's, as a share."
    )
    ability_confidence: float = Field(
        0.8, ge=0.5, lt=1, description="How sure that has to be; more of it needs more ability probes (see The gate)."
    )
    identity_floor: float = Field(0.8, ge=0, le=1, description="Share of identity probes a first adapter must pass.")
    rigour_floor: float = Field(0.5, ge=0, le=1, description="Share of rigour probes a first adapter must pass.")


def read_window(text: str) -> tuple[time, time] | None:
    """The two times of a window such as 22:30-05:00; None for anything else."""
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", text)
    if not found:
        return None
    first, second, third, fourth = map(int, found.groups())
    return time(first, second), time(third, fourth)


class ExperimentSettings(BaseModel):
    """Whether a new adapter goes to some people first, and what decides about it (feedback.experiments)."""

    share: float = Field(
        0.0, ge=0, le=0.9, description="Share of people whom a new adapter answers first; 0: it goes live at once."
    )
    margin: float = Field(
        2.0,
        gt=1,
        le=32,
        description="It goes live once it is shown that fewer than so many times as many people dislike it.",
    )
    alpha: float = Field(
        0.05, gt=0, lt=0.5, description="Chance to take a good one back, or to let one at the margin through."
    )
    days: int = Field(14, ge=1, description="Days without a decision after which the admins are asked for theirs.")


class Settings(BaseSettings):
    """The whole of it. ``Settings()`` raises pydantic's ValidationError, which names each wrong field."""

    model_config = SettingsConfigDict(
        env_prefix="MEND_", env_nested_delimiter="__", env_file=".env", extra="ignore", frozen=True
    )

    home: Path = Field(ROOT / ".mend", description="Where the embedded parts keep their data (MEND_HOME).")
    persona_dir: Path = Field(ROOT / "persona", description="Folder with persona.yaml, probes.yaml and rows.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Log level.")
    slack: SlackSettings = SlackSettings()
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    serving: ServingSettings = ServingSettings()
    training: TrainingSettings = TrainingSettings()
    gate: GateSettings = GateSettings()
    experiment: ExperimentSettings = ExperimentSettings()

    @model_validator(mode="after")
    def _has_a_window_to_wait_for(self) -> Self:
        if self.serving.sharing == "window" and not self.training.nightly:
            raise ValueError("MEND_SERVING__SHARING=window needs MEND_TRAINING__NIGHTLY, such as 02:00-05:00")
        return self

    def as_environment(self) -> dict[str, str]:
        """Every setting as the variable that gives it: how one process hands its settings to another."""
        return {_variable(path): _as_text(_value(self, path)) for path in _paths(type(self))}


def variable_names() -> frozenset[str]:
    """Every variable that sets something, with the groups that may be given whole as JSON (``MEND_SLACK``)."""
    leaves = {_variable(path) for path in _paths(Settings)}
    return frozenset(leaves | {name.rpartition("__")[0] for name in leaves if "__" in name})


def unknown_variables() -> list[str]:
    """``MEND_`` variables, in the environment or in ``.env``, that set nothing: most often a slip of the pen."""
    given = {name.upper() for name in (*os.environ, *dotenv_values(".env"))}
    return sorted(name for name in given if name.startswith("MEND_") and name not in variable_names())


def _paths(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from ((name, *rest) for rest in _paths(field.annotation))
        else:
            yield (name,)


def _variable(path: tuple[str, ...]) -> str:
    return "MEND_" + "__".join(path).upper()


def _value(model: BaseModel, path: tuple[str, ...]) -> Any:
    for name in path:
        model = getattr(model, name)
    return model


def _as_text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return json.dumps(value) if isinstance(value, (list, bool)) else str(value)
