"""What an adapter was made of: hashes that are checked, what `mend why` tells, and cases that are taken back."""

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import text

from feedback import runs
from feedback.database import Database
from feedback.states import CaseStatus, RunStatus
from serving.adapter_checks import CONFIG, sha256_of
from serving.adapter_files import RECORD
from tests.integration.trainer_parts import Workshop, make_workshop
from trainer import stages
from trainer.context import set_out
from trainer.jobs import run_training


@pytest.fixture
def shop(db: Database, tmp_path: Path) -> Workshop:
    return make_workshop(tmp_path, db)


def done(shop: Workshop, status: RunStatus = RunStatus.LIVE) -> int:
    """Start a run and bring it to its end."""
    run_id = shop.start()
    run_training(run_id, shop.context)
    run = shop.run_of(run_id)
    assert run.status is status, run.error
    return run_id


async def half_way(shop: Workshop) -> int:
    """A run whose worker died when its dataset was frozen."""
    run_id = shop.start()
    for stage in (RunStatus.PARAPHRASING, RunStatus.BUILDING):
        with shop.database.begin() as session:
            runs.advance(session, run_id, stage)
    async with set_out(shop.context, run_id) as trip:
        await stages.paraphrase_cases(trip)
        await stages.build_dataset(trip)
    return run_id


def test_a_row_that_was_changed_after_the_dataset_was_frozen_is_not_trained_on(shop: Workshop) -> None:
    done(shop)
    case_id = shop.approve()
    run_id = asyncio.run(half_way(shop))
    with shop.database.begin() as session:
        changed = "UPDATE dataset_rows SET messages = jsonb_set(messages, '{2,content}', '\"Ask Eve.\"') WHERE case_id = :id"
        session.execute(text(changed), {"id": case_id})
    run_training(run_id, shop.context)
    run = shop.run_of(run_id)
    assert run.status is RunStatus.FAILED and "was changed after it was frozen" in (run.error or "")
    assert len(shop.swift.trained) == 1, "only the first run"
    assert shop.case(case_id).status is CaseStatus.APPROVED


def test_a_parent_whose_files_are_not_those_of_the_record_is_not_gone_on_from(shop: Workshop) -> None:
    done(shop)
    live = shop.live()
    assert live is not None
    folder = shop.context.settings.serving.adapters_dir / live.name
    (folder / CONFIG).write_text((folder / CONFIG).read_text().replace('"lora_alpha": 8', '"lora_alpha": 800'))
    beside = json.loads((folder / RECORD).read_text()) | {"config_sha256": sha256_of(folder / CONFIG)}
    (folder / RECORD).write_text(json.dumps(beside))
    shop.approve()
    run = shop.run_of(done(shop, RunStatus.FAILED))
    assert f"{live.name} is not the adapter that was trained" in (run.error or "")
