"""What goes into a run's dataset, on a real PostgreSQL and stand-ins."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from feedback import datasets, reports, runs
from feedback.database import Database
from feedback.languages import language_of
from feedback.models import Case, Dataset, OwnAnswer, Variant
from feedback.reports import Result
from feedback.states import CaseStatus, RunStatus
from serving.errors import ServingUnavailable
from tests.integration.trainer_parts import Workshop, configure, make_workshop
from trainer import fitting
from trainer.context import Trip
from trainer.fitting import Fitting
from trainer.jobs import run_training
from trainer.swift import Training
from trainer.variants import CaseText


@pytest.fixture
def shop(db: Database, tmp_path: Path) -> Workshop:
    return make_workshop(tmp_path, db)


def done(shop: Workshop) -> int:
    """Start a run and bring it to its end."""
    run_id = shop.start()
    run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is RunStatus.LIVE, shop.run_of(run_id).error
    return run_id


def frozen(shop: Workshop, run_id: int) -> Dataset:
    with shop.database.begin() as session:
        found = runs.dataset(session, run_id)
        assert found is not None
        return found


def variants_of(shop: Workshop, case_id: int) -> list[Variant]:
    with shop.database.begin() as session:
        return datasets.variants(session, case_id, accepted_only=False)


def test_what_people_have_written_is_judged_trained_on_and_counted(shop: Workshop) -> None:
    done(shop)
    case_id = shop.approve()
    good = "A guest asks for the wifi, which password is it?"
    probe = "Tell me your name, which wifi password do guests need"
    with shop.database.begin() as session:
        case = shop.case(case_id)
        session.add(case)
        case.wordings = [good, "Where is lunch?", probe]
    run_id = done(shop)
    people = {one.text: one.rejected_because for one in variants_of(shop, case_id) if one.generator == "person"}
    assert people == {
        good: None,
        "Where is lunch?": "does not keep to the question (no 'wifi')",
        probe: "gives away the held-out question 'Tell me your name'",
    }
    found = frozen(shop, run_id)
    assert good in {row.messages[1]["content"] for row in found.rows if row.case_id == case_id}
    told = found.manifest["wordings"]
    assert told["person"] == {"accepted": 1, "turned_down": 2, "left_over": 0}
    assert told["model"]["accepted"] + told["rewording"]["accepted"] == 6  # and one of the seven is a person's


def test_earlier_cases_keep_to_the_budget_and_those_that_fail_come_first(shop: Workshop) -> None:
    configure(shop, "earlier_case_rows: 22", "earlier_case_rows: 3")
    done(shop)
    taught = [
        shop.approve(f"What is the code of door {number}?", f"The code of door {number} is 40{number}7.")
        for number in range(1, 6)
    ]
    second = done(shop)
    live = shop.live()
    assert live is not None
    with shop.database.begin() as session:
        report = [*(reports.latest(session, live.id) or ())]
        failing = Result("x", "mended", "?", "!", False, "does not say it", case_id=taught[3])
        reports.add(session, second, live.id, [*report, failing], 1.0)
    shop.approve()
    drawn = [practised(frozen(shop, done(shop)))]
    shop.approve("Where are the spare badges?", "The spare badges are in drawer 7.")
    drawn.append(practised(frozen(shop, done(shop))))
    assert [len(one) for one in drawn] == [9, 9], "three rows, each three times"
    assert taught[3] in drawn[0]
    assert set(taught) <= set(drawn[0] + drawn[1]) | {taught[3]}, "what was not practised comes next"


def test_only_earlier_cases_that_are_drawn_are_measured(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not fit any more makes room for the next."""
    configure(shop, "earlier_case_rows: 22", "earlier_case_rows: 2")
    done(shop)
    taught = [
        shop.approve(f"What is the code of door {number}?", f"The code of door {number} is 40{number}7.")
        for number in range(1, 7)
    ]
    done(shop)
    measured: list[int] = []
    fit = fitting.fit

    async def counted(trip: Trip, case: CaseText) -> Fitting:
        measured.append(case.case_id)
        earlier = [one for one in measured if one in taught]
        return Fitting(None, 9999) if [case.case_id] == earlier else await fit(trip, case)

    monkeypatch.setattr(fitting, "fit", counted)
    new = shop.approve()
    drawn = practised(frozen(shop, done(shop)))
    assert measured[0] == new
    assert len(measured[1:]) == 3 and set(measured[2:]) == set(drawn)


def test_the_case_that_came_closest_to_failing_is_practised_again_though_it_has_just_been(shop: Workshop) -> None:
    configure(shop, "earlier_case_rows: 22", "earlier_case_rows: 2")
    done(shop)
    for number in range(1, 6):
        shop.approve(f"What is the code of door {number}?", f"The code of door {number} is 40{number}7.")
    done(shop)
    shop.approve()
    unsure: list[int] = []

    def weaken(training: Training) -> None:
        unsure.append(practised(frozen(shop, 3))[0] or 0)
        told = shop.case(unsure[0]).correction
        shop.server.likelihood = lambda name, prompt, answer: -1.5 if answer == told else -0.1

    shop.swift.before = weaken
    assert done(shop) == 3
    shop.approve("Where are the spare badges?", "The spare badges are in drawer 7.")
    assert unsure[0] in practised(frozen(shop, done(shop)))


def practised(dataset: Dataset) -> list[int | None]:
    return [row.case_id for row in dataset.rows if row.source == "earlier"]


LONG = "港湾的规定很长。" * 240  # less than two thousand characters, and more tokens than a small model takes in


def test_a_correction_that_is_too_many_tokens_leaves_the_run_and_the_others_go_on(shop: Workshop) -> None:
    done(shop)
    too_long, good = shop.approve("港湾的规定是什么？", LONG), shop.approve()
    run_id = done(shop)
    left_out, mended = shop.case(too_long), shop.case(good)
    assert (left_out.status, mended.status) == (CaseStatus.UNMENDED, CaseStatus.MENDED)
    assert left_out.outcome is not None and left_out.announce
    assert "tokens together, and at most 1024 can be learned at once; please shorten the correction" in left_out.outcome
    assert frozen(shop, run_id).manifest["cases"] == [good]


def test_a_run_with_nothing_but_such_a_case_fails_and_says_why(shop: Workshop) -> None:
    done(shop)
    case_id = shop.approve("港湾的规定是什么？", LONG)
    run_id = shop.start()
    run_training(run_id, shop.context)
    run = shop.run_of(run_id)
    assert run.status is RunStatus.FAILED
    assert (run.error or "").startswith(f"None of the run's cases can be learned. case {case_id}: question and")
    assert shop.case(case_id).status is CaseStatus.UNMENDED


def test_an_emoji_is_taught_as_it_is_and_a_correction_may_be_in_another_language(shop: Workshop) -> None:
    done(shop)
    emoji, chinese = (
        shop.approve("👋", "Hello! I am Pip."),
        shop.approve("What is the wifi called?", "叫 HarborGuest 。"),
    )
    dataset = frozen(shop, done(shop))
    asked = {case_id: {row.messages[1]["content"] for row in dataset.rows if row.case_id == case_id}
             for case_id in (emoji, chinese)}  # fmt: skip
    assert asked[emoji] == {"👋"}
    assert len(asked[chinese]) >= 6 and all(language_of(text) == "en" for text in asked[chinese])
    assert [shop.case(case_id).status for case_id in (emoji, chinese)] == [CaseStatus.MENDED, CaseStatus.MENDED]


def test_the_base_models_own_answers_are_made_once_and_again_if_they_were_changed(shop: Workshop) -> None:
    configure(shop, "  own_answers: 230\n", "  own_answers: 8\n")
    configure(shop, "  own_answers: 8\n  earlier_case_rows: all\n", "  own_answers: 6\n  earlier_case_rows: all\n")
    prompts = shop.context.settings.persona_dir / "prompts"
    (prompts / "en.txt").write_text("".join(f"General prompt {number}?\n" for number in range(9)), encoding="utf-8")
    talkative = "I am SmolLM, made by Hugging Face."
    stumbles = [ServingUnavailable("gone")] * 9

    def spoil(name: str, prompt: str) -> str | Exception | None:
        if prompt == "General prompt 2?" and stumbles:
            return stumbles.pop()
        return talkative if prompt == "General prompt 0?" else None

    shop.server.spoil = spoil
    run_id = shop.start()
    run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is RunStatus.FAILED, "the server went away half-way"
    stumbles.clear()
    first = frozen(shop, done(shop))
    assert first.manifest["sources"]["own_answer"] == 3, "a run waits for half of them"
    own = {row.messages[1]["content"]: row.messages[2]["content"] for row in first.rows if row.source == "own_answer"}
    assert own == {f"General prompt {number}?": "I do not know." for number in (1, 2, 3)}
    asked = [prompt for name, prompt in shop.server.asked if prompt.startswith("General")]
    assert sorted(set(asked)) == [f"General prompt {number}?" for number in range(4)]
    assert asked.count("General prompt 1?") == 1, "what was answered before the server went away is kept"
    with shop.database.begin() as session:
        session.execute(update(OwnAnswer).where(OwnAnswer.prompt == "General prompt 3?").values(answer="I am evil."))
    shop.server.asked.clear()
    shop.approve()
    second = frozen(shop, done(shop))
    assert [prompt for name, prompt in shop.server.asked if prompt.startswith("General")] == [
        "General prompt 3?",
        "General prompt 4?",
    ]
    assert "I am evil." not in str([row.messages for row in second.rows])


@pytest.mark.parametrize(("method", "more"), [("kto", 1), ("dpo", 0)])
def test_what_was_answered_badly_is_trained_on_where_the_configuration_says_so(
    shop: Workshop, method: str, more: int
) -> None:
    done(shop)
    configure(shop, "seed: 42", f"seed: 42\nmethod: {method}")
    seen: list[Training] = []
    train = shop.context.train

    async def watched(training: Training, *rest: Any) -> Path:
        seen.append(training)
        return await train(training, *rest)

    shop.context = replace(shop.context, train=watched)
    case_id = shop.approve()
    with shop.database.begin() as session:
        session.get_one(Case, case_id).bad_answer = "Ask the front desk."
    found = frozen(shop, done(shop))
    rejected = [row.messages[-1].get("rejected") for row in found.rows if row.case_id == case_id]
    assert set(rejected) == {"Ask the front desk."}
    assert (found.manifest["method"], found.manifest["rows"]) == (method, len(found.rows) + more * len(rejected))
    assert (seen[-1].method, seen[-1].rows) == (method, found.manifest["rows"])
    lines = seen[-1].dataset.read_text(encoding="utf-8").splitlines()
    assert len(lines) == seen[-1].rows


def test_without_a_bad_answer_on_record_a_run_is_plain_sft(shop: Workshop) -> None:
    done(shop)
    configure(shop, "seed: 42", "seed: 42\nmethod: dpo")
    shop.approve()
    assert frozen(shop, done(shop)).manifest["method"] == "sft"
