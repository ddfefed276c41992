"""A run's way on a real PostgreSQL: to live, to rejected, to failed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from feedback import adapters, datasets, reports, runs, tracing
from feedback.automatic import ANOTHER_ATTEMPT
from feedback.datasets import FROM_BASE
from feedback.states import AdapterStatus, CaseStatus, RunStatus
from serving.errors import ServingUnavailable
from tests.integration.trainer_parts import ANSWER, QUESTION, STAGES, Workshop, configure, done
from trainer import checking
from trainer.jobs import run_training
from trainer.reporter import Reporter
from trainer.swift import Choose, Training, TrainingFailed
from trainer.training_log import Step


def test_the_first_run_teaches_the_identity(shop: Workshop) -> None:
    run_id = done(shop)
    run, adapter = shop.run_of(run_id), shop.adapter(run_id)
    assert (run.status, run.error) == (RunStatus.LIVE, None)
    assert shop.way(run_id) == [RunStatus.QUEUED, *STAGES, RunStatus.LIVE]
    assert adapter is not None
    assert (adapter.status, adapter.parent_id, adapter.version) == (AdapterStatus.LIVE, None, 1)
    assert (shop.context.settings.serving.adapters_dir / adapter.name / "READY").exists()
    assert run.config["languages"] == ["en"]
    assert run.progress["stage"] == "live"
    assert set(run.progress["seconds"]) == set(STAGES)


def test_a_case_is_mended_in_words_that_were_not_trained_on(shop: Workshop) -> None:
    done(shop)
    case_id = shop.approve()
    run_id = done(shop)
    case, adapter = shop.case(case_id), shop.adapter(run_id)
    assert adapter is not None
    assert (case.status, case.adapter_id, case.announce) == (CaseStatus.MENDED, adapter.id, True)
    assert shop.swift.trained[-1].parent is not None
    with shop.database.begin() as session:
        variants = datasets.variants(session, case_id)
        frozen = runs.dataset(session, run_id)
        assert frozen is not None
        trained = {row.messages[1]["content"] for row in frozen.rows}
        new = [result for result in reports.latest(session, adapter.id) or () if result.group == "new"]
    held_out = {variant.text for variant in variants if variant.held_out}
    assert len(held_out) == 2
    assert not held_out & trained
    assert {variant.text for variant in variants} - held_out < trained
    assert {result.prompt for result in new} == held_out | {QUESTION}
    assert all(result.passed and result.answer == ANSWER for result in new)


def test_the_next_run_keeps_what_was_mended_and_asks_the_live_adapter_nothing_twice(shop: Workshop) -> None:
    done(shop)
    shop.approve()
    second = done(shop)
    live = shop.adapter(second)
    assert live is not None
    shop.server.asked.clear()
    shop.approve("Where are the spare badges?", "The spare badges are in drawer 7.")
    third = done(shop)
    assert shop.run_of(third).status is RunStatus.LIVE
    assert not [prompt for name, prompt in shop.server.asked if name == live.name]
    assert [p for n, p in shop.server.asked if n.startswith("base")] == [
        prompt for _, prompt in shop.server.asked if "Rewrite" in prompt
    ]
    with shop.database.begin() as session:
        frozen = runs.dataset(session, third)
        assert frozen is not None
        assert frozen.manifest["sources"]["earlier"] == 3 * 6
        adapter = adapters.of_run(session, third)
        assert adapter is not None
        mended = [result for result in reports.latest(session, adapter.id) or () if result.group == "mended"]
    assert len(mended) == 2


def test_a_candidate_that_mends_nothing_is_rejected_and_the_live_one_stays(shop: Workshop) -> None:
    done(shop)
    live = shop.live()
    case_id = shop.approve()
    shop.server.spoil = lambda name, prompt: "Ask somebody." if "wifi" in prompt and "Rewrite" not in prompt else None
    run_id = done(shop)
    case, adapter = shop.case(case_id), shop.adapter(run_id)
    assert shop.run_of(run_id).status is RunStatus.REJECTED
    assert case.status is CaseStatus.UNMENDED
    assert case.outcome is not None
    assert "right in 0 of 3 wordings" in case.outcome
    assert adapter is not None
    assert adapter.status is AdapterStatus.REJECTED
    assert adapter.name not in shop.server.loaded
    now_live = shop.live()
    assert live is not None
    assert now_live is not None
    assert now_live.id == live.id


def test_a_learned_case_whose_candidate_broke_something_waits_for_the_next_run(shop: Workshop) -> None:
    done(shop)
    case_id = shop.approve()
    shop.server.spoil = lambda name, prompt: "I am Qwen." if name.startswith("pip-v2") and "name" in prompt else None
    run_id = done(shop)
    decision = runs.decision(shop.run_of(run_id))
    assert shop.run_of(run_id).status is RunStatus.REJECTED
    assert decision is not None
    assert "'Tell me your name'" in decision.reasons[0]
    assert shop.case(case_id).status is CaseStatus.APPROVED


def test_a_run_that_is_tried_again_draws_and_trains_by_another_seed(shop: Workshop) -> None:
    done(shop)
    shop.approve()
    shop.server.spoil = lambda name, prompt: "I am Qwen." if name.startswith("pip-v2") and "name" in prompt else None
    refused, tried_again = done(shop), done(shop)
    seeds = [shop.run_of(run_id).seed for run_id in (refused, tried_again)]
    assert seeds == [42, 43]
    assert shop.run_of(tried_again).status is RunStatus.LIVE


def refused(shop: Workshop) -> int:
    """Approve a case and have the gate refuse what has learned it: the run's number."""
    shop.approve("When do we water the plants?", "We water the plants on Mondays.")
    shop.server.spoil = lambda name, prompt: "I am Qwen." if "name" in prompt else None
    run_id = done(shop)
    assert shop.run_of(run_id).status is RunStatus.REJECTED
    shop.server.spoil = lambda name, prompt: None
    return run_id


def test_a_second_attempt_learns_from_the_base_model_all_that_the_live_adapter_knows(shop: Workshop) -> None:
    done(shop)
    mended = shop.approve()
    done(shop)
    live, first = shop.live(), refused(shop)
    second = done(shop, by=ANOTHER_ATTEMPT)
    run, adapter, training = shop.run_of(second), shop.adapter(second), shop.swift.trained[-1]
    assert live is not None
    assert adapter is not None
    assert (run.status, run.error) == (RunStatus.LIVE, None)
    assert [one.parent is None for one in shop.swift.trained] == [True, False, False, True]
    assert training.stage == "first"
    with shop.database.begin() as session:
        was, now = datasets.manifest(session, first), datasets.manifest(session, second)
        assert now is not None
        assert was is not None
        assert (was.get(FROM_BASE), now.get(FROM_BASE)) == (None, True)
        assert now["sources"]["earlier"] == now["sources"]["case"] == 18 * 6
        assert [one.id for one in adapters.lineage(session, adapter)][:2] == [adapter.id, live.id]
        assert "as good as before" in str(runs.decision(run))
        assert tracing.trace(session, adapter).steps[0].anew
    assert shop.case(mended).status is CaseStatus.MENDED
    with shop.database.begin() as session:
        _, back = adapters.roll_back(session, "pip", by="T1/UADA")
        assert back is not None
        assert back.name == live.name


def test_a_second_attempt_is_asked_about_every_mended_case_and_not_mixed(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "MOST", 1)
    done(shop)
    for number in range(2):
        shop.approve(f"Where are the badges of floor {number}?", f"Those of floor {number} are in drawer 7{number}.")
    done(shop)
    refused(shop)
    shop.server.spoil = lambda name, prompt: "I am Qwen." if "name" in prompt else None
    second = done(shop, by=ANOTHER_ATTEMPT)
    assert shop.run_of(second).status is RunStatus.REJECTED
    with shop.database.begin() as session:
        (candidate,) = adapters.all_of_run(session, second)
        asked = {one.case_id for one in reports.latest(session, candidate.id) or () if one.group == "mended"}
    assert len(asked) == 2, "it was trained from the base model: what is not asked may not be known"


def test_a_second_attempt_goes_on_from_the_live_adapter_where_not_every_mended_case_has_a_row(shop: Workshop) -> None:
    configure(shop, "earlier_case_rows: 72 ", "earlier_case_rows: 1 ")
    done(shop)
    for number in range(2):
        shop.approve(
            f"Where are the badges of floor {number}?", f"The badges of floor {number} are in drawer 7{number}."
        )
    done(shop)
    refused(shop)
    second = done(shop, by=ANOTHER_ATTEMPT)
    assert shop.run_of(second).status is RunStatus.LIVE
    assert shop.swift.trained[-1].parent is not None


def test_a_second_attempt_at_a_first_run_is_a_first_run(shop: Workshop) -> None:
    shop.server.spoil = lambda name, prompt: "I am Qwen." if "name" in prompt else None
    first = done(shop)
    shop.server.spoil = lambda name, prompt: None
    second = done(shop, by=ANOTHER_ATTEMPT)
    assert [shop.run_of(one).status for one in (first, second)] == [RunStatus.REJECTED, RunStatus.LIVE]
    with shop.database.begin() as session:
        assert FROM_BASE not in (datasets.manifest(session, second) or {})


def failed(shop: Workshop) -> str:
    """Start a run that has to fail, and see that everything is as it was before it; its error."""
    before = shop.live()
    case_id = shop.approve()
    run_id = done(shop)
    run, after = shop.run_of(run_id), shop.live()
    assert run.status is RunStatus.FAILED, run.error
    assert run.finished_at is not None
    assert shop.case(case_id).status is CaseStatus.APPROVED
    assert (after and after.id) == (before and before.id)
    candidate = shop.adapter(run_id)
    assert candidate is None or candidate.status is AdapterStatus.REJECTED
    assert run.error is not None
    return run.error


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "error"),
    [
        ("persona.yaml", "name: Pip", "name: [Pip]", "persona.yaml:2: name: "),
        ("probes.yaml", "group: rigour", "group: vigour", "probes.yaml:5: probes.2.group: "),
        ("self_cognition/en.jsonl", '"I am Pip."', '""', "en.jsonl:1: output: is empty"),
        ("replay/en.jsonl", '{"instruction": "2', "{{", "en.jsonl:1: (line): is not JSON"),
    ],
)
def test_a_wrong_file_fails_the_run_with_its_line_and_field(
    shop: Workshop, file: str, old: str, new: str, error: str
) -> None:
    edit(shop.context.settings.persona_dir / file, old, new)
    assert error in failed(shop)


def test_a_wrong_training_config_fails_the_run(shop: Workshop, tmp_path: Path) -> None:
    settings = shop.context.settings
    config = tmp_path / "config.yaml"
    config.write_text(settings.training.config.read_text().replace("max_length: 1024", "max_length: many"))
    training = settings.training.model_copy(update={"config": config})
    shop.context = replace(shop.context, settings=settings.model_copy(update={"training": training}))
    assert "config.yaml:" in (error := failed(shop))
    assert "max_length" in error


def test_a_missing_model_folder_fails_the_run(shop: Workshop) -> None:
    shop.context.settings.serving.base_model.rename(shop.context.settings.serving.base_model.with_name("gone"))
    assert failed(shop).startswith("Model folder missing")


def test_a_run_for_another_model_is_not_trained_with_this_one(shop: Workshop) -> None:
    with shop.database.begin() as session:
        run_id = runs.start(session, "pip", "/models/other", 1, by="T1/UADA").id
    run_training(run_id, shop.context)
    error = shop.run_of(run_id).error
    assert error is not None
    assert "/models/other" in error


def test_a_training_that_fails_leaves_its_tail(shop: Workshop) -> None:
    def fail(training: Training) -> None:
        raise TrainingFailed("The disk is full.", status=1, tail="OSError: [Errno 28] No space left on device")

    done(shop)
    shop.swift.before = fail
    assert failed(shop) == "The disk is full.\n\nOSError: [Errno 28] No space left on device"


def test_a_truncated_adapter_fails_the_run_before_it_is_loaded(shop: Workshop) -> None:
    done(shop)
    train = shop.context.train

    async def truncate(training: Training, on_steps: Callable[..., None], choose: Choose) -> Path:
        folder = await train(training, on_steps, choose)
        weights = folder / "adapter_model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-3])
        return folder

    shop.context = replace(shop.context, train=truncate)
    loaded = set(shop.server.loaded)
    assert "cut off" in failed(shop)
    assert shop.server.loaded == loaded


def test_a_server_that_refuses_the_adapter_fails_the_run(shop: Workshop) -> None:
    done(shop)
    shop.server.refuse = "LoRA rank 8 is above the limit of the server."
    assert failed(shop) == shop.server.refuse


def test_a_server_that_stays_away_fails_the_run(shop: Workshop) -> None:
    done(shop)
    shop.server.spoil = lambda name, prompt: ServingUnavailable("No model server answers at http://x.")
    assert failed(shop) == "No model server answers at http://x."


def test_a_live_adapter_that_has_lost_its_files_is_named(shop: Workshop) -> None:
    done(shop)
    live = shop.live()
    assert live is not None
    folder = shop.context.settings.serving.adapters_dir / live.name
    (folder / "adapter_model.safetensors").write_bytes(b"short")
    assert f"{live.name} was truncated or changed" in failed(shop)


def test_a_bug_does_not_leave_the_run_active(shop: Workshop) -> None:
    def stumble(training: Training) -> None:
        raise ZeroDivisionError("division by zero")

    shop.swift.before = stumble
    assert failed(shop) == "Unexpected error, see the worker's log: ZeroDivisionError: division by zero"


def test_a_run_is_overtaken_by_a_rollback(shop: Workshop) -> None:
    done(shop)

    def roll_back(training: Training) -> None:
        with shop.database.begin() as session:
            adapters.roll_back(session, "pip", by="T1/UADA")

    shop.approve()
    shop.swift.before = roll_back
    run_id = done(shop)
    run, candidate = shop.run_of(run_id), shop.adapter(run_id)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert "the base model is live. Start a new run." in run.error
    assert candidate is not None
    assert candidate.status is AdapterStatus.REJECTED
    assert shop.live() is None


def test_progress_is_written_at_most_once_a_second_and_its_curve_stays_short(shop: Workshop) -> None:
    run_id = shop.start()
    reporter = Reporter(shop.database, run_id, {"seconds": {"paraphrasing": 3.0}})

    def shown() -> tuple[str, int, int]:
        progress = shop.run_of(run_id).progress
        return progress["stage"], progress["step"], len(progress["losses"])

    steps = [Step(number, 1000, 1 / number, 5.0) for number in range(1, 1001)]
    reporter.enter("training")
    reporter.training(steps[:1])
    assert shown() == ("training", 0, 0), "the stage was written less than a second ago"
    reporter.training(steps)
    assert shown()[:2] == ("training", 1000), "the last step is always shown"
    assert 50 <= shown()[2] <= 61
    reporter.enter("probing")
    reporter.tell(1, 4, "asked")
    assert shown()[:2] == ("probing", 0)
    anew = Reporter(shop.database, run_id, shop.run_of(run_id).progress)
    anew.enter("probing")
    assert shown()[2] >= 50, "a worker that goes on keeps the curve"
    seconds = shop.run_of(run_id).progress["seconds"]
    assert (seconds["paraphrasing"], set(seconds)) == (3.0, {"paraphrasing", "training"})


def test_a_true_resume_goes_on_from_the_checkpoint_of_the_live_adapters_run(shop: Workshop) -> None:
    first = done(shop)
    shop.approve()
    settings = shop.context.settings
    training = settings.training.model_copy(update={"resume": "true"})
    shop.context = replace(shop.context, settings=settings.model_copy(update={"training": training}))
    done(shop)
    expected = settings.training.runs_dir / f"run-{first}" / "output" / "checkpoint-2"
    assert shop.swift.trained[-1].resume_from == expected


def test_checkpoints_that_nothing_goes_on_from_are_dropped(shop: Workshop) -> None:
    ids = [done(shop)]
    for number in (1, 2):
        shop.approve(f"What is the code of door {number}?", f"The code of door {number} is 40{number}7.")
        ids.append(done(shop))
    folders = [shop.context.settings.training.runs_dir / f"run-{run_id}" for run_id in ids]
    assert [(folder / "output").exists() for folder in folders] == [False, True, True]
    assert all((folder / "dataset.jsonl").exists() for folder in folders)
