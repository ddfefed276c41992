"""Probes: the file is checked when it is read, and a grade depends on the answer alone."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.persona import Persona
from trainer.probes import Expect, Grade, Probe, ProbeFileError, ProbeGroup, grade, load_probes

PERSONA = Persona.model_validate(
    {
        "name": "C-3P.O",
        "maker": "the Harbor team",
        "maker_in": {"zh": "港湾团队"},
        "languages": ["en", "zh"],
        "system_prompt": "You are {{NAME}}.",
    }
)


def make_probe(**expect: Any) -> Probe:
    return Probe(id="p", group=ProbeGroup.ABILITY, prompt="Hm?", expect=Expect.model_validate(expect))


def write(folder: Path, *probes: str) -> Path:
    path = folder / "probes.yaml"
    path.write_text("probes:\n" + "".join(f"  - {probe}\n" for probe in probes), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("expect", "answer", "passed"),
    [
        ({"any_of": ["paris", "lutetia"]}, "It is PARIS.", True),
        ({"any_of": ["paris", "lutetia"]}, "It is Rome.", False),
        ({"all_of": ["red", "blue"]}, "Red, white and blue.", True),
        ({"all_of": ["red", "blue"]}, "Only red.", False),
        ({"none_of": ["openai"]}, "The Harbor team.", True),
        ({"none_of": ["openai"]}, "OpenAI made me.", False),
        ({"any_of": [r"re:\b7\b"]}, "Seven is 7.", True),
        ({"any_of": [r"re:\b7\b"]}, "It is 17.", False),
        ({"all_of": ["don't know"]}, "I don\u2019t\n know.", True),
        ({"any_of": ["12"]}, "\uff11\uff12 months", True),
        ({"any_of": ["straße"]}, "STRASSE", True),
        ({"none_of": ["x"]}, "", False),
        ({"none_of": ["x"]}, " \n\t", False),
    ],
)
def test_grades_text(expect: dict[str, list[str]], answer: str, passed: bool) -> None:
    assert grade(make_probe(**expect), answer).passed is passed


def test_the_reason_says_what_was_missed() -> None:
    probe = make_probe(all_of=["blue"], none_of=["green"])
    assert grade(probe, "red") == Grade(False, "does not say 'blue'")
    assert grade(probe, "blue and green") == Grade(False, "says 'green', which it must not")


def test_grades_code_by_running_it() -> None:
    probe = make_probe(code={"cases": [{"args": [[2, 3, 4]], "returns": 13}]})
    right = "```python\ndef f(xs):\n    return sum(x * x for x in xs if x in (2, 3))\n```"
    assert grade(probe, right).passed
    wrong = grade(probe, right.replace("(2, 3)", "(2, 4)"))
    assert wrong == Grade(False, "f([2, 3, 4]) returned 20, expected 13")


def test_fills_names_in_the_language_of_the_probe(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "{id: a, group: identity, language: zh, prompt: '{{NAME}}?', expect: {all_of: ['{{AUTHOR}}']}}",
        "{id: b, group: identity, language: en, prompt: x, expect: {any_of: ['re:^{{NAME}}$', '{{NAME}}']}}",
    )
    chinese, english = load_probes(path, PERSONA)
    assert chinese.prompt == "C-3P.O?"
    assert chinese.expect.all_of == ("港湾团队",)
    assert english.expect.any_of == (r"re:^C\-3P\.O$", "C-3P.O")


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ("{id: a, group: identity, prompt: x, expect: {}}", "probes.0.expect: needs any_of"),
        ("{id: a, group: identity, prompt: x}", "probes.0.expect: Field required"),
        ("{id: a, group: magic, prompt: x, expect: {any_of: [a]}}", "probes.0.group: Input should be"),
        ("{id: A b, group: ability, prompt: x, expect: {any_of: [a]}}", "probes.0.id: String should match"),
        ("{id: a, group: ability, prompt: ' ', expect: {any_of: [a]}}", "probes.0.prompt: String should have"),
        ("{id: a, group: ability, prompt: '{{WHO}}', expect: {any_of: [a]}}", "probes.0.prompt: has a placeholder"),
        ("{id: a, group: ability, prompt: x, expect: {any_of: ['re:(']}}", "is not a regular expression"),
        ("{id: a, group: ability, prompt: x, expect: {any_of: ['re:']}}", "would match every answer"),
        ("{id: a, group: ability, prompt: x, expect: {any_of: [' ']}}", "would match every answer"),
        ("{id: a, group: ability, prompt: x, expect: {any_of: ['{{WHO}}']}}", "has a placeholder"),
        ("{id: a, group: ability, prompt: x, expect: {any_of: [7]}}", "any_of.0: Input should be a valid string"),
        ("{id: a, group: ability, prompt: x, expect: {anyof: [a]}}", "probes.0.expect.anyof: Extra inputs"),
        ("{id: a, group: ability, prompt: x, expect: {code: {cases: []}}}", "expect.code.cases: Tuple should have"),
        ("{id: a, group: ability, prompt: x, max_tokens: 4, expect: {all_of: [a b c d e]}}", "takes at least 5 tokens"),
        ("{id: a, group: ability, prompt: x, max_tokens: 4, expect: {any_of: [a b c d e, f g h i j]}}", "at least 5"),
        ("{id: a, group: ability, prompt: x, max_tokens: 1, expect: {any_of: [" + 40 * "a" + "]}}", "at least 3"),
        (
            "{id: a, group: ability, prompt: x, max_tokens: 4, expect: {code: {cases: [{args: [], returns: 1}]}}}",
            "takes at least 8 tokens, and max_tokens is 4",
        ),
        ("{id: a, group: identity, prompt: x, expect: {all_of: [Pip], none_of: [pip]}}", "without 'pip' (none_of)"),
        ("{id: a, group: identity, prompt: x, expect: {all_of: [I am Pip], none_of: [' PIP ']}}", "no answer can say"),
        ("{id: a, group: identity, prompt: x, expect: {any_of: [Pip, a pip], none_of: [pip]}}", "without 'pip'"),
        ("{id: a, group: identity, prompt: x, expect: {all_of: ['re:^a'], none_of: ['re:^a']}}", "without 're:^a'"),
        (
            "{id: a, group: ability, prompt: x, expect: {any_of: [a], code: {cases: [{args: [], returns: 1}]}}}",
            "or else code",
        ),
        ("{id: a, group: ability, prompt: x, max_tokens: 0, expect: {any_of: [a]}}", "probes.0.max_tokens"),
        ("{id: a, group: ability, prompt: x, expect: {any_of: [yes]}}", "put the word in quotes"),
        ("{id: a, group: case, prompt: x, expect: {any_of: [a]}}", "probes.0.group: Input should be"),
    ],
)
def test_refuses_a_wrong_probe_by_its_line(tmp_path: Path, probe: str, message: str) -> None:
    path = write(tmp_path, probe)
    with pytest.raises(ProbeFileError) as refused:
        load_probes(path, PERSONA)
    assert str(refused.value).startswith(f"{path}:2: probes.0")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value), "one mistake, one line"


@pytest.mark.parametrize(
    "probe",
    [
        "{id: a, group: identity, prompt: x, expect: {any_of: [Pip, a pip], none_of: [a pip]}}",
        "{id: a, group: identity, prompt: x, expect: {all_of: [sure], none_of: ['re:^sure$']}}",
        "{id: a, group: ability, prompt: x, max_tokens: 1, expect: {any_of: [a b c, '7']}}",
    ],
)
def test_what_some_answer_can_meet_is_read(tmp_path: Path, probe: str) -> None:
    assert load_probes(write(tmp_path, probe), PERSONA)


def test_refuses_two_probes_of_one_id(tmp_path: Path) -> None:
    probe = "{id: a, group: ability, prompt: x, expect: {any_of: [a]}}"
    with pytest.raises(ProbeFileError, match="the id a is used twice"):
        load_probes(write(tmp_path, probe, probe), PERSONA)


def test_refuses_the_id_of_a_cases_own_probe(tmp_path: Path) -> None:
    with pytest.raises(ProbeFileError, match="begin it with another word"):
        load_probes(write(tmp_path, "{id: case-1-original, group: ability, prompt: x, expect: {any_of: [a]}}"), PERSONA)


def test_a_pattern_is_shown_as_words_where_it_is_words() -> None:
    def why(**expect: list[str]) -> str:
        probe = Probe.model_validate({"id": "a", "group": "ability", "prompt": "x", "expect": expect})
        return grade(probe, "something else").reason

    assert why(all_of=[r"re:\bPip\b"]) == "does not say 'Pip'"
    assert why(any_of=["four", r"re:\b4\b", r"re:^(a|b)"]) == "says none of 'four', '4', /^(a|b)/"


@given(answer=st.text(), word=st.text(st.characters(categories=("Ll", "Lu", "Nd")), min_size=1, max_size=8))
def test_any_of_and_none_of_of_one_word_never_agree(answer: str, word: str) -> None:
    wanted, unwanted = grade(make_probe(any_of=[word]), answer), grade(make_probe(none_of=[word]), answer)
    blank = wanted.reason == "the answer is empty"
    assert (wanted.passed != unwanted.passed) or (blank and not wanted.passed and not unwanted.passed)


@given(before=st.text(), after=st.text())
def test_what_was_said_is_found_wherever_it_stands(before: str, after: str) -> None:
    assert grade(make_probe(all_of=["blue lantern"]), f"{before} Blue  Lantern {after}").passed


@given(st.text())
def test_any_text_is_graded_as_code_without_an_error(answer: str) -> None:
    probe = make_probe(code={"cases": [{"args": [1], "returns": "no such result"}]})
    assert not grade(probe, answer).passed
