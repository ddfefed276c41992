"""Cases about one thing with different answers: the phone number and the address of one office.

Its name alone ("What about the Berlin office?"), or a worn wording in which little else is left, would then be taught
with both answers, and the model would learn to mix them up.
"""

from collections.abc import Sequence
from dataclasses import replace

from trainer.rewording import topic
from trainer.variants import CaseText
from trainer.wording import content_words


def sharing_a_topic(cases: Sequence[CaseText]) -> frozenset[int]:
    """The ids of cases whose topic is, or holds, or is held by, that of a case with another answer."""
    about = [(case, _topic_words(case)) for case in cases]
    return frozenset(
        case.case_id
        for case, ours in about
        if ours
        and any(
            theirs and (ours <= theirs or theirs <= ours) and case.correction != other.correction
            for other, theirs in about
        )
    )


def without_the_topic_alone(case: CaseText) -> CaseText:
    """The case without those wordings that ask by its topic and nothing else."""
    about = _topic_words(case)
    return replace(case, wordings=tuple(one for one in case.wordings if not set(content_words(one)) <= about))


def _topic_words(case: CaseText) -> frozenset[str]:
    return frozenset(content_words(topic(case.question) or ""))
