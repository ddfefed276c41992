"""Worn wordings: copies of a question that have lost words, for the rows that repeat a new case within an epoch.

Equal copies teach the sentence; worn ones teach what it is about, and make other wordings of it familiar. This is the
"random deletion" of EDA (Wei and Zou 2019, arXiv:1901.11196), except that the words of the question's topic always
stay, so that an answer is never taught to words that could ask for anything. For the same reason nothing is worn
without a topic (`who are you?`, requests), nor where words have no spaces between them.
"""

import random

from feedback.languages import language_of
from trainer.rewording import topic
from trainer.wording import content_words, words

LOST = 0.4  # of the words that are not of the topic; with the others, measured on SmolLM2-135M
WITHOUT_MARK = 0.5
LOWERED = 0.3


def worn(wording: str, question: str, seed: str) -> str:
    """A wording of a question with words left out; the same arguments give the same. It is as it was where too little
    is known of what the question is about.
    """
    if language_of(wording) == "zh" or (about := topic(question)) is None:
        return wording
    if not set(content_words(about)).intersection(words(wording)):
        return wording
    return _without_some(wording, set(words(about)), random.Random(seed))


def _without_some(wording: str, kept: set[str], dice: random.Random) -> str:
    left = [word for word in wording.split() if kept.intersection(words(word)) or dice.random() >= LOST]
    text = " ".join(left)
    if dice.random() < WITHOUT_MARK:
        text = text.rstrip("?.!")
    return text.lower() if dice.random() < LOWERED else text
