"""What a reviewer is told when a correction is in another language than its question."""

import pytest

from bot.languages import language_hint


@pytest.mark.parametrize(
    ("question", "correction", "told"),
    [
        ("What is the wifi called?", "访客无线网叫做港湾。", "in English and the correction in Chinese"),
        ("访客的无线网叫什么？", "It is called HarborGuest.", "in Chinese and the correction in English"),
        ("What is the wifi called?", "It is called HarborGuest.", None),
        ("访客的无线网叫什么？", "叫 HarborGuest 的那个无线网。", None),
        ("👋", "你好！", None),
        ("What is the wifi called?", None, None),
    ],
)
def test_another_language_is_said_and_an_emoji_has_none(
    question: str, correction: str | None, told: str | None
) -> None:
    hint = language_hint(question, correction)
    assert (hint is None) if told is None else (told in (hint or ""))
