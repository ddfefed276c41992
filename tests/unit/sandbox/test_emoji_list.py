"""The page's list of emoji, and the program that makes it."""

import re
from collections import Counter

from docs.emoji import LIST, lines

LINE = re.compile(r"(?P<sign>\S+?)(?P<tones>\*?) (?P<names>[a-z0-9_+'\- ]+?)(?: \| (?P<words>[^|]+))?")


def data(**emoji: tuple[str, int, int]) -> dict[str, object]:
    """Emoji by name: what is drawn, the version it came with, and its number of skins."""
    found = {
        name: {"id": name, "keywords": ["yes", "a-b", name], "version": version, "skins": [{"native": sign}] * skins}
        for name, (sign, version, skins) in emoji.items()
    }
    return {"categories": [{"id": "people", "emojis": list(found)}], "emojis": found, "aliases": {"hi": "wave"}}


def test_every_line_of_the_list_can_be_read_and_no_name_is_given_twice() -> None:
    body = LIST.read_text(encoding="utf-8").partition("LIST = `\n")[2].partition("\n`;")[0]
    names: Counter[str] = Counter()
    for line in body.splitlines():
        if line.startswith("# "):
            continue
        read = LINE.fullmatch(line)
        assert read, line
        names.update(read["names"].split())
    assert [name for name, times in names.items() if times > 1] == []
    assert {"+1", "thumbsup", "-1", "thumbsdown", "tada", "eyes", "white_check_mark", "hand", "100"} <= set(names)
    assert len(names) > 1000


def test_flags_sequences_and_the_newest_are_left_out() -> None:
    made = list(lines(data(wave=("W", 1, 6), family=("A\u200dB", 2, 1), brandnew=("N", 15, 1), clock1=("C", 1, 1))))
    assert made == ["# Smileys and people", "W* wave hi | yes"]
