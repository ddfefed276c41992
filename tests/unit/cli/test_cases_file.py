"""Files of cases: what is written is read, and every wrong line is named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.cases import BadLines, Line, exported, read_lines
from feedback.models import Case
from feedback.states import CaseStatus
from feedback.teachable import fault_in

# Of what can be in the record: what cannot be taught is refused before.
words = st.text(min_size=1).filter(
    lambda text: any(character.isalnum() for character in text) and len(text) < 500 and fault_in(text) is None
)


@given(st.lists(st.tuples(words, words), max_size=5))
def test_what_is_exported_is_read_again(pairs: list[tuple[str, str]]) -> None:
    rows = [Case(question=q.strip(), correction=c.strip(), status=CaseStatus.MENDED) for q, c in pairs]
    lines = [json.dumps(exported(case), ensure_ascii=False) for case in rows]
    read = list(read_lines(lines))
    assert [(line.question, line.correction) for line in read] == [(q.strip(), c.strip()) for q, c in pairs]


@given(st.lists(st.text()))
def test_any_text_gives_cases_or_named_lines(lines: list[str]) -> None:
    try:
        assert all(isinstance(line, Line) for line in read_lines(lines))
    except BadLines as error:
        assert all(wrong.startswith("line ") for wrong in error.wrong)


def test_every_wrong_line_is_named_at_once() -> None:
    lines = ["", '{"question": "Q?"}', "[]", "{", '{"question": "Q?", "correction": "..."}']
    with pytest.raises(BadLines) as found:
        read_lines(lines)
    assert found.value.wrong == [
        "line 2: correction is missing or empty",
        "line 3: must be an object with question and correction",
        "line 4: not JSON: Expecting property name enclosed in double quotes at column 2",
        "line 5: Please write what I should have said.",
    ]
