"""Which of the languages that Mend can tell apart a text is in."""

import re

CHINESE = r"\u3400-\u4dbf\u4e00-\u9fff"


def language_of(text: str) -> str:
    """`zh` when a good part of the letters is Chinese, otherwise `en`."""
    letters = [char for char in text if char.isalpha()]
    chinese = sum(1 for char in letters if re.match(f"[{CHINESE}]", char))
    return "zh" if letters and chinese / len(letters) > 0.3 else "en"
