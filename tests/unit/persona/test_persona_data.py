"""The persona that ships: its rows are complete, right, and keep away from the probes they are checked by."""

import operator
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from rapidfuzz import fuzz

from feedback.persona import load_persona
from trainer.code_check import CodeCase, check_code
from trainer.own_answers import read_prompts
from trainer.probes import ProbeGroup, grade, load_probes
from trainer.rows import Row, read_rows

FOLDER = Path("persona")
PERSONA = load_persona(FOLDER / "persona.yaml")
PROBES = load_probes(FOLDER / "probes.yaml", PERSONA)
IDENTITY = {language: read_rows(FOLDER / f"self_cognition/{language}.jsonl", PERSONA) for language in ("en", "zh")}
REPLAY = {language: read_rows(FOLDER / f"replay/{language}.jsonl", PERSONA) for language in ("en", "zh")}
PROMPTS = {language: read_prompts(FOLDER / f"prompts/{language}.txt") for language in ("en", "zh")}
ALL_ROWS = [row for rows in (*IDENTITY.values(), *REPLAY.values()) for row in rows]

# One call of every function that a replay row teaches: its question, the arguments, the result.
CODE_CALLS: dict[str, tuple[tuple[object, ...], object]] = {
    "adds two numbers": ((2, 3), 5),
    "a number is even": ((7,), False),
    "reverses a string": (("abc",), "cba"),
    "the largest item": (([3, 9, 4],), 9),
    "counts the vowels": (("Education",), 5),
    "the factorial of n": ((5,), 120),
    "Celsius into Fahrenheit": ((100,), 212),
    "keeps the positive numbers": (([-1, 2, 0, 3],), [2, 3]),
    "is a palindrome": (("Level",), True),
    "the average of a list": (([1, 2, 3, 6],), 3),
    "两个数的乘积": ((6, 7), 42),
    "是不是奇数": ((7,), True),
    "最小的数": (([3, 1, 2],), 1),
    "字符在文本中出现的次数": (("banana", "a"), 3),
    "用逗号连起来": ((["a", "b"],), "a,b"),
}
OPERATORS: dict[str, Callable[[int, int], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


GIVING_AWAY = (
    "tokyo,pacific,h2o,central processing,children,北京,十二个月,paris,berlin,cairo,canberra,antarctica,sodium,"
    "hydrogen,12 months,60 minutes,26 letters,mice,feet,united states,madrid,tuesday,july,seven colors,asia"
)


def plain(text: str) -> str:
    words = re.sub(r"[^\w\s]", " ", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(words.split())


def likeness(one: str, other: str) -> float:
    return max(fuzz.ratio(one, other), fuzz.token_sort_ratio(one, other))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_fifty_identity_rows_in_four_kinds(language: str) -> None:
    kinds = Counter(row.kind for row in IDENTITY[language])
    assert sum(kinds.values()) == 50
    assert set(kinds) == {"identity", "limits", "value", "difference"}
    assert min(kinds.values()) >= 8


def test_both_row_formats_are_shown() -> None:
    first_lines = [(FOLDER / f"self_cognition/{one}.jsonl").read_text("utf-8").split("\n")[0] for one in ("en", "zh")]
    assert '"instruction"' in first_lines[0]
    assert '"messages"' in first_lines[1]


def test_about_120_replay_rows_of_every_kind() -> None:
    assert (len(REPLAY["en"]), len(REPLAY["zh"])) == (80, 40)
    for rows in REPLAY.values():
        assert {row.kind for row in rows} == {"fact", "arithmetic", "definition", "everyday", "code"}


def test_identity_files_name_nobody_but_through_placeholders() -> None:
    for path in FOLDER.glob("*/*.jsonl"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\bPip\b|Harbor|港湾", text), path
    for language, rows in IDENTITY.items():
        named = [row for row in rows if PERSONA.name in row.answer and PERSONA.author(language) in row.answer]
        assert len(named) >= 25


def test_english_identity_answers_are_short() -> None:
    for row in IDENTITY["en"]:
        assert 10 <= len(row.answer.split()) <= 35, row.question


def test_differences_name_other_models_and_deny_being_them() -> None:
    text = " ".join(row.question + row.answer for row in IDENTITY["en"] if row.kind == "difference")
    for other in ("ChatGPT", "Claude", "Qwen", "DeepSeek", "Llama", "SmolLM"):
        assert other in text
        assert not re.search(rf"\bI am {other}", text)


def test_no_question_is_asked_twice() -> None:
    doubled = [question for question, count in Counter(plain(row.question) for row in ALL_ROWS).items() if count > 1]
    assert doubled == []


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.id)
def test_no_row_is_near_a_probe(probe: object) -> None:
    prompt = plain(probe.prompt)  # type: ignore[attr-defined]
    near = [row.question for row in ALL_ROWS if likeness(plain(row.question), prompt) >= 85]
    assert near == []


def test_no_general_prompt_is_near_a_probe_or_a_row() -> None:
    """What the base model says to them is trained on, beside the rows; together they are more than a hundred."""
    assert sum(map(len, PROMPTS.values())) >= 155
    probed = [probe.prompt for probe in (*PROBES, *load_probes(Path("bench/learning/probes.yaml"), PERSONA))]
    others = [plain(text) for text in (*probed, *(row.question for row in ALL_ROWS))]
    asked = [prompt for prompts in PROMPTS.values() for prompt in prompts]
    assert [prompt for prompt in asked if any(likeness(plain(prompt), other) >= 85 for other in others)] == []


def test_any_number_of_general_prompts_has_questions_of_fact_and_longer_tasks() -> None:
    for start in range(len(PROMPTS["en"]) - 19):
        short = [len(prompt.split()) <= 10 for prompt in PROMPTS["en"][start : start + 20]]
        assert 6 <= sum(short) <= 18


def test_the_overlap_check_would_see_a_reworded_probe() -> None:
    assert likeness(plain("What's the capital of Japan?"), plain("What is the capital of Japan?")) >= 85
    assert likeness(plain("Tell me, please, your name."), plain("Tell me your name, please.")) >= 85


@pytest.mark.parametrize("word", GIVING_AWAY.split(","))
def test_no_row_gives_away_an_ability_probe(word: str) -> None:
    assert [row.question for row in ALL_ROWS if word in (row.question + row.answer).casefold()] == []


def test_every_code_row_gives_right_code() -> None:
    code_rows = [row for rows in REPLAY.values() for row in rows if row.kind == "code"]
    assert len(code_rows) == len(CODE_CALLS)
    for row in code_rows:
        (call,) = [call for words, call in CODE_CALLS.items() if words in row.question]
        verdict = check_code(row.answer, [CodeCase(*call)])
        assert verdict.passed, f"{row.question}: {verdict.reason}"


def sums_in(row: Row) -> list[tuple[str, float]]:
    found = re.findall(r"(\d+) ([+*/-]) (\d+) = (\d+)", row.answer)
    return [(f"{a} {op} {b} = {c}", OPERATORS[op](int(a), int(b)) - int(c)) for a, op, b, c in found]


def test_every_sum_in_an_arithmetic_row_is_right() -> None:
    rows = [row for rows in REPLAY.values() for row in rows if row.kind == "arithmetic"]
    checked = [one for row in rows for one in sums_in(row)]
    assert len(checked) >= 14
    assert [text for text, error in checked if error] == []


def test_an_arithmetic_answer_repeats_the_sum_that_was_asked() -> None:
    for row in (row for rows in REPLAY.values() for row in rows if row.kind == "arithmetic"):
        asked = re.search(r"\d+ [+*/-] \d+", row.question)
        assert asked is None or asked.group() in row.answer


def test_every_group_is_probed_in_both_languages() -> None:
    counts = Counter((probe.group, probe.language) for probe in PROBES)
    for group in (ProbeGroup.IDENTITY, ProbeGroup.RIGOUR, ProbeGroup.ABILITY):
        assert counts[group, "en"] >= 2
        assert counts[group, "zh"] >= 1
    assert sum(probe.expect.code is not None for probe in PROBES) == 1
    assert all(probe.language in PERSONA.languages for probe in PROBES)


def test_no_ability_is_shown_by_saying_the_question_again() -> None:
    asked = [probe for probe in PROBES if probe.group is ProbeGroup.ABILITY and probe.expect.code is None]
    assert [probe.id for probe in asked if grade(probe, probe.prompt).passed] == []


def test_probing_stays_cheap() -> None:
    assert sum(probe.max_tokens for probe in PROBES if probe.language == "en") <= 2200
