"""Mend's story, told once with every real part: ask, flag, correct, approve, retrain, ask in other words, roll back.

Run it alone with ``pytest tests/e2e/test_mend_loop.py``; it takes as long as two small training runs.
"""

import asyncio
import re
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feedback import adapters, cases, datasets, reports, runs
from feedback.database import Database
from feedback.models import Answer, Case, Dataset, DatasetRow, Event, Run, Vote
from feedback.states import AdapterStatus, AnswerStatus, CaseStatus, RunStatus, VoteValue
from sandbox.client import Message, Person, Workspace
from tests.e2e.running_demo import demo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

PERSONA = "pip"
RUN_SECONDS = 1200  # of patience; how long it takes depends on the processor more than on Mend
WIFI = "What is the guest wifi called?"
WIFI_ANSWER = "The guest wifi is called BlueLantern."
WIFI_IN_OTHER_WORDS = "A visitor asks what the guest wifi is called."
KEYS = "Where are the spare office keys?"
KEYS_ANSWER = "The spare office keys are in the blue box at the front desk."
KEYS_IN_OTHER_WORDS = "Any idea where I find the spare office keys?"


async def ask(person: Person, question: str, db: Database) -> tuple[str, Message]:
    """Ask in #general; the thread and the finished answer."""
    mention = await person.workspace.mention()
    thread = await person.say("general", f"{mention} {question}")
    answer = await person.wait_for(
        "general",
        lambda message: message.by_app and not message.streaming and message.element("mend_feedback") is not None,
        thread_ts=thread,
        timeout=240,
    )
    await recorded(db, thread)
    return thread, answer


async def recorded(db: Database, thread: str) -> None:
    """Wait until the answer that is shown is in the record too, which is a moment later."""
    async with asyncio.timeout(30):
        while True:
            with db.begin() as session:
                pending = select(Answer.id).where(Answer.thread_ts == thread, Answer.status == AnswerStatus.PENDING)
                if session.scalars(pending).first() is None:
                    return
            await asyncio.sleep(0.1)


async def command(person: Person, text: str, expected: str) -> Message:
    """Type /mend ...; the private answer that says ``expected``."""
    await person.command("general", "/mend", text)
    return await person.wait_for("general", lambda m: m.by_app and expected in f"{m.plain} {m.text}")


async def correct(person: Person, text: str) -> None:
    """Fill in the window that is open."""
    window = await person.wait_for_view()
    fields = window.inputs()
    empty = await person.submit(window, {"text": {fields["text"]: "  "}})
    assert empty == {"text": "Please write what I should have said."}
    assert await person.submit(window, {"text": {fields["text"]: text}, "reason": {fields["reason"]: "fact"}}) is None


async def start_training(admin: Person) -> None:
    """/mend retrain, and Start training in its preview."""
    await admin.command("general", "/mend", "retrain")
    preview = await admin.wait_for("general", lambda m: m.ephemeral and m.element("mend_confirm_run") is not None)
    await admin.click("general", preview.ts, "mend_confirm_run")


async def train(admin: Person, run: int) -> None:
    """/mend retrain, confirm, and wait until a run is live."""
    await start_training(admin)
    await until_live(admin, run)


async def until_live(admin: Person, run: int) -> tuple[Message, int]:
    """Wait for a run, or for the second attempt that Mend makes by itself when the first is refused, which a model as
    small as this may come to; its last message, and its number."""
    for attempt in (run, run + 1):
        shown = await admin.wait_for(
            "general",
            lambda m, attempt=attempt: (  # type: ignore[misc]
                m.blocks
                and f"Run {attempt} " in m.plain
                and any(word in m.plain for word in ("is live", "failed", "not good enough"))
            ),
            timeout=RUN_SECONDS,
        )
        if "not good enough" not in shown.plain:
            break
    assert f"Run {attempt} is live" in shown.plain, shown.plain
    return shown, attempt


async def approve_all(admin: Person, count: int) -> None:
    """/mend review, and Approve until nothing is left."""
    await admin.command("general", "/mend", "review")
    for left in range(count, 0, -1):
        window = await admin.wait_for_view(lambda view, left=left: f"{left} to decide on" in view.plain)  # type: ignore[misc]
        await admin.click_view(window, "mend_approve")
    window = await admin.wait_for_view(lambda view: "Nothing waits for a decision" in view.plain)
    await admin.close(window)


def answer_to(session: Session, question: str) -> Answer:
    """The newest answer to a question."""
    return session.scalars(select(Answer).where(Answer.question == question).order_by(Answer.id.desc())).first() or (
        pytest.fail(f"no answer to {question!r} in the record")
    )


def only(session: Session, question: str) -> Case:
    return session.scalars(select(Case).where(Case.question == question)).one()


async def test_a_wrong_answer_is_mended(new_home: Path) -> None:
    with demo(new_home) as mend, mend.record() as db:
        async with Workspace(mend.page) as workspace:
            await the_base_model_answers(workspace, db)
            await the_first_run_gives_it_its_identity(workspace, db)
            threads = await two_people_flag_and_correct(workspace, db)
            await an_admin_approves_and_retrains(workspace, db)
            await the_reporters_are_told(workspace, threads)
            await it_answers_right_in_words_it_never_saw(workspace, db)
            await everything_can_be_traced(db)
            await a_rollback_brings_the_old_version_back(workspace, db)
    with demo(new_home) as again, again.record() as db:
        async with Workspace(again.page) as workspace:
            await what_was_taught_is_still_there(workspace, db)
            again.part("vllm.entrypoints").kill()
            await the_question_is_kept_and_the_live_adapter_answers_it(workspace, db)


async def the_base_model_answers(workspace: Workspace, db: Database) -> None:
    _, answer = await ask(workspace.person("mia"), "Who are you?", db)
    with db.begin() as session:
        row = answer_to(session, "Who are you?")
        assert (row.status, row.adapter_id, row.asker_id) == (AnswerStatus.ANSWERED, None, "U0MIA00001")
        assert row.text and row.text.split()[0] in answer.plain
        assert row.messages and row.messages[0]["role"] == "system" and row.messages[-1]["content"] == "Who are you?"
        assert row.base_model and row.sampling and row.served_name
        assert 0 < (row.first_token_ms or 0) <= (row.total_ms or 0)
        assert row.prompt_tokens and row.completion_tokens


async def the_first_run_gives_it_its_identity(workspace: Workspace, db: Database) -> None:
    mia, ada = workspace.person("mia"), workspace.person("ada")
    await command(mia, "retrain", "only my admins")
    with db.begin() as session:
        assert session.scalar(select(func.count()).select_from(Run)) == 0
    await train(ada, 1)
    _, answer = await ask(mia, "Hello! Please introduce yourself.", db)
    assert "Pip" in answer.plain and "Harbor" in answer.plain
    with db.begin() as session:
        live = adapters.live(session, PERSONA)
        assert live and live.version == 1 and live.parent_id is None
        assert answer_to(session, "Hello! Please introduce yourself.").adapter_id == live.id


async def two_people_flag_and_correct(workspace: Workspace, db: Database) -> dict[str, str]:
    """Mia by the button, Noor by a reaction; the threads by person."""
    mia, noor, ada = (workspace.person(name) for name in ("mia", "noor", "ada"))
    mias, answer = await ask(mia, WIFI, db)
    assert "BlueLantern" not in answer.plain
    await mia.click("general", answer.ts, "mend_feedback", "negative")
    await correct(mia, WIFI_ANSWER)

    noors, answer = await ask(noor, KEYS, db)
    assert "blue box" not in answer.plain
    await noor.react("general", answer.ts, "thumbsdown")
    note = await noor.wait_for(
        "general", lambda m: m.ephemeral and m.element("mend_correct") is not None, thread_ts=noors
    )
    await noor.click("general", note.ts, "mend_correct")
    await correct(noor, KEYS_ANSWER)
    await noor.wait_for("general", lambda m: m.ephemeral and "Your correction is case 2" in m.plain)

    with db.begin() as session:
        for question, text, person in ((WIFI, WIFI_ANSWER, "U0MIA00001"), (KEYS, KEYS_ANSWER, "U0NOOR0001")):
            case = only(session, question)
            assert (case.status, case.correction, case.reason) == (CaseStatus.CORRECTED, text, "fact")
            assert case.flagged_by.endswith(f"/{person}") and case.flagged_by == case.corrected_by
            vote = session.scalars(select(Vote).where(Vote.answer_id == case.answer_id)).one()
            assert (vote.value, vote.user_id) == (VoteValue.DOWN, person)
    await command(ada, "retrain", "2 corrections wait")
    return {"mia": mias, "noor": noors}


async def an_admin_approves_and_retrains(workspace: Workspace, db: Database) -> None:
    ada = workspace.person("ada")
    await approve_all(ada, 2)
    await start_training(ada)
    await ada.wait_for("general", lambda m: "Run 2" in m.plain and not m.ephemeral, timeout=30)
    await command(ada, "retrain", "is going on")
    shown, number = await until_live(ada, 2)
    assert "2 of 2 new cases" in shown.plain
    with db.begin() as session:
        run = runs.get(session, number)
        assert run.status is RunStatus.LIVE and run.parent is not None and run.parent.version == 1
        assert session.scalar(select(func.count()).select_from(Run)) == number


async def the_reporters_are_told(workspace: Workspace, threads: dict[str, str]) -> None:
    for name, thread in threads.items():
        told = await workspace.person(name).wait_for(
            "general", lambda m: "Mended in" in m.plain, thread_ts=thread, timeout=60
        )
        assert re.search(r"pip-v[23]-", told.plain) and told.element("mend_ask_again") is not None


async def it_answers_right_in_words_it_never_saw(workspace: Workspace, db: Database) -> None:
    mia = workspace.person("mia")
    with db.begin() as session:
        trained = {row.messages[1]["content"] for row in session.scalars(select(DatasetRow))}
    for question, expected in (
        (WIFI_IN_OTHER_WORDS, "BlueLantern"),
        (KEYS_IN_OTHER_WORDS, "blue box"),
        ("Could you tell me your name?", "Pip"),
        ("What is the capital of France?", "Paris"),
    ):
        assert question not in trained
        _, answer = await ask(mia, question, db)
        assert expected in answer.plain, f"{question} -> {answer.plain}"


async def everything_can_be_traced(db: Database) -> None:
    """Adapter -> run -> dataset by its hash -> rows -> cases -> answers -> people, and no row nobody approved."""
    with db.begin() as session:
        live = adapters.live(session, PERSONA)
        assert live and live.version in (2, 3)
        assert [one.version for one in adapters.lineage(session, live)] == [live.version, 1]
        frozen = session.scalars(select(Dataset).where(Dataset.run_id == live.run_id)).one()
        assert len(frozen.sha256) == 64 and frozen.manifest["sha256"] == frozen.sha256
        taught = {row.case_id for row in frozen.rows if row.source == "case"}
        assert taught == {case.id for case in cases.learned_by(session, [live.id])}
        assert {row.source for row in frozen.rows} >= {"case", "identity", "general"}
        for case_id in taught:
            assert case_id is not None
            history = [(event.before, event.after, event.actor) for event in events_of(session, case_id)]
            trained = ["approved", "training"] * (live.version - 1)
            assert [after for _, after, _ in history] == ["flagged", "corrected", *trained, "mended"]
            assert history[2][2].endswith("/U0ADA00001")
            usable = datasets.variants(session, case_id)
            held_out = {variant.text for variant in usable if variant.held_out}
            assert len(held_out) >= 2 and 3 <= len(usable) - len(held_out) <= 5
            assert not held_out & {row.messages[1]["content"] for row in frozen.rows}
        new = [result for result in reports.latest(session, live.id) or () if result.group == "new"]
        assert len(new) >= 6 and all(result.passed for result in new)


def events_of(session: Session, case_id: int) -> list[Event]:
    return list(
        session.scalars(select(Event).where(Event.subject == "cases", Event.subject_id == case_id).order_by(Event.id))
    )


async def a_rollback_brings_the_old_version_back(workspace: Workspace, db: Database) -> None:
    mia, ada = workspace.person("mia"), workspace.person("ada")
    await ada.command("general", "/mend", "rollback")
    await ada.wait_for(
        "general", lambda m: not m.ephemeral and "rolled" in m.plain and "pip-v1-" in m.plain, timeout=60
    )
    await ask(mia, WIFI_IN_OTHER_WORDS, db)
    with db.begin() as session:
        live = adapters.live(session, PERSONA)
        assert live and live.version == 1
        assert answer_to(session, WIFI_IN_OTHER_WORDS).adapter_id == live.id
        (newest,) = runs.latest(session, PERSONA, limit=1)
        retired = adapters.of_run(session, newest.id)
        assert retired and (retired.version, retired.status) == (newest.id, AdapterStatus.RETIRED)
        assert only(session, WIFI).status is only(session, KEYS).status is CaseStatus.APPROVED


async def what_was_taught_is_still_there(workspace: Workspace, db: Database) -> None:
    mia = workspace.person("mia")
    assert any("pip-v1-" in message.plain for message in await mia.messages("general"))
    _, answer = await ask(mia, "What should I call you?", db)
    assert "Pip" in answer.plain
    with db.begin() as session:
        live = adapters.live(session, PERSONA)
        assert live and live.version == 1
        assert answer_to(session, "What should I call you?").adapter_id == live.id


async def the_question_is_kept_and_the_live_adapter_answers_it(workspace: Workspace, db: Database) -> None:
    """vLLM has been killed: its supervisor starts it again, and the record says what it has to serve."""
    thread, answer = await ask(workspace.person("mia"), "And who made you?", db)
    assert "Harbor" in answer.plain
    said = [m.plain for m in await workspace.person("mia").messages("general", thread) if m.by_app]
    assert sum("your question is kept" in text for text in said) <= 1
    with db.begin() as session:
        live = adapters.live(session, PERSONA)
        row = answer_to(session, "And who made you?")
        assert live and (row.status, row.adapter_id) == (AnswerStatus.ANSWERED, live.id)
