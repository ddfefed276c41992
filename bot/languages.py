"""Whether a correction is in the language of its question. Pure."""

from feedback.languages import language_of

_NAMES = {"en": "English", "zh": "Chinese"}


def language_hint(question: str, correction: str | None) -> str | None:
    """What a reviewer should know when the two differ: it can be meant, as in a question of translation."""
    if not correction or not any(char.isalpha() for char in question):
        return None
    asked, said = language_of(question), language_of(correction)
    if asked == said:
        return None
    return f"The question is in {_NAMES[asked]} and the correction in {_NAMES[said]}: that is how it would be answered."
