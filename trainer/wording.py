"""The words of a question or an answer, as far as Mend has to tell them apart, in English and Chinese.

Not a tokenizer: no stemming, no part of speech, and any language without Chinese characters counts as English.
"""

import re
import unicodedata

from feedback.words import NEGATION, WORD

_SENTENCE_END = re.compile(r"[.!?。！？:：\n]\s*$")
_SLACK_EMOJI = re.compile(r":[a-z0-9_+'-]*[a-z+-][a-z0-9_+'-]*:(?::skin-tone-[2-6]:)?")

_COMMON = frozenset(
    """a an the is are was were be been being am do does did done have has had having can could will would shall should
    may might must i me my mine we us our ours you your yours he him his she her hers it its they them their theirs
    this that these those there here what which who whom whose when where why how and or but if then than as of at by
    for with about to from in on off out up down into over under again so too very just also only not no nor own same
    please tell give say show know let lets get got want need like some any all each every both few more most other
    such hi hey hello quick question thanks thank one ones im ive id ill youre whats whos wheres hows thats its
    dont doesnt didnt isnt arent wasnt cant couldnt wont wouldnt""".split()  # noqa: SIM905  (a list of words, to read)
)
_COMMON_ZH = frozenset(
    "的了吗呢吧啊是在有和与或我你您他她它们这那哪谁什么怎样如何为几多少请问告诉一下个不没知道想要能会可以叫"
)
_APOSTROPHES = str.maketrans("", "", "'’")


def words(text: str) -> list[str]:
    """The words in order, case folded."""
    return [found.casefold() for found in WORD.findall(unicodedata.normalize("NFKC", text))]


def has_words(text: str) -> bool:
    """Whether a text says anything in words: an emoji, or the name that Slack writes for one, is none."""
    return bool(words(_SLACK_EMOJI.sub(" ", text)))


def normalised(text: str) -> str:
    """The words with single spaces between them: what is left when case, punctuation and spacing are ignored."""
    return " ".join(words(text))


def content_words(text: str) -> list[str]:
    """The words that carry what the text is about, each once, in order."""
    return list(dict.fromkeys(word for word in words(text) if not _is_common(word)))


def key_facts(text: str) -> list[str]:
    """The words that must not be lost or changed: names, numbers, codes and addresses, case folded.

    A word counts when it has a digit or an inner capital or mark, or when it is capitalised inside a sentence.
    """
    clean = unicodedata.normalize("NFKC", text)
    facts: list[str] = []
    for found in WORD.finditer(clean):
        word = found.group()
        begins = not clean[: found.start()].strip() or _SENTENCE_END.search(clean[: found.start()]) is not None
        if _is_fact(word, begins_sentence=begins):
            facts.append(word.casefold())
    return list(dict.fromkeys(facts))


def contains_fact(text: str, fact: str) -> bool:
    """Whether a key fact stands in a text as a whole: 4 is not in 42."""
    clean = unicodedata.normalize("NFKC", text).casefold()
    return re.search(rf"(?<![a-z0-9]){re.escape(fact)}(?![a-z0-9])", clean) is not None


def denies(text: str) -> bool:
    """Whether something is said not to be so."""
    return NEGATION.search(text) is not None


def _is_fact(word: str, *, begins_sentence: bool) -> bool:
    if any(char.isdigit() for char in word):
        return True
    if not word[0].isascii() or len(word) == 1 or _is_common(word.casefold()):
        return False
    if any(char.isupper() for char in word[1:]) or any(mark in word for mark in "@_/"):
        return True
    return word[0].isupper() and not begins_sentence


def _is_common(word: str) -> bool:
    return word in _COMMON_ZH or word.translate(_APOSTROPHES) in _COMMON
