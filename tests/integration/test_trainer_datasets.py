"""What goes into a run's dataset, on a real PostgreSQL and stand-ins."""

from dataclasses import replace
from pathlib import Path

import pytest

from feedback import datasets, reports, runs
from feedback.database import Database
from feedback.models import Dataset, Variant
from feedback.reports import Result
from feedback.states import RunStatus
from tests.integration.trainer_parts import Workshop, make_workshop
from trainer.jobs import run_training


@pytest.fixture
def shop(db: Database, tmp_path: Path) -> Workshop:
    return make_workshop(tmp_path, db)


def done(shop: Workshop) -> int:
    """Start a run and bring it to its end."""
    run_id = shop.start()
    run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is RunStatus.LIVE, shop.run_of(run_id).error
    return run_id


def configure(shop: Workshop, old: str, new: str) -> None:
    """Train with another configuration from here on."""
    settings = shop.context.settings
    text = settings.training.config.read_text(encoding="utf-8")
    assert old in text
    path = settings.training.runs_dir.with_name("config.yaml")
    path.write_text(text.replace(old, new), encoding="utf-8")
    training = settings.training.model_copy(update={"config": path})
    shop.context = replace(shop.context, settings=settings.model_copy(update={"training": training}))


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
    assert told["model"]["accepted"] + told["rewording"]["accepted"] == 5  # and one of the six is a person's


def test_earlier_cases_keep_to_the_budget_and_those_that_fail_come_first(shop: Workshop) -> None:
    configure(shop, "earlier_case_rows: 24", "earlier_case_rows: 3")
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
    assert [len(one) for one in drawn] == [3, 3]
    assert taught[3] in drawn[0]
    assert set(taught) <= set(drawn[0] + drawn[1]) | {taught[3]}, "what was not practised comes next"


def practised(dataset: Dataset) -> list[int | None]:
    return [row.case_id for row in dataset.rows if row.source == "earlier"]
