"""Rewordings of a question by rule: the same content words in another frame. They fill up where a small model's
paraphrases are too few, and one family of frames is kept for held-out wordings alone.
"""

import re
from collections.abc import Callable, Sequence

from feedback.languages import language_of

_WH_IS = re.compile(r"^(what|who|where|when|why|which .+?|how(?: \w+)?) (is|are|was|were) (.+)$", re.IGNORECASE)
_LOWERED = frozenset(
    """what who whom whose where when which why how is are was were am do does did can could will would shall should
    may might has have had tell please explain give name write list describe show find help make say the a an my our
    your this that these those in on at for with if""".split()  # noqa: SIM905  (a list of words, to read)
)
_QUESTION_START = re.compile(
    r"^(what|who|whom|whose|where|when|which|why|how|is|are|was|were|am|do|does|did|can|could|will|would|shall|should"
    r"|may|might|has|have|had)\b",
    re.IGNORECASE,
)

_Frame = tuple[str, str]  # with the indirect form where the question has one, and without it

_FRAMES_EN: tuple[_Frame, ...] = (
    ("Can you tell me {indirect}?", "Can you answer this for me: {lower}"),
    # Without a "Do you ..." the first adapter's "No, I am not ..." answers this form of any question.
    ("Do you know {indirect}?", "Do you know this: {lower}"),
    ("Hi, quick question: {lower}", "Hi, quick question: {lower}"),
    ("I would like to know {indirect}.", "I have a question for you. {upper}"),
    ("Somebody in the office asked me: {lower}", "Somebody in the office asked me: {lower}"),
    ("Please let me know {indirect}.", "Please answer this one. {upper}"),
    ("I keep forgetting: {lower}", "I keep forgetting: {lower}"),
)
_HELD_OUT_EN: tuple[_Frame, ...] = (
    ("Any idea {indirect}?", "Any idea about this: {lower}"),
    ("I was wondering, {lower}", "I was wondering, {lower}"),
    ("A new colleague wants to know: {lower}", "A new colleague wants to know: {lower}"),
    ("Could someone help me out? {upper}", "Could someone help me out? {upper}"),
    ("Sorry to ask again, but {lower}", "Sorry to ask again, but {lower}"),
    ("Here is one more for you: {lower}", "Here is one more for you: {lower}"),
)
_REQUESTS_EN: tuple[_Frame, ...] = tuple(
    (frame, frame)
    for frame in (
        "Can you do this for me: {lower}",
        "I have a request. {upper}",
        "Here is what I need: {lower}",
        "My next task for you: {lower}",
        "I need your help with this: {lower}",
        "Would you help me? {upper}",
    )
)
_HELD_OUT_REQUESTS_EN: tuple[_Frame, ...] = tuple(
    (frame, frame)
    for frame in (
        "Could you do me a favour: {lower}",
        "A small thing for you: {lower}",
        "When you have a moment: {lower}",
        "This is for you. {upper}",
        "One more thing, please: {lower}",
    )
)
_FRAMES_ZH: tuple[_Frame, ...] = tuple(
    (frame, frame)
    for frame in (
        "请问{plain}？",
        "你能告诉我{plain}吗？",
        "我想知道{plain}。",
        "有个问题想问你：{plain}？",
        "麻烦说一下，{plain}？",
        "帮我确认一下，{plain}？",
        "我总是记不住，{plain}？",
    )
)
_HELD_OUT_ZH: tuple[_Frame, ...] = tuple(
    (frame, frame)
    for frame in (
        "打扰一下，你知道{plain}吗？",
        "新来的同事问我，{plain}？",
        "想请教一下，{plain}？",
        "再问你一句，{plain}？",
        "不好意思再问一遍，{plain}？",
        "有人知道吗，{plain}？",
    )
)


def rewordings(question: str) -> list[str]:
    """Wordings to train on, in a fixed order."""
    return _framed(question, en=_FRAMES_EN, requests=_REQUESTS_EN, zh=_FRAMES_ZH)


def held_out_rewordings(question: str) -> list[str]:
    """Wordings to hold out, from frames that are never trained on, in a fixed order."""
    return _framed(question, en=_HELD_OUT_EN, requests=_HELD_OUT_REQUESTS_EN, zh=_HELD_OUT_ZH)


def is_question(text: str) -> bool:
    """Whether an English or Chinese text asks for something rather than states it."""
    clean = text.strip()
    if clean.endswith(("?", "？")) or _QUESTION_START.match(clean):
        return True
    return re.search(r"什么|谁|哪|吗|呢|多少|几|怎么|怎样|如何|为何|是否", clean) is not None


def _framed(question: str, *, en: Sequence[_Frame], requests: Sequence[_Frame], zh: Sequence[_Frame]) -> list[str]:
    clean = " ".join(question.split())
    if language_of(clean) == "zh":
        plain = re.sub(r"^(请问一下|请问|请)[，,：:]?", "", clean).rstrip("？?。！!. ").removesuffix("吗")
        return [frame.format(plain=plain) for frame, _ in zh]
    fill = _english_parts(clean)
    frames = en if is_question(clean) else requests
    return [fill(frame, bare) for frame, bare in frames]


def _indirect(asked: re.Match[str]) -> str:
    """`what is the wifi` as `what the wifi is`, and `what is the wifi called` as `what the wifi is called`."""
    subject, _, last = asked[3].rpartition(" ")
    if subject and last.endswith("ed"):
        return f"{asked[1]} {subject} {asked[2]} {last}"
    return f"{asked[1]} {asked[3]} {asked[2]}"


def _english_parts(clean: str) -> Callable[[str, str], str]:
    """A function that fills a frame: with its indirect form if the question has one, otherwise without."""
    first, _, rest = clean.partition(" ")
    lower = f"{first.lower()} {rest}".strip() if first.lower().rstrip("?,.!") in _LOWERED else clean
    upper = clean[:1].upper() + clean[1:]
    if is_question(clean) and not clean.endswith("?"):
        lower, upper = f"{lower.rstrip('.!')}?", f"{upper.rstrip('.!')}?"
    asked = _WH_IS.match(lower.rstrip("?!. "))
    indirect = _indirect(asked) if asked and _is_plain(asked[3]) else None

    def fill(frame: str, bare: str) -> str:
        return (frame if indirect else bare).format(indirect=indirect, lower=lower, upper=upper)

    return fill


def _is_plain(subject: str) -> bool:
    """Whether the verb may go behind it: `the password` yes, `the password, and who knows it` no."""
    return len(subject.split()) <= 8 and not re.search(r"[,;:?]|\b(and|or|that|which|who|if|when)\b", subject)
