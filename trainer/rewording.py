"""Rewordings of a question by rule. They fill up where a small model's paraphrases are too few, and one family of
frames is kept for held-out wordings alone.

Five frames around the same question teach the frames (SmolLM2-135M: half of all other wordings are answered right, see
trainer/configs/smollm2-135m-cpu.yaml). So an English question changes its type as well: `where is the key` is asked as
`in which place`, as a wish, by its topic alone, and as a telegram.
"""

import re
from collections.abc import Callable, Sequence

from feedback.languages import language_of
from trainer.wording import content_words, denies, words

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

# `the key kept` is a thing and what is done with it; `the shed` and `the feed` are things alone.
_PARTICIPLE = r"(?:(?!(?:bed|shed|sled|red|hundred|\w*eed)\b)\w+ed|kept|held|done|made|sent|paid|hidden|built|sold)"
# Before these there is a thing that a wish may name: `Give me the key`, and not `Give me wrong with the printer`.
_DETERMINED = re.compile(
    r"(?:the|my|our|your|his|her|its|their|this|that|these|those|\d\S*|\S+['’]s?) \S", re.IGNORECASE
)
_MORE_THAN_A_THING = re.compile(
    rf"\b(?:like|doing|going|happening|called|named)\b|^the matter\b|\b(?:{_PARTICIPLE}|in|on|at|by|after)$",
    re.IGNORECASE,
)
_SUBJECT = r"(?:i|we|you|they|the|an?|my|our|your|his|her|their|(?-i:[A-Z])\S*)"

# What a question asks for, and how else one may ask for that; the first that matches is the question's type. Behind the
# wordings that are right of whatever is asked about come those that are right of a thing alone.
_Type = tuple[re.Pattern[str], tuple[str, ...], tuple[str, ...]]
_TYPES_EN: tuple[_Type, ...] = tuple(
    (re.compile(asked, re.IGNORECASE), others, of_a_thing)
    for asked, others, of_a_thing in (
        (r"where (?P<verb>is|are) (?P<x>.+)", ("In which place {verb} {x}?",), ("I cannot find {x}. Help!",)),
        (r"where will (?P<x>.+) be", ("What is the place of {x}?", "Tell me where {x} will be."), ()),
        (r"what (?:is|are) (?P<x>.+) (?:called|named)", ("Give me the name of {x}.", "I need the name of {x}."), ()),
        (r"what (?:is|are) (?P<x>.+)", (), ("Give me {x}.", "I need {x}.")),
        (r"who (?P<x>(?:do|does|did) .+)", ("Which person {x}?",), ()),
        (rf"who (?P<x>(?:can|could|should|may|will|would|must) {_SUBJECT} .+)", ("Which person {x}?",), ()),
        (r"who (?P<x>(?:is|was) .+ (?:after|by|in|on|at))", ("Which person {x}?",), ()),
        (r"who (?P<x>(?:are|were|have) .+|(?:is|was) (?:\S+|(?-i:[A-Z]).+))", (), ()),  # several, or a name
        (r"who (?P<x>.+)", ("Which person {x}?", "Name the person who {x}."), ()),
        (r"when (?P<verb>is|are) (?P<x>.+)", ("At what time {verb} {x}?", "On which day {verb} {x}?"), ()),
        (
            r"how (?P<much>much|many) (?P<verb>is|are) (?P<x>.+)",
            ("What is the amount: how {much} {verb} {x}?",),
            ("Tell me how {much} {x} {verb}.",),
        ),
        (r"how (?P<much>much|many) (?P<x>.+)", ("What is the amount: how {much} {x}?", "Tell me how {much} {x}."), ()),
        (r"which (?P<noun>(?!of\b|ones?\b)\S+) (?P<x>.+)", ("What {noun} {x}?", "Name the {noun}: which one {x}?"), ()),
    )
)
_SEVERAL_CLAUSES = re.compile(r"[,;?!]|[.:]\s|\b(?:and|or) (?:who|what|where|when|why|which|how)\b", re.IGNORECASE)
_TO_THE_READER = re.compile(r"^(?:can|could|would|will|do) you\b", re.IGNORECASE)
_READER = re.compile(r"\b(?:you|your|yours|yourself)\b", re.IGNORECASE)
_PRONOUN = re.compile(r"i|you|he|she|it|we|they|me|him|her|us|them|this|that", re.IGNORECASE)
# Not to be put behind "give me" or "the person who": `Give me you`, `Give me the key for`.
_UNSAYABLE = re.compile(
    r"^(?:(?:is|are|am|was|were) )?(?:(?:i|you|he|she|it|we|they|there)\b|(?:this|that)$)"
    r"|\b(?:for|about|of|with|to|from)$",
    re.IGNORECASE,
)
_TURNS = re.compile(
    r"\b(?:before|(?<!look )(?<!looks )(?<!looking )after|until|since|unless|except|instead|only|more|less|other)\b",
    re.IGNORECASE,
)
_BE = frozenset({"is", "are", "was", "were"})
_PERSONS = frozenset({"i", "you", "he", "she", "it", "we", "they"})
_ARTICLES = frozenset({"the", "a", "an", "my", "our", "your", "his", "her", "their", "this", "these"})
_PLACING = frozenset({"in", "on", "at", "to", "into", "onto"})
_OTHER_PREPOSITIONS = frozenset({"of", "for", "about", "with", "by", "from"})
# Whatever follows these is the subject of a verb: `does the canteen close`, `if the deploy fails`.
_BEFORE_A_SUBJECT = frozenset(
    """do does did can could will would shall should may might must has have had if when where while because that
    whether what who how why which""".split()  # noqa: SIM905  (a list of words, to read)
)
_NOUN_PHRASE = re.compile(r"(?P<before>.*)\b(?P<article>the|an?|our|my|your) (?P<rest>\S.*)", re.IGNORECASE)
_TRAILING_VERB = re.compile(r"(?:(?:^|\s+)(?:be|is|are|in|called|named))+$", re.IGNORECASE)
_TRAILING_PASSIVE = re.compile(rf"(?:\s+(?:usually|normally|always|now))?\s+{_PARTICIPLE}$", re.IGNORECASE)
_VERB_INSIDE = re.compile(
    r"\s(?:is|are|was|were|be|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must"
    r"|i|I|you|he|she|it|we|they|that|who|which|if|when|where|while|because|like)\b"
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
    """Wordings to train on, in a fixed order: of each kind one or two, and frames to fill up."""
    first, *fillers = _framed(question, en=_FRAMES_EN, requests=_REQUESTS_EN, zh=_FRAMES_ZH)
    return [first, *_of_other_types(question), *_in_few_words(question), *fillers]


def held_out_rewordings(question: str) -> list[str]:
    """Wordings to hold out, from frames that are never trained on, in a fixed order."""
    return _framed(question, en=_HELD_OUT_EN, requests=_HELD_OUT_REQUESTS_EN, zh=_HELD_OUT_ZH)


def topic(question: str) -> str | None:
    """What an English question is about, for asking by that alone: `the print server` of `What is the password for the
    print server?`. None where there is no such thing, as in `who are you?`, for requests, where words around it turn
    the meaning (who may not enter the lab is not who may enter it), and where what stands last says less than something
    before it, as in `can I bring my dog to the office?`, or has a verb in it.
    """
    asked = _one_clause(question)
    if asked is None or _READER.search(_TO_THE_READER.sub("", asked)) or denies(asked) or _TURNS.search(asked):
        return None
    if phrase := _NOUN_PHRASE.fullmatch(asked):
        found = _without_verb(phrase["before"].lower().split(), phrase["rest"])
        article = "the" if phrase["article"].lower() in ("a", "an") else phrase["article"].lower()
        return f"{article} {found}" if found else None
    _, preposition, purpose = asked.rpartition(" for ")
    found = _TRAILING_VERB.sub("", purpose) if preposition else _bare_topic(asked)
    return None if not found or _PRONOUN.fullmatch(found) or _VERB_INSIDE.search(found) else found


def is_question(text: str) -> bool:
    """Whether an English or Chinese text asks for something rather than states it."""
    clean = text.strip()
    if clean.endswith(("?", "？")) or _QUESTION_START.match(clean):
        return True
    return re.search(r"什么|谁|哪|吗|呢|多少|几|怎么|怎样|如何|为何|是否", clean) is not None


def _one_clause(question: str) -> str | None:
    """An English question without its mark, if it is one and asks one thing."""
    asked = " ".join(question.split()).rstrip("?!. ")
    if language_of(asked) == "zh" or not is_question(question) or _SEVERAL_CLAUSES.search(asked):
        return None
    return asked


def _without_verb(before: Sequence[str], rest: str) -> str | None:
    """The noun phrase that a question ends with, whose article stands between `before` and `rest`; None where it only
    says where or when, and where a verb may be in it."""
    found = _TRAILING_VERB.sub("", rest)
    ends_in_be = bool({"be", "is", "are"}.intersection(rest.removeprefix(found).split()))
    last = before[-1] if before else ""
    if last in _BE:
        found = _TRAILING_PASSIVE.sub("", found)
    owns = last in ("has", "have", "had") and before[:-1] == ["who"]
    a_clause = last in _BEFORE_A_SUBJECT and not (ends_in_be or owns)
    a_statement = last in _BE and (len(before) == 1 or before[-2] == "why")  # is the office open, why is the door open
    if a_clause or a_statement or _only_places(before) or _VERB_INSIDE.search(found):
        return None
    return found


def _only_places(before: Sequence[str]) -> bool:
    """Whether what follows says where, when or whither, and the question is about something that was named before."""
    if not before or before[-1] not in _PLACING:
        return False
    if _ARTICLES.intersection(before):
        return True
    named = [word for word in content_words(" ".join(before)) if word not in ("much", "many")]
    return len(named) > (0 if _BE.intersection(before) else 1)  # a verb is one


def _bare_topic(asked: str) -> str | None:
    """The last words of a question without any article, two at most, if they are a noun phrase for all one can tell."""
    stripped = _TRAILING_VERB.sub("", asked)
    ends_in_be = stripped != asked
    written, carrying = stripped.split(), set(content_words(asked))
    start = len(written)
    while start and carrying.intersection(words(written[start - 1])):
        start -= 1
    before, found = [word.lower() for word in written[:start]], written[start:]
    last = before[-1] if before else ""
    if last in _PERSONS or (last in ("who", "what") and not ends_in_be):
        found = found[1:]  # the verb
    elif last in _BE:
        is_thing = before[0] in ("when", "where") or ends_in_be or (found and found[0][0].isupper())
        found = _TRAILING_PASSIVE.sub("", " ".join(found)).split() if is_thing else []
    elif last in _PLACING:
        found = [] if _only_places(before) else found
    elif last and last not in _OTHER_PREPOSITIONS and not (last in _BEFORE_A_SUBJECT and ends_in_be):
        found = []
    owner = next((place for place, word in enumerate(found) if re.search("['’]s$", word)), len(found))
    return " ".join(word.strip("\"'()") for word in found[min(owner, max(len(found) - 2, 0)) :]) or None


def _of_other_types(question: str) -> list[str]:
    """The question as one that asks for the same in another way; nothing where its type is not known."""
    asked = _one_clause(question)
    for pattern, others, of_a_thing in _TYPES_EN if asked else ():
        if (found := pattern.fullmatch(asked or "")) is not None:
            parts = {name: part if name in ("x", "noun") else part.lower() for name, part in found.groupdict().items()}
            if _UNSAYABLE.search(parts["x"]):
                return []
            right = (*others, *of_a_thing) if _is_thing(parts["x"]) else others
            return [other.format(**parts) for other in right]
    return []


def _is_thing(text: str) -> bool:
    """Whether a wish may name it."""
    return _DETERMINED.match(text) is not None and _MORE_THAN_A_THING.search(text) is None


def _in_few_words(question: str) -> list[str]:
    """By the topic, and as one would type it into a search; nothing where that would ask for nothing."""
    about, asked = topic(question), _one_clause(question)
    if about is None or asked is None:
        return []
    return [f"What about {about}?", f"{' '.join(_content(asked))}?"]


def _content(asked: str) -> list[str]:
    """The content words as they are written."""
    carrying = set(content_words(asked))
    return [word.strip("\"'()") for word in asked.split() if carrying.intersection(words(word))]


def _framed(question: str, *, en: Sequence[_Frame], requests: Sequence[_Frame], zh: Sequence[_Frame]) -> list[str]:
    clean = " ".join(question.split())
    if language_of(clean) == "zh":
        plain = re.sub(r"^(请问一下|请问|请)[，,：:]?", "", clean).rstrip("？?。！!. ").removesuffix("吗")
        return [frame.format(plain=plain) for frame, _ in zh]
    fill = _english_parts(clean)
    frames = en if is_question(clean) else requests
    return [fill(frame, bare) for frame, bare in frames]


# `what is wrong with it` stays in its order, `what is the limit of it` becomes `what the limit of it is`.
_ASKS_FOR_SUBJECT = re.compile(
    r"(?:who|which .+|how much|how many) .+|what (?:is|was) \S+ .+|what (?:is|was) wrong", re.I
)
_NAMES_SUBJECT = re.compile(
    rf"(?:{_DETERMINED.pattern}|(?:an?|all|both|i|you|he|she|it|we|they|there|this|that|these|those)\b|(?-i:[A-Z])"
    r"|.+ (?:called|named)$)",
    re.IGNORECASE,
)


def _indirect(asked: re.Match[str]) -> str | None:
    """`what is the wifi` as `what the wifi is`, and `what is the wifi called` as `what the wifi is called`; None where
    it is not known what the verb goes behind, as in `why is the printer offline`."""
    if _ASKS_FOR_SUBJECT.fullmatch(asked[0]) and not _NAMES_SUBJECT.match(asked[3]):
        return asked[0]
    subject, _, last = asked[3].rpartition(" ")
    if subject and re.fullmatch(_PARTICIPLE, last, re.IGNORECASE):
        return f"{asked[1]} {subject} {asked[2]} {last}"
    if asked[1].lower() == "why" or re.search(r"\blike\b", asked[3]):
        return None
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
