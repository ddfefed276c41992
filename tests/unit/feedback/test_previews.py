"""How big a run will be, judged by the runs before it."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from feedback.previews import Past, Size, judge
from settings import ROOT

CONFIG = yaml.safe_load(Path(ROOT / "trainer" / "configs" / "smollm2-135m-cpu.yaml").read_text(encoding="utf-8"))
CONFIG["paraphrases_per_case"] = 4
CONFIG["first"]["num_train_epochs"] = 2
CONFIG["first_replay"] = {
    "new_case_repeats": 1,
    "identity_rows": "all",
    "general_rows": 40,
    "earlier_case_rows": "all",
}
CONFIG["replay"] = {"new_case_repeats": 4, "identity_rows": 20, "general_rows": 40, "earlier_case_rows": 24}
REPEATS, EPOCHS = CONFIG["replay"]["new_case_repeats"], CONFIG["follow_up"]["num_train_epochs"]
FIRST = Past(1, True, CONFIG, {"identity": 50, "general": 40}, {"training": 180.0, "probing": 30.0, "building": 1.0})


def test_with_no_run_to_judge_by_nothing_is_claimed() -> None:
    assert judge(2, 0, False, []) == Size()


def test_the_second_run_is_judged_by_the_first() -> None:
    found = judge(2, 0, False, [FIRST])
    assert found.rows == 2 * 5 * REPEATS + 20 + 40  # five wordings of each case, and the recipe's replay
    assert found.seconds == pytest.approx(180 / (90 * 2) * found.rows * EPOCHS + 31)


def test_earlier_cases_are_practised_again() -> None:
    assert judge(1, 3, False, [FIRST]).rows == 5 * REPEATS + 3 * 5 + 60


def test_earlier_cases_may_be_practised_several_times() -> None:
    recipe = {**CONFIG, "replay": {**CONFIG["replay"], "earlier_repeats": 3}}
    assert judge(1, 3, False, [replace(FIRST, config=recipe)]).rows == 5 * REPEATS + 3 * 3 * 5 + 60


def test_earlier_cases_cost_no_more_however_many_there_are() -> None:
    most = CONFIG["replay"]["earlier_case_rows"]
    assert judge(1, 1000, False, [FIRST]).rows == 5 * REPEATS + most + 60 == judge(1, 5000, False, [FIRST]).rows


def test_own_answers_and_general_sets_are_counted() -> None:
    more = {"own_answers": 100, "general_sets": ["owner/name#500", "rows.jsonl#20"]}
    recipe = {**CONFIG, "replay": {**CONFIG["replay"], **more}}
    assert judge(1, 0, False, [replace(FIRST, config=recipe)]).rows == 5 * REPEATS + 60 + 100 + 520


def test_what_kto_rejects_is_a_row_of_its_own() -> None:
    kto = [replace(FIRST, config={**CONFIG, "method": "kto"})]
    assert judge(1, 0, False, kto).rows == 2 * 5 * REPEATS + 60
    assert judge(1, 0, True, kto).rows == judge(1, 0, True, [FIRST]).rows, "a first run is SFT"


def test_a_run_that_learned_everything_anew_stands_for_no_other_kind() -> None:
    recipe = {**CONFIG, "second_attempt": {**CONFIG["replay"], "identity_rows": 20, "general_rows": 10}}
    anew = Past(2, True, recipe, {"identity": 20, "general": 10}, {"training": 300.0, "probing": 90.0}, anew=True)
    known = [anew, replace(FIRST, config=recipe)]
    assert judge(0, 0, True, known).rows == 90, "all of the identity is what the first run drew"
    found = judge(0, 0, True, known)
    assert found.seconds == pytest.approx(_pace(known) * 90 * 2 + 31)


def _pace(known: list[Past]) -> float:
    return sum(one.seconds["training"] / (one.rows * 2) for one in known) / len(known)


def test_a_run_of_few_new_rows_is_counted_with_less_replay() -> None:
    recipe = {**CONFIG, "replay": {**CONFIG["replay"], "own_answers": 40, "most_replay_per_new_row": 2.0}}
    past = [replace(FIRST, config=recipe)]
    assert judge(1, 0, False, past).rows == 20 + 40 * (20 + 40 + 40) // 100
    assert judge(3, 0, False, past).rows == 60 + 100 == judge(4, 0, False, past).rows - 20  # type: ignore[operator]
    assert judge(0, 0, False, past).rows == 100, "what is taken back leaves no new rows, and the identity is needed"


def test_another_first_run_draws_the_same_identity_set() -> None:
    assert judge(0, 0, True, [FIRST]).rows == 90


def test_a_pool_that_nobody_has_counted_is_not_guessed() -> None:
    follow_up = Past(2, False, CONFIG, {"identity": 20, "general": 40, "case": 10}, {"training": 100.0})
    assert judge(0, 0, True, [follow_up]) == Size()


def test_a_run_whose_training_was_not_timed_gives_rows_and_no_time() -> None:
    untimed = Past(1, True, CONFIG, {"identity": 50, "general": 40}, {})
    assert judge(1, 0, False, [untimed]) == Size(rows=5 * REPEATS + 60)


def test_what_comes_beside_training_is_taken_from_runs_of_the_same_kind() -> None:
    second = Past(2, False, CONFIG, {"identity": 20, "general": 40, "case": 20}, {"training": 240.0, "probing": 60.0})
    found = judge(2, 0, False, [second, FIRST])
    paces = 240 / (80 * EPOCHS), 180 / (90 * 2)
    assert found.seconds == pytest.approx(sum(paces) / 2 * (10 * REPEATS + 60) * EPOCHS + 60)
