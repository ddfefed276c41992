"""What words look like, in English and Chinese, to all that compare questions or answers by their words."""

import re

from feedback.languages import CHINESE

# A word keeps its inner marks (blue-lantern-42, 9:30, pip@harbor.example); each Chinese character is a word.
WORD = re.compile(rf"[{CHINESE}]|[^\W_{CHINESE}]+(?:[-_.@/:'’][^\W_{CHINESE}]+)*")

# 不 inside 要不, 差不多, 不同 and the like is no denial.
NEGATION = re.compile(
    r"\b(?:not|no|never|nobody|nothing|none|cannot|neither|without)\b|n['’]t\b"
    r"|(?<!要)(?<!差)[不没未无](?!同|过|错|管|但|仅|论|线)",
    re.IGNORECASE,
)

OPPOSITES = (
    ("open", "closed"), ("opens", "closes"), ("on", "off"), ("before", "after"), ("left", "right"), ("true", "false"),
    ("most", "least"), ("more", "less"), ("above", "below"),
    ("enabled", "disabled"), ("allowed", "forbidden"), ("minimum", "maximum"), ("upstairs", "downstairs"),
)  # fmt: skip

_ENDING = re.compile(r"(?<=[a-z]{3})(?:ing|ed|es|s|e)$")


def stem(word: str) -> str:
    """A word of lower case without the usual endings of English: enough to tell that two are forms of one."""
    return _ENDING.sub("", word)
