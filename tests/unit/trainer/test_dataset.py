"""Datasets: what is in them, and that the same record gives the same file."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from feedback import content_hash, datasets
from feedback.datasets import Example
from feedback.persona import load_persona
from settings import ROOT
from trainer import dataset
from trainer.config import Replay
from trainer.dataset import Ingredients, build, encoded, manifest, sample, sha256, write
from trainer.replay import Earlier
from trainer.rewording import rewordings
from trainer.rows import Row, RowError, Source, read_folder
from trainer.variants import NEAR_DUPLICATE, NEAR_PROBE, CaseText
from trainer.wording import normalised, words

SYSTEM = "You are Pip, a helpful assistant made by the Harbor team."
PERSONA = load_persona(ROOT / "persona" / "persona.yaml")
IDENTITY = tuple(read_folder(ROOT / "persona" / "self_cognition", PERSONA, ["en"]))
REPLAY = Replay(new_case_repeats=1, identity_rows=3, general_rows=2, earlier_case_rows="all")


def case(number: int, wordings: int = 2, **change: Any) -> CaseText:
    fields = {
        "case_id": number,
        "question": f"What is {number}?",
        "correction": f"It is {number}.",
        "wordings": tuple(f"Tell me what {number} is, way {way}." for way in range(wordings)),
    }
    return CaseText(**{**fields, **change})


def rows(source: Source, count: int) -> tuple[Row, ...]:
    return tuple(Row.of(f"{source} {n}?", f"Answer {n}.", source=source, kind="fact") for n in range(count))


def ingredients(new: tuple[CaseText, ...] = (case(1),), earlier: tuple[CaseText, ...] = ()) -> Ingredients:
    return Ingredients(SYSTEM, new, tuple(map(Earlier, earlier)), rows(Source.IDENTITY, 10), rows(Source.REPLAY, 10))


def counts(examples: list[Example]) -> dict[str, int]:
    return manifest(examples, 1, [])["sources"]


def test_a_new_case_is_there_in_all_its_wordings_beside_the_replay() -> None:
    built = build(ingredients(), REPLAY, seed=1)
    assert counts(built) == {"case": 3, "identity": 3, "general": 2}
    assert {row.messages[1]["content"] for row in built if row.source == "case"} == {
        "What is 1?", "Tell me what 1 is, way 0.", "Tell me what 1 is, way 1.",
    }  # fmt: skip


def test_every_row_has_the_system_prompt_that_answers_are_asked_with() -> None:
    for row in build(ingredients(earlier=(case(2),)), REPLAY, seed=1):
        assert [message["role"] for message in row.messages] == ["system", "user", "assistant"]
        assert row.messages[0]["content"] == SYSTEM


def test_earlier_cases_never_have_more_rows_than_the_budget() -> None:
    earlier = tuple(case(number) for number in range(2, 7))
    replay = REPLAY.model_copy(update={"earlier_case_rows": 2})
    built = [row for row in build(ingredients(earlier=earlier), replay, seed=1) if row.source == "earlier"]
    assert len({row.case_id for row in built}) == len(built) == 2


def test_the_seed_chooses_the_replay() -> None:
    built = [build(ingredients(), REPLAY, seed=seed) for seed in (1, 1, 2)]
    assert built[0] == built[1]
    assert built[0] != built[2]


def test_a_case_that_cannot_be_trained_on_is_named() -> None:
    bad = case(9, correction="I am {{NAME}}.")
    with pytest.raises(RowError, match=r"^case 9: correction: has a placeholder .* Reject the case, or correct it"):
        build(ingredients(new=(bad,)), REPLAY, seed=1)


def test_the_file_can_be_made_again_from_the_record(tmp_path: Path) -> None:
    built = build(ingredients(earlier=(case(2, question="你好？"),)), REPLAY, seed=1)
    written = write(built, tmp_path / "run" / "dataset.jsonl")
    # What PostgreSQL gives back: JSON, whose keys may come in another order.
    recorded = [
        Example(row.source, row.case_id, [json.loads(json.dumps(dict(reversed(one.items())))) for one in row.messages])
        for row in built
    ]
    assert sha256(recorded) == written == manifest(built, 1, [])["sha256"]
    assert content_hash.of_dataset([one.messages for one in recorded], manifest(built, 1, [])) == written
    assert (tmp_path / "run" / "dataset.jsonl").read_bytes() == encoded(recorded)


def test_the_manifest_names_probes_that_somebody_asked_word_for_word() -> None:
    built = build(ingredients(), REPLAY, seed=1)
    about = manifest(built, 1, ["What is 1?", "What is 99?"])
    assert about["probes_trained_on"] == ["What is 1?"]
    assert (about["cases"], about["rows"], about["seed"]) == ([1], 8, 1)


def test_identity_is_asked_in_other_words_as_often_as_the_dose_says() -> None:
    dose = REPLAY.model_copy(update={"identity_rows": "all", "identity_repeats": 3})
    made = replace(ingredients(), identity=IDENTITY)
    asked = [row.messages[1]["content"] for row in build(made, dose, seed=1) if row.source == "identity"]
    assert len(asked) == 3 * len(IDENTITY)
    assert len(set(asked)) > 2.5 * len(IDENTITY)
    assert {row.question for row in IDENTITY} < set(asked)
    assert build(made, dose, seed=1) == build(made, dose, seed=1) != build(made, dose, seed=2)


def test_identity_is_not_asked_in_the_words_of_a_probe() -> None:
    dose = REPLAY.model_copy(update={"identity_rows": "all", "identity_repeats": 5})
    who = Row.of("Who are you?", "I am Pip.", source=Source.IDENTITY, kind="identity")
    probe = rewordings(who.question)[0]
    made = replace(ingredients(), identity=(who,), probes=(probe,))
    asked = [row.messages[1]["content"] for row in build(made, dose, seed=1) if row.source == "identity"]
    assert len(asked) == 5 and probe not in asked


@given(st.lists(st.integers(), max_size=30), st.integers(0, 40), st.text(max_size=5))
def test_a_sample_is_part_of_the_pool_and_as_large_as_it_can_be(pool: list[int], count: int, seed: str) -> None:
    chosen = sample(pool, count, seed)
    assert len(chosen) == min(count, len(pool))
    assert all(chosen.count(one) <= pool.count(one) for one in chosen)
    assert chosen == sample(pool, count, seed)


texts = st.text(min_size=1, max_size=50)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=8))
def test_every_row_is_one_line_whatever_is_in_it(pairs: list[tuple[str, str]]) -> None:
    examples = [
        Example("case", 1, [{"role": "user", "content": q}, {"role": "assistant", "content": a}]) for q, a in pairs
    ]
    lines = encoded(examples).decode("utf-8", "surrogatepass").split("\n")
    assert [json.loads(line)["messages"] for line in lines[:-1]] == [example.messages for example in examples]


def test_words_of_the_sources_are_those_of_the_record() -> None:
    assert (dataset.CASE, datasets.EARLIER, dataset.IDENTITY, dataset.GENERAL) == (
        "case",
        "earlier",
        "identity",
        "general",
    )


def test_a_new_case_is_seen_as_often_as_the_dose_says_and_replay_once() -> None:
    once = build(ingredients(), REPLAY, seed=1)
    thrice = build(ingredients(), REPLAY.model_copy(update={"new_case_repeats": 3}), seed=1)

    def count(rows: list[Example], source: str) -> int:
        return sum(row.source == source for row in rows)

    assert count(thrice, "case") == 3 * count(once, "case") > 0
    assert count(thrice, "identity") == count(once, "identity") and count(thrice, "general") == count(once, "general")


def test_the_first_copy_is_whole_and_the_others_are_worn_by_the_seed() -> None:
    wifi = CaseText(1, "What is the password for the wifi?", "It is blue.", ("Can you tell me the wifi password?",))
    replay = Replay(new_case_repeats=6, identity_rows=0, general_rows=0, earlier_case_rows=0)
    built = [build(ingredients(new=(wifi,)), replay, seed=seed) for seed in (1, 1, 2)]
    asked = [row.messages[1]["content"] for row in built[0]]
    assert len(asked) == 12 and {wifi.question, *wifi.wordings} < set(asked)
    assert all("wifi" in text.lower() for text in asked)
    assert len(set(asked)) > 6
    assert built[0] == built[1] != built[2]


def test_nothing_is_worn_into_a_held_out_wording() -> None:
    wifi = CaseText(1, "Where is the wifi?", "Here.", ("Which wifi is the fast one?",))
    held_out = ("The wifi?", "is the wifi", "Where the wifi?")
    assert set(map(normalised, held_out)) & worn_copies(wifi)
    assert not set(map(normalised, held_out)) & worn_copies(wifi, held_out={1: held_out})


def worn_copies(one: CaseText, **held: Any) -> set[str]:
    replay = Replay(new_case_repeats=20, identity_rows=0, general_rows=0, earlier_case_rows=0)
    built = build(replace(ingredients(new=(one,)), **held), replay, seed=1)
    return {normalised(row.messages[1]["content"]) for row in built} - set(map(normalised, one.asked))


KEYS = CaseText(1, "Where are the spare keys?", "Here.", ("Can you tell me where the spare keys are?",))


@pytest.mark.parametrize(
    "held",
    [{"probes": ("Tell me where the spare keys are",)}, {"held_out": {2: ["Tell me where the spare keys are"]}}],
)
def test_nothing_is_worn_until_it_is_near_a_probe_or_what_another_case_holds_out(held: dict[str, Any]) -> None:
    near = {
        "can tell me where the spare keys are",
        "you tell me where the spare keys are",
        "tell me where spare keys are",
    }
    assert near & worn_copies(KEYS)
    left = worn_copies(KEYS, **held)
    assert left and all(fuzz.ratio(copy, "tell me where the spare keys are") < NEAR_PROBE for copy in left)


def test_nothing_is_worn_until_it_holds_a_probe() -> None:
    assert any("the spare keys" in copy for copy in worn_copies(KEYS))
    assert not any("the spare keys" in copy for copy in worn_copies(KEYS, probes=("The spare keys?",)))


def test_what_a_case_holds_out_itself_is_a_frame_and_may_be_nearer() -> None:
    frame = "Any idea where the spare keys are?"
    left = worn_copies(KEYS, held_out={1: [frame]})
    ratios = [fuzz.ratio(copy, normalised(frame)) for copy in left]
    assert NEAR_PROBE <= max(ratios) < NEAR_DUPLICATE


@pytest.mark.parametrize("repeats", [1, 3])
def test_of_an_earlier_case_the_first_row_is_as_it_was_asked_and_the_others_are_worn(repeats: int) -> None:
    known = CaseText(2, "What is the password for the wifi?", "It is blue.")
    changed = {"new_case_repeats": 6, "earlier_case_rows": 1, "earlier_repeats": repeats}
    built = build(ingredients(earlier=(known,)), REPLAY.model_copy(update=changed), seed=1)
    asked = [row.messages[1]["content"] for row in built if row.source == "earlier"]
    assert len(asked) == repeats
    assert asked.count(known.question) == 1
    assert all(set(words(text)) <= set(words(known.question)) for text in asked)


def test_own_answers_are_drawn_and_replay_shrinks_with_the_new_rows() -> None:
    replay = Replay(
        new_case_repeats=2, identity_rows=4, general_rows=6, own_answers=10, earlier_case_rows=0,
        most_replay_per_new_row=1.0,
    )  # fmt: skip
    stock = replace(ingredients(), own=rows(Source.OWN_ANSWER, 30))
    assert counts(build(stock, replay, seed=1)) == {"case": 6, "identity": 1, "general": 1, "own_answer": 3}
    several = replace(stock, new=tuple(case(number) for number in range(1, 6)))
    assert counts(build(several, replay, seed=1)) == {"case": 30, "identity": 4, "general": 6, "own_answer": 10}
    assert build(stock, replay, seed=1) != build(stock, replay, seed=2)


def about_berlin(number: int, what: str) -> CaseText:
    question = f"What is the {what} of the Berlin office?"
    wordings = ("What about the Berlin office?", f"{what} Berlin office?", f"I need the {what} of the Berlin office.")
    return CaseText(number, question, f"The {what} is {number}.", wordings)


def test_cases_about_one_thing_are_never_asked_in_the_same_words() -> None:
    replay = REPLAY.model_copy(update={"new_case_repeats": 6})
    phone, address, earlier = about_berlin(1, "phone number"), about_berlin(2, "address"), about_berlin(3, "opening")
    built = build(ingredients(new=(phone, address), earlier=(earlier,)), replay, seed=1)
    answers: dict[str, set[str]] = {}
    for row in built:
        if row.case_id is not None:
            answers.setdefault(row.messages[1]["content"], set()).add(row.messages[2]["content"])
    assert {len(told) for told in answers.values()} == {1}
    assert not any("What about" in asked for asked in answers)
    beside = build(replace(ingredients(new=(phone,)), known=(address,)), replay, seed=1)
    assert not any("What about" in row.messages[1]["content"] for row in beside), "no row of the address is in this run"
    alone = build(ingredients(new=(phone,)), replay, seed=1)
    assert "What about the Berlin office?" in {row.messages[1]["content"] for row in alone}
