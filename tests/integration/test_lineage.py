"""What an adapter was made of: hashes that are checked, what `mend why` tells, and cases that are taken back."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

import cli.cases
from feedback import adapters, cases, lineage, patches, previews, runs, taking_back
from feedback.automatic import ANOTHER_ATTEMPT
from feedback.database import Database
from feedback.models import Dataset, DatasetRow
from feedback.runs import Decision
from feedback.states import CaseStatus, RunStatus
from feedback.taking_back import Consequences
from serving.adapter_checks import CONFIG, sha256_of
from serving.adapter_files import RECORD
from tests.integration.test_cli_record import Mend
from tests.integration.trainer_parts import Workshop, make_workshop
from trainer import stages
from trainer.context import set_out
from trainer.jobs import run_training
from trainer.swift import Training


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
        changed = (
            "UPDATE dataset_rows SET messages = jsonb_set(messages, '{2,content}', '\"Ask Eve.\"') WHERE case_id = :id"
        )
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


@pytest.fixture
def mend(
    shop: Workshop, database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Mend:
    """The command, on what the workshop has made."""
    settings = shop.context.settings
    monkeypatch.chdir(settings.persona_dir)
    monkeypatch.setenv("MEND_DATABASE__URL", database_url)
    monkeypatch.setenv("MEND_PERSONA_DIR", str(settings.persona_dir))
    monkeypatch.setenv("MEND_SERVING__ADAPTERS_DIR", str(settings.serving.adapters_dir))
    monkeypatch.setenv("COLUMNS", "300")
    return Mend(capsys)


def test_why_tells_all_that_an_adapter_was_made_of(shop: Workshop, mend: Mend) -> None:
    done(shop)
    wifi = shop.approve()
    done(shop)
    badges = shop.approve(*BADGES)
    done(shop)
    live = shop.live()
    assert live is not None
    status, out, err = mend("why")
    assert status == 0, out + err
    for said in (
        live.name, live.sha256, "run        3, started by T1/UADA", "as it was recorded", *BADGES, "learned",
        "T1/UMIA", "practised again", "identity", "3 of 3", "lora_rank", "pip-v2-", f"case {wifi}",
    ):  # fmt: skip
        assert said in out, f"{said} is missing in:\n{out}"
    assert live.name in mend("why", live.name, "--rows")[1]

    told = json.loads(mend("why", "--json")[1])
    learned = {one["case_id"]: one for one in told["adapter"]["taught"]}
    assert (learned[badges]["new"], learned[badges]["approved_by"]) == (True, ["T1/UADA"])
    assert (learned[wifi]["new"], learned[wifi]["learned"]) == (False, False)
    assert sum(told["adapter"]["sources"].values()) == len(told["adapter"]["rows"])
    assert [one["version"] for one in told["line"]] == [2, 1]
    assert told["known"] == {str(wifi): told["line"][0]["name"], str(badges): live.name}

    status, _, err = mend("why", live.name[:-2])
    assert status == 2 and f"Did you mean {live.name}?" in err


def test_why_tells_general_sets_too(shop: Workshop, mend: Mend, tmp_path: Path) -> None:
    settings, path, general = shop.context.settings, tmp_path / "mixed.yaml", tmp_path / "general.jsonl"
    general.write_text('{"messages": []}\n')
    recipe = settings.training.config.read_text(encoding="utf-8")
    sets = f"  earlier_case_rows: all\n  general_sets: [owner/name#500, '{general}#20']\n"
    path.write_text(recipe.replace("  earlier_case_rows: all\n", sets), encoding="utf-8")
    training = settings.training.model_copy(update={"config": path})
    shop.context = replace(shop.context, settings=settings.model_copy(update={"training": training}))
    done(shop)
    _, out, err = mend("why")
    for said in ("General sets", "owner/name", str(general), sha256_of(general), "general_set  520"):
        assert said in out, f"{said} is missing in:\n{out}{err}"
    told = json.loads(mend("why", "--json")[1])["adapter"]
    assert told["sources"]["general_set"] == 520 == sum(one["rows"] for one in told["general_sets"])
    assert f", {len(told['rows']) + 520} rows, as it was recorded" in out


def test_why_says_when_files_or_rows_are_not_as_they_were(shop: Workshop, mend: Mend) -> None:
    done(shop)
    live = shop.live()
    assert live is not None
    (shop.context.settings.serving.adapters_dir / live.name / CONFIG).write_text("{}")
    with shop.database.begin() as session:
        session.execute(text("UPDATE dataset_rows SET messages = jsonb_set(messages, '{2,content}', '\"I am Eve.\"')"))
    status, out, _ = mend("why")
    assert status == 1 and "truncated or changed" in out and "CHANGED since it was frozen" in out


BADGES = ("Where are the spare badges?", "The spare badges are in drawer 7.")
PARKING = ("Where do guests park?", "Guests park on deck 3.")


def take_back(shop: Workshop, *case_ids: int) -> Consequences:
    with shop.database.begin() as session:
        return taking_back.take_back(session, "pip", case_ids, by="T1/UADA", why="taken back")


def cases_in_line(shop: Workshop) -> set[int | None]:
    """Every case that any dataset in the live adapter's line has a row of."""
    with shop.database.begin() as session:
        line = [one.run_id for one in adapters.lineage(session, adapters.live(session, "pip"))]
        query = select(DatasetRow.case_id).join(Dataset, Dataset.id == DatasetRow.dataset_id)
        return set(session.scalars(query.where(Dataset.run_id.in_(line), DatasetRow.case_id.is_not(None))))


def test_what_was_taken_back_is_in_no_ancestor_of_the_next_adapter(shop: Workshop, mend: Mend) -> None:
    """With a true resume, too: the older adapter's optimizer state is gone by then, so that one run starts warm."""
    settings = shop.context.settings
    training = settings.training.model_copy(update={"resume": "true"})
    shop.context = replace(shop.context, settings=settings.model_copy(update={"training": training}))
    first = shop.adapter(done(shop))
    wifi = shop.approve()
    done(shop)
    badges = shop.approve(*BADGES)
    third = shop.adapter(done(shop))
    assert first and third and cases_in_line(shop) == {wifi, badges}

    follows = take_back(shop, wifi)
    assert (follows.learned, [*follows.origin.again]) == ((wifi,), [badges])
    assert follows.after_rollback is not None and follows.still == (wifi,), "the second adapter has it as well"
    with shop.database.begin() as session:
        found = previews.read(session, "pip", str(shop.context.settings.serving.base_model))
    assert (found.parent, found.cases, found.again, found.without) == (first.name, 0, 1, (wifi,))

    live = shop.live()
    assert live is not None and live.id == third.id and shop.case(badges).status is CaseStatus.MENDED, "until then"
    run = shop.run_of(done(shop))
    assert [one.resume_from is None for one in shop.swift.trained] == [True, False, False, True]
    fourth = shop.live()
    assert fourth is not None and (fourth.parent_id, run.replaces_id) == (first.id, third.id)
    assert cases_in_line(shop) == {badges}
    case = shop.case(badges)
    assert (case.status, case.adapter_id, case.announce) == (CaseStatus.MENDED, fourth.id, False), "nothing new to tell"
    assert shop.case(wifi).status is CaseStatus.WITHDRAWN
    assert f"without    case {wifi}, which was taken back; {third.name} had it" in mend("why")[1]
    with shop.database.begin() as session:
        assert lineage.origin(session, "pip").without == ()
        with pytest.raises(runs.NothingApproved):
            runs.start(session, "pip", "base", 1, by="T1/UADA")


def test_what_one_run_cannot_teach_again_comes_with_the_next(
    shop: Workshop, mend: Mend, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(shop)
    wifi = shop.approve()
    done(shop)
    badges, parking = shop.approve(*BADGES), shop.approve(*PARKING)
    done(shop)
    lunch = shop.approve("When is lunch served?", "Lunch is served at 12:15.")
    for room in (runs, cli.cases):
        monkeypatch.setattr(room, "MOST_CASES", 1)
    out = mend("cases", "withdraw", str(wifi))[1]
    assert "teaches 1 case(s) again" in out and "It forgets 1 more, until the runs after it, which take 1 each." in out
    take_back(shop, wifi)
    with shop.database.begin() as session:
        found = previews.read(session, "pip", str(shop.context.settings.serving.base_model))
    assert (found.cases, found.again, found.forgotten, found.left) == (0, 1, 1, 1)
    statuses = [shop.case(number).status for number in (badges, parking, lunch)]
    assert statuses == [CaseStatus.MENDED, CaseStatus.MENDED, CaseStatus.APPROVED]
    done(shop)
    statuses = [shop.case(number).status for number in (badges, parking, lunch)]
    assert statuses == [CaseStatus.MENDED, CaseStatus.APPROVED, CaseStatus.APPROVED]
    for _ in (lunch, parking):
        done(shop)
    assert cases_in_line(shop) == {badges, parking, lunch}
    assert {shop.case(number).status for number in (badges, parking, lunch)} == {CaseStatus.MENDED}


def test_what_the_first_run_learned_is_taken_back_by_starting_from_the_base_model(shop: Workshop) -> None:
    wifi, badges = shop.approve(), shop.approve(*BADGES)
    done(shop)
    take_back(shop, wifi)
    run = shop.run_of(done(shop))
    live = shop.live()
    assert live is not None and (live.parent_id, run.parent_id) == (None, None)
    assert shop.swift.trained[-1].stage == "first" and cases_in_line(shop) == {badges}
    assert (shop.case(badges).status, shop.case(badges).adapter_id) == (CaseStatus.MENDED, live.id)


def test_what_is_taken_back_while_a_run_has_it_does_not_go_live(shop: Workshop) -> None:
    done(shop)
    wifi = shop.approve()
    done(shop)
    live, badges = shop.live(), shop.approve(*BADGES)

    def withdraw(training: Training) -> None:
        with shop.database.begin() as session:
            cases.withdraw(session, wifi, by="T1/UMIA")

    shop.swift.before = withdraw
    run = shop.run_of(done(shop, RunStatus.FAILED))
    assert run.error == f"Case {wifi} was taken back while the run was under way. Start a new run."
    now = shop.live()
    assert live and now and live.id == now.id and shop.case(badges).status is CaseStatus.APPROVED
    shop.swift.before = lambda training: None
    done(shop)
    assert cases_in_line(shop) == {badges}


def test_a_run_that_has_what_is_taken_back_is_asked_to_stop(shop: Workshop) -> None:
    done(shop)
    wifi = shop.approve()
    done(shop)
    badges = shop.approve(*BADGES)
    run_id = shop.start()
    follows = take_back(shop, wifi, badges)
    assert follows.overtaken is not None and follows.overtaken.id == run_id
    assert [case.id for case in follows.stay] == [badges], "it is being trained on"
    run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is RunStatus.CANCELLED
    done(shop)
    assert cases_in_line(shop) == {badges}


@pytest.mark.parametrize("gate", ["goes live without it", "is turned down"])
def test_a_case_that_is_not_learned_again_waits_approved(shop: Workshop, gate: str) -> None:
    done(shop)
    wifi = shop.approve()
    done(shop)
    badges, parking = shop.approve(*BADGES), shop.approve(*PARKING)
    live = shop.adapter(done(shop))
    take_back(shop, wifi)
    wrong = {"badges", "park"} if gate == "is turned down" else {"badges"}
    shop.server.spoil = lambda name, prompt: (
        "Ask somebody." if name.startswith("pip-v4") and any(word in prompt for word in wrong) else None
    )
    now = done(shop, RunStatus.REJECTED if gate == "is turned down" else RunStatus.LIVE)
    if gate == "is turned down":
        assert live and (shop.case(badges).status, shop.case(badges).adapter_id) == (CaseStatus.MENDED, live.id)
        return
    adapter, case = shop.adapter(now), shop.case(badges)
    assert adapter and (case.status, case.announce) == (CaseStatus.APPROVED, True)
    assert "right in 0 of 3 wordings" in (case.outcome or "")
    assert (shop.case(parking).status, shop.case(parking).adapter_id) == (CaseStatus.MENDED, adapter.id)


def test_other_words_that_a_case_got_meanwhile_are_not_taken_for_learned(shop: Workshop) -> None:
    done(shop)
    wifi = shop.approve()
    done(shop)
    badges, parking = shop.approve(*BADGES), shop.approve(*PARKING)
    done(shop)
    take_back(shop, wifi)

    def rewrite(training: Training) -> None:
        with shop.database.begin() as session:
            cases.correct(session, badges, "The spare badges are at the door.", None, by="T1/UMIA")
            cases.approve(session, badges, by="T1/UADA")

    shop.swift.before = rewrite
    done(shop)
    assert shop.case(badges).status is CaseStatus.APPROVED and shop.case(badges).outcome is None
    assert shop.case(parking).status is CaseStatus.MENDED


def test_what_learned_everything_anew_without_a_case_stays_when_that_is_taken_back(shop: Workshop) -> None:
    done(shop)
    wifi = shop.approve()
    done(shop)
    with shop.database.begin() as session:
        cases.correct(session, wifi, "Ask at the front desk.", None, by="T1/UMIA")
    badges = shop.approve(*BADGES)
    shop.server.spoil = lambda name, prompt: "I am Qwen." if "name" in prompt else None
    done(shop, RunStatus.REJECTED)
    shop.server.spoil = lambda name, prompt: None
    anew = shop.start(by=ANOTHER_ATTEMPT)
    run_training(anew, shop.context)
    parking, live = shop.approve(*PARKING), shop.live()
    assert live is not None and live.run_id == anew and shop.swift.trained[-1].parent is None
    done(shop)
    follows = take_back(shop, wifi)
    assert (follows.learned, follows.origin.without) == ((), ()), "its rows are in older versions alone"
    take_back(shop, parking)
    with shop.database.begin() as session:
        origin = lineage.origin(session, "pip")
    assert origin.parent is not None and origin.parent.id == live.id, "the newest that has no row of it"
    assert origin.again == () and shop.case(badges).status is CaseStatus.MENDED


def test_what_a_version_has_not_learned_is_what_may_be_in_its_prompts(shop: Workshop) -> None:
    """Also after a rollback, when an older version answers."""

    def waiting() -> list[int]:
        with shop.database.begin() as session:
            live = adapters.live(session, "pip")
            return [one.case_id for one in patches.not_learned(session, "pip", live.id if live else None)]

    done(shop)
    wifi = shop.approve()
    assert waiting() == [wifi]
    done(shop)
    badges = shop.approve(*BADGES)
    assert waiting() == [badges]
    with shop.database.begin() as session:
        (only,) = patches.not_learned(session, "pip", None)
        assert (only.question, only.correction) == BADGES, "what is mended is not in prompts, whoever answers"
        adapters.roll_back(session, "pip", by="T1/UADA")
    assert waiting() == [badges, wifi]
    with shop.database.begin() as session:
        assert patches.not_learned(session, "pip", None)[1].wordings, "its wordings are asked for, too"


def test_cases_are_taken_back_from_the_command_line(shop: Workshop, mend: Mend) -> None:
    first = shop.adapter(done(shop))
    wifi = shop.approve()
    second = shop.adapter(done(shop))
    badges = shop.approve(*BADGES)
    third = shop.adapter(done(shop))
    assert first and second and third
    status, out, err = mend("cases", "withdraw", str(wifi), "99")
    assert status == 2 and "Nothing was changed. To do it, add --yes." in err
    assert f"The next run starts from {first.name}, without them, and teaches 1 case(s) again" in out
    assert f"Until it is live, {third.name} answers and still knows them" in out
    assert (
        f"rollback` brings {second.name} back at once, which still knows them" in out and "there is no case 99" in out
    )
    assert shop.case(wifi).status is CaseStatus.MENDED
    assert mend("cases", "withdraw", str(wifi), "--yes")[1].endswith(
        "1 case(s) taken back. Train without them: mend retrain\n"
    )
    assert "None of them can be taken back" in mend("cases", "withdraw", str(wifi), "--yes")[2]
    done(shop)
    assert cases_in_line(shop) == {badges}
    status, _, err = mend("adapters", "promote", third.name)
    assert status == 2 and f"{third.name} has learned case {wifi}, which was taken back since" in err
    assert mend("cases", "withdraw", "--person", "T1/UMIA", "--yes")[0] == 0
    assert shop.case(badges).status is CaseStatus.WITHDRAWN
    (verdict, *_) = (runs.decision(shop.run_of(done(shop))) or Decision(False, ())).checks
    assert verdict.reason == f"There is none: this run only leaves case {badges} out."
    assert cases_in_line(shop) == set(), "with nothing to be taught again, a run goes on from before it as well"
    assert "T1/UNOBODY has written no case" in mend("cases", "withdraw", "--person", "T1/UNOBODY", "--yes")[2]
