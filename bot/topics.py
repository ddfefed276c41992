"""What a text is about, as a set of words: without those that only ask, link or deny. Pure.

English and its like come in words. Chinese and Japanese are written without spaces, so each character is a word of its
own there, once what only asks is taken out. Other scripts without spaces are taken as they stand.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

LOOKED_AT = 2000  # characters: a longer text is judged by its beginning
_SMALL = frozenset({
    "a", "an", "the", "am", "is", "are", "was", "were", "be", "been", "do", "does", "did", "has", "have", "had", "can",
    "could", "would", "will", "you", "your", "i", "me", "my", "we", "us", "our", "it", "its", "he", "she", "they",
    "them", "their", "this", "that", "these", "those", "there", "of", "for", "to", "in", "on", "at", "by", "as", "from",
    "with", "and", "or", "but", "so", "also", "what", "which", "who", "whom", "whose", "when", "where", "why", "how",
    "please", "tell", "s", "m", "re", "ve", "ll", "d",
})  # fmt: skip
_NO = frozenset({"not", "no", "never", "cannot", "nothing", "nobody", "without", "don", "doesn", "didn", "isn", "t"})
_UNSPACED = "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORDS = re.compile(rf"[{_UNSPACED}]+|[^\W{_UNSPACED}]+")
_ONE_UNSPACED = re.compile(rf"[{_UNSPACED}]")
# The longer first: 什么时候 is one word.
_ASKING_UNSPACED = re.compile(
    "什么时候|是不是|能不能|可不可以|为什么|怎么样|什么|哪里|哪儿|怎么|怎样|如何|多少|请问|告诉|知道|到底|可以|可能|那里|这里|那儿|这儿|"
    "我们|你们|一下|[哪几谁那这我你您请叫是在有的了吗呢吧啊呀和与也都就还很能会要]"
)
_NEGATION = re.compile(
    r"\b(?:not|no|never|cannot|nothing|nobody|without)\b|n['’]t\b|(?<![是能会要])不(?![仅久同错过但论管断])|没(?!关系)|无法",
    re.IGNORECASE,
)
_NO_UNSPACED = frozenset("不没无法")
_NUMBERS = {
    word: str(number)
    for words in (
        "zero one two three four five six seven eight nine ten eleven twelve",
        "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth",
        "〇 一 二 三 四 五 六 七 八 九 十",
    )
    for number, word in enumerate(words.split())
} | {"零": "0", "两": "2"}
_NTH = re.compile(r"(\d+)(?:st|nd|rd|th)")
_SLIP, _SWAP = 4, 6  # letters that a word needs to be known with one letter too few, or with one that is wrong


def topic(text: str) -> list[str]:
    """The words that tell what a text is about, each once; three, third, 3rd and 三 are all 3."""
    found: dict[str, None] = {}
    for word in _WORDS.findall(text[:LOOKED_AT].casefold()):
        if _ONE_UNSPACED.match(word):
            found.update(dict.fromkeys(_NUMBERS.get(one, one) for one in _ASKING_UNSPACED.sub("", word)))
        elif word not in _SMALL:
            found[_NUMBERS.get(word) or _NTH.sub(r"\1", word)] = None
    return list(found)


def claims(text: str) -> list[str]:
    """The topic without the words that deny; see ``denies``."""
    return [word for word in topic(text) if word not in _NO and word not in _NO_UNSPACED]


def denies(text: str) -> bool:
    """Whether a text says "not", in whatever words."""
    return _NEGATION.search(text) is not None


def is_number(word: str) -> bool:
    """Whether a word of a topic is a number, or has one in it."""
    return any(letter.isdigit() for letter in word)


def is_unspaced(word: str) -> bool:
    """Whether a word is a character of a script without spaces."""
    return _ONE_UNSPACED.match(word) is not None


def same_words(first: Iterable[str], second: Sequence[str]) -> int:
    """How many of the first words are among the second ones, slips of the pen aside."""
    words = list(first)
    return len(words) - len(lacking(words, second))


def lacking(first: Iterable[str], second: Iterable[str]) -> list[str]:
    """Those of the first words that are not among the second ones, slips of the pen aside."""
    known = set(second)
    shortened = {form for word in known for form in _shortened(word)}
    swappable = {form for word in known if len(word) >= _SWAP for form in _shortened(word)}

    def there(word: str) -> bool:
        if word in known or word in shortened:
            return True
        forms = _shortened(word)
        return not known.isdisjoint(forms) or (len(word) >= _SWAP and not swappable.isdisjoint(forms))

    return [word for word in first if not there(word)]


@lru_cache(maxsize=8192)
def _shortened(word: str) -> frozenset[str]:
    """The word with each one of its letters left out. Short words and those with a digit are never slips."""
    if len(word) < _SLIP or not word.isalpha():
        return frozenset()
    return frozenset(word[:at] + word[at + 1 :] for at in range(len(word)))
