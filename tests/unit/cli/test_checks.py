"""What the doctor thinks of what it is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.checks import files, machine, packages, servers, sharing, slack, slack_app, training
from cli.checks.finding import Finding, fail, ok, warn
from cli.checks.machine import Gpu
from cli.checks.servers import Server
from cli.doctor import line
from cli.manifest import BOT_SCOPES, EVENTS, OPTIONAL_SCOPES, build
from feedback.naps import Nap
from feedback.persona import load_persona
from serving.errors import ServingError, ServingUnavailable, sleepless
from serving.sharing import Memory, choose
from settings import ServingSettings, Settings, SlackSettings, TrainingSettings
from tests.unit.serving.factories import write_base
from trainer import holding, memory
from trainer.config import load_train_config
from trainer.holding import Held
from trainer.trainers import warm_folder

ROOT = Path(__file__).parents[3]
BASE = Path("/models/base")
A100 = Gpu("NVIDIA A100", "590.1", 80.0, 79.0)


def levels(findings: object) -> list[str]:
    return [finding.level for finding in findings]  # type: ignore[attr-defined]


def make_server(**changes: object) -> Server:
    values = {"version": "0.32.0", "models": {"base": str(BASE)}, "healthy": True, "poisoned": False}
    return Server(**{**values, **changes})  # type: ignore[arg-type]


def judged(server: Server, wanted: frozenset[str] = frozenset(), live: str | None = None) -> list[Finding]:
    return list(servers.judge("vLLM", server, BASE, wanted, live))


def test_a_finding_says_what_to_do_below_it() -> None:
    assert line(fail("queue", "away", "Start it.")) == "fail  queue: away\n      Start it."
    assert line(ok("queue", "Valkey 9")) == "ok    queue: Valkey 9"
    assert "\x1b[" in line(warn("queue", "old", "Update."), colour=True)


def test_a_server_with_the_wanted_adapters_is_well() -> None:
    (found,) = judged(make_server(models={"base": str(BASE), "pip-v1": "/a/pip-v1"}), frozenset({"pip-v1"}), "pip-v1")
    assert (found.level, found.text) == ("ok", "0.32.0, base, adapters: pip-v1")


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (make_server(healthy=False), "engine is dead"),
        (make_server(poisoned=True), "NaN"),
        (make_server(models={"Qwen": str(BASE)}), "does not serve the name 'base'"),
        (make_server(models={"base": "/models/other"}), "it serves /models/other, the settings say /models/base"),
    ],
)
def test_a_server_that_cannot_be_used_fails(server: Server, words: str) -> None:
    (found,) = judged(server)
    assert found.level == "fail" and words in found.text and found.do


def test_a_missing_live_adapter_is_worse_than_another() -> None:
    found = judged(make_server(), frozenset({"pip-v1", "pip-v2"}), "pip-v2")
    assert [(one.level, one.text) for one in found[1:]] == [
        ("warn", "pip-v1 is not loaded"),
        ("fail", "the live adapter pip-v2 is not loaded"),
    ]


@pytest.mark.parametrize(
    ("header", "level", "words"),
    [
        (None, "warn", "did not say"),
        (",".join(BOT_SCOPES + OPTIONAL_SCOPES), "ok", "all"),
        (", ".join(BOT_SCOPES), "ok", "without the optional usergroups:read"),
    ],
)
def test_scopes_are_compared_with_the_manifest(header: str | None, level: str, words: str) -> None:
    (found,) = slack.scopes(header, SlackSettings())
    assert found.level == level and words in found.text


@pytest.mark.parametrize("scope", BOT_SCOPES)
def test_each_missing_scope_is_named_with_what_it_costs_and_how_to_add_it(scope: str) -> None:
    (found,) = slack.scopes(",".join(held for held in BOT_SCOPES if held != scope), SlackSettings())
    assert found.level == "fail" and f"missing: {scope} (" in found.text and f"add {scope}" in found.do


def test_an_admin_group_needs_the_scope_that_reads_it() -> None:
    found = list(slack.scopes(",".join(BOT_SCOPES), SlackSettings(admin_group="S1")))
    assert "usergroups:read" in found[0].text and found[0].level == "fail"


def make_manifest(mode: str = "socket") -> dict[str, Any]:
    persona = load_persona(Settings().persona_dir / "persona.yaml")
    return build(persona, "/mend", None if mode == "socket" else "https://mend.example")


def test_the_app_that_mend_describes_is_well() -> None:
    for mode in ("socket", "http"):
        found = slack_app.compare(make_manifest(mode), SlackSettings.model_validate({"mode": mode}))
        assert levels(found) == ["ok", "ok"]


@pytest.mark.parametrize("event", EVENTS)
def test_each_missing_event_is_named_with_what_it_costs_and_how_to_add_it(event: str) -> None:
    manifest = make_manifest()
    manifest["settings"]["event_subscriptions"]["bot_events"].remove(event)
    found, *others = slack_app.compare(manifest, SlackSettings())
    assert found.level == "fail" and found.text.startswith(f"{event} is missing: ") and f"add {event}" in found.do
    assert levels(others) == ["ok"]


@pytest.mark.parametrize(
    ("part", "key", "value", "words"),
    [
        ("settings", "interactivity", {"is_enabled": False}, "interactivity is off"),
        ("settings", "socket_mode_enabled", False, "Socket Mode is off in Slack"),
        ("features", "slash_commands", [{"command": "/other"}], "no slash command /mend"),
        ("features", "app_home", {"home_tab_enabled": False, "messages_tab_enabled": True}, "Home tab is off"),
        ("features", "app_home", {"home_tab_enabled": True, "messages_tab_enabled": True,
                                  "messages_tab_read_only_enabled": True}, "people cannot write to the bot"),
        ("features", "agent_view", {}, "pane is off"),
    ],
)  # fmt: skip
def test_each_wrong_switch_is_named_with_how_to_set_it(part: str, key: str, value: Any, words: str) -> None:
    manifest = make_manifest()
    manifest[part][key] = value
    _, found = slack_app.compare(manifest, SlackSettings())
    assert found.level == "fail" and words in found.text and found.do


def test_two_approvers_need_two_admins() -> None:
    alone = SlackSettings(admins=["U1"], second_approver=True)
    found = list(slack.check(Settings(slack=alone)))
    assert [one.text for one in found if one.about == "admins"] == ["two have to approve, and there is one admin"]


def test_missing_tokens_and_admins_are_named_without_asking_slack() -> None:
    found = list(slack.check(Settings(slack=SlackSettings())))
    assert [(one.about, one.level) for one in found] == [
        ("bot token", "fail"),
        ("app token", "fail"),
        ("admins", "warn"),
    ]
    assert "MEND_SLACK__BOT_TOKEN" in found[0].do


@pytest.mark.parametrize(("free", "level"), [(100.0, "ok"), (3.0, "warn"), (0.5, "fail")])
def test_little_room_is_said_before_it_is_gone(free: float, level: str) -> None:
    assert machine.disk(Path("/data"), free).level == level


def test_cards_are_read_from_nvidia_smi() -> None:
    table = "NVIDIA A100-SXM4-80GB, 590.10, 81920, 80000\nGRID, 590.10, [N/A], [N/A]\n"
    assert machine.parse(table) == [Gpu("NVIDIA A100-SXM4-80GB", "590.10", 80.0, 78.125)]


@pytest.mark.parametrize(
    ("cards", "weights", "share", "expected"),
    [
        ([A100], 15.0, 0.5, []),
        ([A100], 140.0, 0.9, ["fail"]),
    ],
)
def test_the_model_has_to_fit_into_what_vllm_gets(
    cards: list[Gpu], weights: float, share: float, expected: list[str]
) -> None:
    assert levels(machine.memory(cards, weights, share)) == expected


def test_the_mode_is_told_with_its_reason_and_fails_where_nothing_fits() -> None:
    tight = sharing.mode(choose(Memory(24, 3.6), 0.85, 16.6, window=True))
    assert (tight.level, tight.text.split(", ")[0]) == ("ok", "window")
    assert "since 3.6 of 24 GB are free beside vLLM" in tight.text
    judged = sharing.mode(choose(Memory(80, 40), 0.5, 16.6, window=False), judged=True)
    assert judged.text.endswith("needs about 16.6 (for rows of up to 65 tokens)")
    nothing = sharing.mode(choose(Memory(24, 3.6), 0.85, 27.7, window=False))
    assert nothing.level == "fail" and "too little" in nothing.text and "gradient_checkpointing" in nothing.do


@pytest.mark.parametrize(
    ("serving", "words"),
    [
        (ServingSettings(device="cpu"), "vLLM cannot sleep there"),
        (ServingSettings(device="cuda", sharing="beside"), "MEND_SERVING__SHARING is beside"),
    ],
)
def test_on_a_cpu_or_by_the_settings_nobody_sleeps(serving: ServingSettings, words: str) -> None:
    (found,) = sharing.check(Settings(serving=serving))
    assert found.level == "ok" and found.text.startswith("beside") and words in found.text


@pytest.fixture
def idle(tmp_path: Path) -> Settings:
    """Settings whose worker has a warm trainer that waits; this process plays it."""
    settings = Settings(training=TrainingSettings(runs_dir=tmp_path), serving=ServingSettings(base_model=BASE))
    folder = warm_folder(settings)
    folder.mkdir()
    (folder / holding.PID_NAME).write_text(Path("/proc/self/stat").read_text())
    holding.write(folder, Held(ram=3 * 10**9, gpu=16 * 2**30))
    return settings


def test_what_a_warm_trainer_holds_is_free_for_the_next_training(idle: Settings) -> None:
    assert sharing.held(idle) == 16.0
    assert sharing.free(Memory(80, 8), 16.0).text == (
        "8.0 of 80 GB are free now, and the warm trainer has 16.0 for the next training"
    )
    assert sharing.free(Memory(80, 24), 0.0).text == "24.0 of 80 GB are free now"
    (warm_folder(idle) / holding.PID_NAME).unlink()
    assert sharing.held(idle) == 0.0


def test_the_warm_trainer_that_waits_does_not_make_the_next_run_cold(
    idle: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda: 10**9)
    serving = idle.serving.model_copy(update={"base_model": write_base(tmp_path / "base")})
    settings = idle.model_copy(update={"serving": serving})
    config = load_train_config(ROOT / "trainer" / "configs" / "smollm2-135m-cpu.yaml")
    (found,) = training.way(config, settings)
    assert found.text.startswith("warm: 4.0 GB are free"), "as the worker would say"
    (warm_folder(idle) / holding.PID_NAME).unlink()
    (found,) = training.way(config, settings)
    assert found.text.startswith("cold: 1.0 GB are free")


def test_a_server_that_has_to_sleep_is_asked_whether_it_can() -> None:
    states: dict[str, bool | ServingError] = {
        "a": False,
        "b": True,
        "c": sleepless("c"),
        "d": ServingUnavailable("away"),
    }
    needed = list(sharing.able(states, needed=True))
    assert [(one.about, one.level) for one in needed] == [
        ("sleep of a", "ok"),
        ("sleep of b", "ok"),
        ("sleep of c", "fail"),
    ]
    assert "mend serve" in needed[2].text
    assert levels(sharing.able(states, needed=False)) == ["ok", "ok", "warn"]


def test_a_sleep_that_nobody_will_end_is_worth_a_look() -> None:
    since = datetime(2026, 11, 28, 2, 10, tzinfo=UTC)
    asleep = Nap(7, since, since + timedelta(minutes=4), training=True)
    (attended,) = sharing.nap(asleep, attended=True)
    assert (attended.level, attended.text) == (
        "ok",
        "the model server sleeps for run 7 since 2026-11-28 02:10 UTC, until about 02:14",
    )
    (alone,) = sharing.nap(asleep, attended=False)
    assert alone.level == "warn" and "mend worker" in alone.do
    assert list(sharing.nap(None, attended=False)) == []


def test_versions_are_compared_with_the_pins() -> None:
    pins = [
        "torch==2.13.0; extra == 'trainer'",
        "redis==8.1.0",
        "psycopg[binary]==3.3.9",
        "vllm==1; extra == 'serving'",
    ]
    assert levels(packages.compare(pins, {"torch": "2.13.0+cpu", "redis": "8.1.0", "psycopg": "3.3.9"})) == ["ok"]
    found = list(packages.compare(pins, {"torch": "2.12.0", "redis": "8.1.0"}))
    assert [(one.level, one.text) for one in found] == [
        ("warn", "torch is 2.12.0, tested with 2.13.0"),
        ("fail", "psycopg is not installed"),
    ]


def test_a_rank_above_the_servers_limit_fails() -> None:
    small = Settings().training.config.with_name("smollm2-135m-cpu.yaml")
    settings = Settings(serving=ServingSettings(max_lora_rank=1), training=TrainingSettings(config=small))
    found = {one.about: one for one in training.check(settings)}
    assert (found["lora rank"].level, found["lora rank"].text) == ("fail", "trained with rank 8, served up to 1")


@pytest.mark.parametrize(("wanted", "said"), [("auto", "GB are wanted"), ("cold", "MEND_TRAINING__TRAINER is cold")])
def test_how_a_run_would_train_is_said_with_the_reason(wanted: Any, said: str, tmp_path: Path) -> None:
    write_base(tmp_path)
    small = Settings().training.config.with_name("smollm2-135m-cpu.yaml")
    settings = Settings(
        serving=ServingSettings(base_model=tmp_path), training=TrainingSettings(config=small, trainer=wanted)
    )
    assert said in next(one.text for one in training.check(settings) if one.about == "trainer")


def test_a_missing_model_says_what_to_set() -> None:
    missing = Settings(serving=ServingSettings(base_model=Path("/no/model")))
    found = {one.about: one for one in files.check(missing)}
    assert found["base model"].level == "fail" and "MEND_SERVING__BASE_MODEL" in found["base model"].do


def test_a_broken_persona_is_reported_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "persona.yaml").write_text("name: Pip\nmaker: 7\n")
    found = [one for one in files.check(Settings(persona_dir=tmp_path)) if one.about == "persona"]
    assert found[0].level == "fail" and "persona.yaml:2" in found[0].text


def test_a_misspelt_variable_is_named() -> None:
    (found,) = files.variables(["MEND_HOMME"])
    assert (found.level, found.text) == ("warn", "MEND_HOMME sets nothing")
