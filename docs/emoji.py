"""Renew the page's list of emoji (sandbox/page/js/emoji_names.js) from the npm package @emoji-mart/data.

    npm pack @emoji-mart/data && tar xzf emoji-mart-data-*.tgz
    python -m docs.emoji package/sets/15/native.json

Its ids are the names that Slack uses. Taken are the common ones: no flags, no joined sequences (families,
professions), nothing newer than Emoji 13, which current fonts may lack, and none of the signs that are for one
country's streets or the hours of a clock.
"""

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LIST = Path(__file__).parent.parent / "sandbox" / "page" / "js" / "emoji_names.js"
GROUPS = {
    "people": "Smileys and people", "nature": "Animals and nature", "foods": "Food and drink",
    "activity": "Activities", "places": "Travel and places", "objects": "Objects", "symbols": "Symbols",
}  # fmt: skip
NEWEST, MOST_WORDS = 13, 2
RARE = re.compile(
    r"^(clock\d|u[0-9a-f]{4}$|koko|sa$|ideograph|accept$|congratulations|secret|mahjong|flower_playing|"
    r"aries|taurus|gemini|cancer|leo|virgo|libra|scorpius|sagittarius|capricorn|aquarius|pisces|ophiuchus)"
)
JOINER = "\u200d"
HEAD = """\
// Emoji by the names that Slack gives them: lines `# group` and `emoji name [aliases] | words to find it by`; a `*`
// after the emoji says that it comes in skin tones. Made by docs/emoji.py from {source} (MIT), which has
// the names of emoji-data and the words of emojilib; not to be edited by hand.
export const LIST = `
"""


def lines(data: dict[str, Any]) -> Iterator[str]:
    """The list's lines, group by group. Pure."""
    aliases: dict[str, list[str]] = {}
    for alias, name in data["aliases"].items():
        aliases.setdefault(name, []).append(alias)
    for category in data["categories"]:
        if category["id"] in GROUPS:
            yield f"# {GROUPS[category['id']]}"
            yield from (line(data["emojis"][name], aliases) for name in category["emojis"] if wanted(data, name))


def wanted(data: dict[str, Any], name: str) -> bool:
    emoji = data["emojis"][name]
    return JOINER not in emoji["skins"][0]["native"] and emoji["version"] <= NEWEST and not RARE.match(name)


def line(emoji: dict[str, Any], aliases: dict[str, list[str]]) -> str:
    names = " ".join([emoji["id"], *(one for one in aliases.get(emoji["id"], []) if len(one) <= 20)])
    tones = "*" if len(emoji["skins"]) == 6 else ""
    found = [word for word in emoji["keywords"] if word.isalnum() and word not in names][:MOST_WORDS]
    return f"{emoji['skins'][0]['native']}{tones} {names}" + (f" | {' '.join(found)}" if found else "")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Renew the page's list of emoji.")
    arguments.add_argument("data", type=Path, help="sets/15/native.json of @emoji-mart/data")
    path = arguments.parse_args().data
    version = json.loads((path.parents[2] / "package.json").read_text(encoding="utf-8"))["version"]
    body = "\n".join(lines(json.loads(path.read_text(encoding="utf-8"))))
    LIST.write_text(f"{HEAD.format(source=f'@emoji-mart/data {version}')}{body}\n`;\n", encoding="utf-8")
