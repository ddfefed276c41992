"""Many adapters trained at once are those that they would be alone; and what a pupil is taught, asked and judged by."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
import yaml
from transformers import LlamaConfig, LlamaForCausalLM

from bench.learning.arms import ARMS
from bench.recipes.__main__ import not_comparable
from bench.recipes.bank import Bank, Weights
from bench.recipes.pupil import Pupil, School, choose, probes_of, read_persona, result
from bench.recipes.training import Lesson, Row, train
from local.embedded import SMALL_CONFIG
from trainer.config import Stage, TrainConfig
from trainer.probes import ProbeGroup
from trainer.wording import words

STAGE = Stage(
    num_train_epochs=2, learning_rate=1e-2, warmup_ratio=0.1, lr_scheduler_type="cosine", per_device_train_batch_size=2,
    gradient_accumulation_steps=1,
)  # fmt: skip


def bank_of(count: int) -> Bank:
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=32, tie_word_embeddings=True,
    )  # fmt: skip
    return Bank(LlamaForCausalLM(shape), None, count, rank=2, alpha=8, dropout=0.0)


def rows_of(seed: int, count: int) -> list[Row]:
    dice = torch.Generator().manual_seed(seed)
    return [(torch.randint(1, 40, (5 + each % 3,), generator=dice).tolist(), 2) for each in range(count)]


LESSONS = [Lesson(rows_of(1, 5), STAGE, seed=1), Lesson(rows_of(2, 3), STAGE, seed=2)]


def trained(lessons: Sequence[Lesson]) -> list[list[Weights]]:
    bank = bank_of(len(lessons))
    return train(bank, bank.fresh(3), lessons)


def test_adapters_that_are_trained_side_by_side_are_those_that_are_trained_alone() -> None:
    together = trained(LESSONS)
    for lesson, epochs in zip(LESSONS, together, strict=True):
        (alone,) = trained([lesson])
        assert len(epochs) == len(alone) == STAGE.num_train_epochs
        for one, other in zip(epochs, alone, strict=True):
            for mine, theirs in zip(one, other, strict=True):
                torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)
    first, last = together[0]
    assert any(not torch.equal(before, after) for before, after in zip(first, last, strict=True))


def test_recipes_with_other_batches_are_refused() -> None:
    other = STAGE.model_copy(update={"gradient_accumulation_steps": 2})
    with pytest.raises(ValueError, match=r"\[2, 4\]"):
        trained([LESSONS[0], Lesson(rows_of(2, 3), other, seed=2)])


def test_a_rate_warms_up_and_comes_down_to_nothing() -> None:
    lesson = Lesson(rows_of(1, 20), STAGE, seed=1)
    rates = [lesson.rate(step) for step in range(lesson.steps + 3)]
    assert rates[0] == 0.0 and max(rates) == rates[2] == STAGE.learning_rate
    assert sorted(rates[2 : lesson.steps], reverse=True) == rates[2 : lesson.steps]
    assert rates[lesson.steps :] == [0.0, 0.0, 0.0]


@pytest.fixture(scope="module")
def school() -> Iterator[School]:
    persona = read_persona()
    gate, asked = probes_of(persona)
    base = tuple(result(probe, "") for probe in gate if probe.group is ProbeGroup.ABILITY)
    yield School(persona, gate, asked, base, own=())


@pytest.fixture
def pupil() -> Pupil:
    config = yaml.safe_load(Path(SMALL_CONFIG).read_text(encoding="utf-8"))
    config["replay"]["own_answers"] = 0
    return Pupil("mend", TrainConfig.model_validate(config), seed=1, rounds=2)


@pytest.mark.parametrize(
    ("name", "why"), [("mend", ""), ("no-paraphrases", ""), ("by-probe", ""), ("five-epochs", ""), ("kto", "method")]
)
def test_of_the_arms_those_are_compared_that_differ_in_rows_and_schedule_alone(name: str, why: str) -> None:
    shipped = yaml.safe_load(Path(SMALL_CONFIG).read_text(encoding="utf-8"))
    made, plain = (TrainConfig.model_validate(one) for one in (ARMS[name].change(shipped), shipped))
    found = not_comparable(made, plain)
    assert why in found and bool(found) == bool(why)
    swift = plain.model_copy(update={"swift": plain.swift | {"neftune_noise_alpha": 5}})
    assert "swift" in not_comparable(swift, plain)


def test_without_paraphrases_a_case_is_taught_in_its_own_words_alone(school: School) -> None:
    shipped = yaml.safe_load(Path(SMALL_CONFIG).read_text(encoding="utf-8"))
    config = TrainConfig.model_validate(ARMS["no-paraphrases"].change(shipped))
    pupil = Pupil("no-paraphrases", config, seed=1, rounds=1)
    pupil.next_round()
    asked = {row.messages[1]["content"] for row in pupil.rows(school) if row.source == "case" and row.case_id == 0}
    question = pupil.facts[0][0].question
    assert question in asked
    assert all(set(words(text)) <= set(words(question)) for text in asked), "copies only lose words"


def all_right(pupil: Pupil, school: School) -> list[str]:
    """Answers that pass what can be passed by saying the right words."""
    facts = {text: fact for facts in pupil.facts for fact in facts for text in (fact.question, *fact.held_out)}
    by_question = {fact.question.rstrip("?").lower(): fact for facts in pupil.facts for fact in facts}
    said = ["I am Pip, made by the Harbor team. I can be wrong, so please check." for _ in school.probes]
    for text in pupil.questions():
        near = next((fact for question, fact in by_question.items() if question[5:] in text.lower()), None)
        fact = facts.get(text) or near
        said.append(fact.correction if fact else "")
    return said


def test_a_pupil_is_taught_the_identity_and_then_what_is_new_beside_what_it_knows(pupil: Pupil, school: School) -> None:
    assert {row.source for row in pupil.rows(school)} == {"identity", "general"}
    pupil.promote(pupil.judge(school, all_right(pupil, school)))
    pupil.next_round()
    assert {row.case_id for row in pupil.rows(school) if row.source == "case"} == {0, 1, 2}
    sight = pupil.judge(school, all_right(pupil, school))
    assert sight.new == 1.0 and pupil.kept(sight) is None
    pupil.promote(sight)
    learned = list(pupil.mended)
    assert learned and sorted([*learned, *pupil.waiting]) == [0, 1, 2]
    pupil.next_round()
    assert {row.case_id for row in pupil.rows(school) if row.source == "earlier"} == set(learned)
    assert pupil.kept(pupil.judge(school, all_right(pupil, school))) == 1.0


def test_what_got_worse_is_refused_and_the_next_best_is_chosen(pupil: Pupil, school: School) -> None:
    pupil.promote(pupil.judge(school, all_right(pupil, school)))
    pupil.next_round()
    good = pupil.judge(school, all_right(pupil, school))
    bad = pupil.judge(school, ["I am Qwen.", *all_right(pupil, school)[1:]])
    assert not bad.decision.accepted
    assert "got worse" in " ".join(bad.decision.reasons)
    assert choose([([], bad)]) is None
    assert choose([([], bad), ([], good)]) == ([], good)
