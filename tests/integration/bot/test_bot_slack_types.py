"""What the sandbox sends and what the bot posts are what Slack's published types say they are."""

from pathlib import Path

import yaml

from cli import manifest
from feedback.persona import load_persona
from tests.integration.bot.conftest import PERSONA, Scene
from tests.integration.bot.steps import approve_all, corrected, note_to, progress
from tests.integration.bot.trainer_by_hand import TrainerByHand
from tests.slack_types import Typed, called, delivered, problems

HERE = Path(__file__).parent
SENT = {"event", "command", "interactive"}
# The traffic log leaves tokens out.
TOKEN = {"token": "left out"}


async def live_through_it(scene: Scene, trainer: TrainerByHand) -> None:
    """Every kind of event, command, click and window that the bot knows."""
    mia, ada = scene.mia, scene.ada
    answer = await corrected(scene, "who are you?", "I am Pip.")
    await mia.click("general", answer.ts, "mend_feedback", "negative")
    await mia.close(await mia.wait_for_view())
    await mia.react("general", answer.ts, "-1")
    await mia.unreact("general", answer.ts, "-1")
    ts = await mia.say("general", "talk among people")
    await mia.edit("general", ts, "other talk")
    await mia.delete("general", ts)
    await mia.open_dm()
    direct = await mia.say("dm", "hello", app_context={"entities": []})
    await scene.answer_to(mia, "dm", direct)
    await mia.look_at("general")
    await scene.ws.person("xan").say("partners", "hello from outside")
    await approve_all(scene)
    for word in ("status", "cases", "probes", "adapters", "help", "nonsense"):
        await ada.command("general", "/mend", word)
    await scene.retrain(ada)
    await progress(mia, "1 new case")
    await trainer.go_live(1)
    await mia.wait_for("general", lambda m: m.by_app and "Mended in" in m.plain, thread_ts=answer.thread_ts)
    for person in (mia, ada):
        await person.open_home()
        await person.wait_for_home()
    await ada.command("general", "/mend", "rollback")
    await mia.command("general", "/mend", "retrain")
    await note_to(mia, "only my admins may")


async def test_slacks_types_fit_all_that_passes(scene: Scene, trainer: TrainerByHand) -> None:
    await live_through_it(scene, trainer)
    payloads: list[Typed] = []
    for entry in await scene.ws.traffic():
        if entry["kind"] in SENT:
            payloads += delivered({**entry["payload"], **TOKEN})
        elif entry["kind"] == "api" and entry["ok"]:
            payloads += called(entry["name"], entry["args"])
    seen = {one.label for one in payloads}
    assert {"event app_mention", "event message/message_changed", "event message/message_deleted", "block_actions",
            "event reaction_added", "event reaction_removed", "event app_home_opened", "event app_context_changed",
            "view_submission", "view_closed", "command /mend", "chat.stopStream blocks", "chat.postMessage blocks",
            "views.open view", "views.publish view"} <= seen  # fmt: skip
    found = problems(payloads)
    assert found == [], "\n".join(found)


def test_slacks_types_fit_the_manifests() -> None:
    persona = load_persona(PERSONA / "persona.yaml")
    written = yaml.safe_load((HERE / "slack_app.yaml").read_text(encoding="utf-8"))
    documents = {
        "socket mode": manifest.build(persona, "/mend"),
        "http": manifest.build(persona, "/mend", "https://mend.example.org"),
        "tests": written,
    }
    for document in documents.values():
        document["oauth_config"]["scopes"]["bot"].remove("assistant:write")  # Slack documents it; its types lack it
    kind = 'api.AppsManifestCreateArguments["manifest"]'
    found = problems([Typed(name, kind, document) for name, document in documents.items()])
    assert found == [], "\n".join(found)


def test_the_compiler_names_what_does_not_fit() -> None:
    wrong = [
        Typed("a block", "Blocks", [{"type": "section", "text": {"type": "mrkdwn", "text": 5}}]),
        Typed("a field", "Blocks", [{"type": "divider", "texxt": "x"}]),
        Typed("a good one", "Blocks", [{"type": "divider"}]),
    ]
    found = problems(wrong)
    assert any(line.startswith("a block: ") for line in found)
    assert any(line.startswith("a field: ") and "texxt" in line for line in found)
    assert not any(line.startswith("a good one") for line in found)
