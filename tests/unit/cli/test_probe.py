"""What `mend probe` prints."""

import pytest

from cli.probe import print_table
from feedback.reports import Result


def test_what_was_asked_and_answered_is_shown_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    texts = ("What ends a turn, [/INST] or :smile:?", "[/INST] in C:\\", "does not say '[/inst]'")
    print_table("pip-v1", [Result("case-1-original", "new", texts[0], texts[1], False, texts[2])])
    printed = capsys.readouterr().out
    assert all(text in printed for text in texts)
