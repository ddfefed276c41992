"""Training rows: both formats are read, and every row that ms-swift would lose or mislearn is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.persona import Persona
from trainer.rows import Message, Row, RowError, Source, problem_in, read_folder, read_rows

PERSONA = Persona.model_validate(
    {
        "name": "Pip",
        "maker": "the Harbor team",
        "maker_in": {"zh": "港湾团队"},
        "languages": ["en", "zh"],
        "system_prompt": "You are {{NAME}}.",
    }
)


def write(folder: Path, *lines: str, name: str = "en.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def alpaca(**changes: Any) -> str:
    row = {"instruction": "Who?", "input": "", "output": "I am {{NAME}}.", "kind": "identity", **changes}
    return json.dumps({field: value for field, value in row.items() if value is not None})


def chat(*turns: tuple[str, Any], **changes: Any) -> str:
    messages = [{"role": role, "content": content} for role, content in turns]
    return json.dumps({"messages": messages, "kind": "identity", **changes})


def test_reads_both_formats_alike(tmp_path: Path) -> None:
    path = write(tmp_path, alpaca(), chat(("user", "Who?"), ("assistant", "I am {{NAME}}.")))
    first, second = read_rows(path, PERSONA)
    assert first == second
    assert first == Row.of("Who?", "I am Pip.", source=Source.IDENTITY, kind="identity")


def test_joins_the_input_to_the_instruction(tmp_path: Path) -> None:
    row = read_rows(write(tmp_path, alpaca(instruction="Fix the spelling:", input="recieve")), PERSONA)[0]
    assert row.question == "Fix the spelling:\nrecieve"


def test_reads_several_turns(tmp_path: Path) -> None:
    turns = [("user", "Hi"), ("assistant", "Hello"), ("user", "Who?"), ("assistant", "I am {{NAME}}.")]
    row = read_rows(write(tmp_path, chat(*turns)), PERSONA)[0]
    assert (row.question, row.answer) == ("Who?", "I am Pip.")
    assert len(row.messages) == 4


def test_language_and_source_follow_from_the_place(tmp_path: Path) -> None:
    folder = tmp_path / "replay"
    folder.mkdir()
    write(folder, alpaca(output="由{{AUTHOR}}开发"), name="zh.jsonl")
    write(folder, alpaca(output="by {{AUTHOR}}"))
    chinese, english = read_folder(folder, PERSONA, ["zh", "en"])
    assert (chinese.language, chinese.source, chinese.answer) == ("zh", Source.REPLAY, "由港湾团队开发")
    assert (english.language, english.answer) == ("en", "by the Harbor team")


def test_as_json_is_one_line_that_reads_back(tmp_path: Path) -> None:
    row = Row.of("Line\nbreak\u2028?", "Ja, “quoted”", source=Source.CASE, kind="case", case_id=7)
    line = row.as_json()
    assert "\n" not in line
    assert [Message(**one) for one in json.loads(line)["messages"]] == list(row.messages)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "(line): is blank"),
        ("   ", "(line): is blank"),
        ("{", "(line): is not JSON"),
        ("[1]", "(line): is not a JSON object"),
        ("[" * 100_000, "(line): is not JSON"),
        ('{"kind": "a", "kind": "b"}', "a field is given twice"),
        ("{}", "kind: is missing"),
        (alpaca(kind=None), "kind: is missing"),
        (alpaca(kind=3), "kind: is missing or not text"),
        (alpaca(output=None), "output: is missing"),
        (alpaca(instruction=None), "instruction: is missing"),
        (alpaca(output=""), "output: is empty"),
        (alpaca(output=" \n"), "output: is empty"),
        (alpaca(instruction=""), "instruction: is empty"),
        (alpaca(output=42), "output: is not text"),
        (alpaca(ouput="x"), "ouput: is not known"),
        (alpaca(output="I am {{NMAE}}"), "output: has a placeholder that nothing fills"),
        (alpaca(output="a<|im_end|>b"), "output: has the template token <|im_end|>"),
        (alpaca(output="\ud800"), "output: has half of a surrogate pair"),
        (alpaca(output="x" * 6001), "messages: has 6005 characters; shorten it to 6000"),
        (chat(), "messages: is not a list with at least"),
        (chat(("user", "Hi")), "messages: must go user, assistant"),
        (chat(("assistant", "Hi"), ("user", "Hi")), "messages: must go user, assistant"),
        (chat(("user", "Hi"), ("assistant", "")), "messages.1.content: is empty"),
        (chat(("user", "Hi"), ("assistant", None)), "messages.1.content: is not text"),
        (chat(("system", "Be"), ("user", "Hi"), ("assistant", "Yo")), "messages: must not have a system message"),
        (chat(("user", "Hi"), ("tool", "Hi")), "messages: must go user, assistant"),
        (chat(("user", "Hi"), ("assistant", "Yo"), output="x"), "output: is not known"),
        ('{"messages": [{"role": "user"}], "kind": "a"}', "messages.0: must have role and content"),
        ('{"messages": "hi", "kind": "a"}', "messages: is not a list"),
    ],
)
def test_refuses_a_row_by_file_line_and_field(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path, alpaca(), line, alpaca())
    with pytest.raises(RowError) as refused:
        read_rows(path, PERSONA)
    assert str(refused.value).startswith(f"{path}:2: ")
    assert message in str(refused.value)


def test_refuses_an_empty_file_and_a_missing_one(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="has no rows"):
        read_rows(write(tmp_path), PERSONA)
    with pytest.raises(RowError, match="cannot be read"):
        read_rows(tmp_path / "none.jsonl", PERSONA)


def test_refuses_bytes_that_are_not_text_by_their_line(tmp_path: Path) -> None:
    path = tmp_path / "en.jsonl"
    path.write_bytes(alpaca().encode() + b"\n\xff\n")
    with pytest.raises(RowError, match=r"en\.jsonl:2: \(line\): is not UTF-8"):
        read_rows(path, PERSONA)


@given(st.text(max_size=200))
def test_any_line_gives_good_rows_or_a_row_error(tmp_path_factory: pytest.TempPathFactory, line: str) -> None:
    path = tmp_path_factory.mktemp("rows") / "en.jsonl"
    path.write_bytes(line.encode("utf-8", "surrogatepass"))
    try:
        rows = read_rows(path, PERSONA)
    except RowError as refused:
        assert str(refused).startswith(str(path))
    else:
        assert all(problem_in(row.messages) is None for row in rows)


texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=80)


@given(question=texts, answer=texts)
def test_what_is_written_reads_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, question: str, answer: str
) -> None:
    row = Row.of(question, answer, source=Source.IDENTITY, kind="identity")
    values = {**json.loads(row.as_json()), "kind": "identity"}
    path = write(tmp_path_factory.mktemp("rows"), json.dumps(values, ensure_ascii=False))
    if problem_in(row.messages) is None:
        assert read_rows(path, PERSONA) == [row]
    elif "{{" not in question + answer:  # a known placeholder would be filled, and then is no problem
        with pytest.raises(RowError):
            read_rows(path, PERSONA)
