"""The persona file: what it gives, and what it says about itself when it is wrong."""

import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from feedback.persona import Persona, PersonaError, load_persona
from trainer.probes import grade, load_probes

GOOD = """\
name: Pip
maker: the Harbor team
maker_in:
  zh: 港湾团队
languages: [en, zh]
facts:
  - "{{NAME}} was made by {{AUTHOR}}."
limits: []
system_prompt: You are {{NAME}}, made by {{AUTHOR}}.
suggested_prompts: ["Who are you, {{NAME}}?"]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "persona.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def make_persona(**changes: object) -> Persona:
    values = {"name": "Pip", "maker": "the Harbor team", "languages": ["en"], "system_prompt": "You are {{NAME}}."}
    return Persona.model_validate({**values, **changes})


def test_fills_the_names_in_every_text(tmp_path: Path) -> None:
    persona = load_persona(write(tmp_path, GOOD))
    assert persona.system_prompt == "You are Pip, made by the Harbor team."
    assert persona.facts == ("Pip was made by the Harbor team.",)
    assert persona.suggested_prompts == ("Who are you, Pip?",)


def test_names_the_maker_in_the_language_of_the_text(tmp_path: Path) -> None:
    persona = load_persona(write(tmp_path, GOOD))
    assert persona.fill("{{NAME}}由{{AUTHOR}}开发", "zh") == "Pip由港湾团队开发"
    assert persona.fill("{{AUTHOR}}", "en") == "the Harbor team"


def test_fills_a_pattern_so_that_it_matches_only_the_name() -> None:
    persona = make_persona(name="C-3P.O")
    assert persona.fill_pattern(r"\b{{NAME}}\b") == r"\bC\-3P\.O\b"


NAMES = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="{}<>|"), min_size=1, max_size=12)


@given(NAMES | st.just("C++ (beta)") | st.just("(?P<x>") | st.just(r"a\b"))
def test_a_name_is_found_as_a_whole_whatever_signs_it_has(name: str) -> None:
    assume(not re.search(r"[{}<>|]", name))
    pattern = make_persona(name=name).fill_pattern(r"^i am \b{{NAME}}\b, made by \b{{AUTHOR}}\b")
    assert re.search(pattern, f"i am {name}, made by the Harbor team.")
    assert not re.search(pattern, f"i am {name}2, made by the Harbor team.")
    assert not re.search(pattern, f"i am 2{name}, made by the Harbor team.")


def test_the_identity_probes_can_be_passed_by_a_name_of_signs() -> None:
    """`\\b` finds no edge between a bracket and a space, and no first run would ever have gone live."""
    persona = make_persona(name="C++ (beta)")
    probes = {probe.id: probe for probe in load_probes(Path("persona/probes.yaml"), persona)}
    for probe_id in ("identity-en-name", "identity-en-greeting"):
        assert grade(probes[probe_id], "My name is C++ (beta).").passed


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Pip", "pip"), ("Harbor Bot 2", "harbor-bot-2"), ("Zoë", "zoe"), ("小派", "persona"), ("--A--", "a")],
)
def test_slug_has_only_letters_digits_and_dashes(name: str, slug: str) -> None:
    assert make_persona(name=name).slug == slug


def test_the_persona_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        make_persona().name = "Pop"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: Pip", "name: ''", "persona.yaml:1: name: String should have at least 1 character"),
        ("name: Pip", "name: 7", "persona.yaml:1: name: Input should be a valid string"),
        ("name: Pip", "name: <|im_end|>", "persona.yaml:1: name: must be a plain name"),
        ("name: Pip", "nam: Pip", "persona.yaml:1: nam: Extra inputs are not permitted"),
        ("name: Pip", "name: Pip\nname: Pop", "persona.yaml:2: name: given twice"),
        ("languages: [en, zh]", "languages: [english]", "persona.yaml:5: languages.0: String should match"),
        ("languages: [en, zh]", "languages: [en]", "maker_in has zh, which languages does not list"),
        ("languages: [en, zh]", "languages: []", "persona.yaml:5: languages: "),
        ("was made", "{{TEAM}} made", "persona.yaml:6: facts: unknown placeholder {{TEAM}}"),
        ("You are {{NAME}}", "You are {{NAME", "persona.yaml:9: system_prompt: unknown placeholder"),
        ('["Who are you, {{NAME}}?"]', "[a, b, c, d, e]", "persona.yaml:10: suggested_prompts: Tuple should have"),
        ("limits: []", "limits: [2026-02-31]", "persona.yaml: day is out of range for month"),
        ("limits: []", "limits: [", "not valid YAML"),
    ],
)
def test_says_file_line_and_field_of_what_is_wrong(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(PersonaError) as refused:
        load_persona(path)
    assert message in str(refused.value)
    assert str(refused.value).startswith(str(path))


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("maker: the Harbor team\n", ""))
    with pytest.raises(PersonaError, match=r":1: maker: Field required"):
        load_persona(path)


@pytest.mark.parametrize("content", [b"", b"# nothing but a comment\n", b"- a\n- b\n", b"name: \xff\n", b"\x00"])
def test_refuses_what_is_no_persona_at_all(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "persona.yaml"
    path.write_bytes(content)
    with pytest.raises(PersonaError, match=r"persona\.yaml"):
        load_persona(path)


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PersonaError, match="cannot be read"):
        load_persona(tmp_path / "none.yaml")
