"""Dealing a case's wordings: which are trained on, which are held out for its probes, and which are turned down."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from feedback.datasets import LEFT_OVER, Paraphrase
from trainer.generators import PERSON, RULE, Offer
from trainer.variants import NEAR_DUPLICATE, NEAR_DUPLICATE_BY_RULE, CaseText, Limits, keeps_every_word, reason_against


def deal(
    case: CaseText,
    offers: Sequence[Offer],
    *,
    to_train: int,
    to_hold_out: int,
    known: Sequence[Paraphrase] = (),
    reserved: Sequence[str] = (),
) -> list[Paraphrase]:
    """New variants of a case: as many as are wanted, and those that were turned down with their reasons.

    `known` are its variants so far. The first held-out wording comes from frames that are never trained on, a second
    one from whoever has offered more than one good wording, people first. People's wordings are never left over.
    """
    table = _Table(case, tuple(known), tuple(reserved))
    still_out = to_hold_out - table.count(known, held_out=True)
    still_in = to_train - table.count(known, held_out=False)
    frames = [(offer.generator, offer.held_out) for offer in offers if offer.held_out]
    fillers = [(offer.generator, offer.texts) for offer in offers if offer.as_needed]
    table.fill(frames, min(still_out, 1), held_out=True)
    for offer in offers:
        if not offer.as_needed:
            table.judge_all(offer)
    if table.count(table.dealt, held_out=True) < still_out:
        table.hold_one_out()
    table.leave_over(still_in)
    table.fill(frames, still_out - table.count(table.dealt, held_out=True), held_out=True)
    table.fill(fillers, still_in - table.count(table.dealt, held_out=False), held_out=False)
    return table.dealt


@dataclass
class _Table:
    """What lies on the table while one case is dealt."""

    case: CaseText
    known: tuple[Paraphrase, ...]
    reserved: tuple[str, ...]
    dealt: list[Paraphrase] = field(default_factory=list)

    def judge_all(self, offer: Offer) -> None:
        for text in offer.texts:
            if not self._has(text):
                self.dealt.append(self._judged(text, offer.generator, held_out=False))

    def fill(self, offered: Iterable[tuple[str, Sequence[str]]], count: int, *, held_out: bool) -> None:
        """Deal wordings until `count` are good."""
        for generator, text in ((generator, text) for generator, texts in offered for text in texts):
            if count <= 0:
                return
            if not self._has(text):
                self.dealt.append(self._judged(text, generator, held_out=held_out))
                count -= self.dealt[-1].rejected_because is None

    def hold_one_out(self) -> None:
        """Hold the second good wording of a generator out: there is another of its kind to train on. Of a model's, only
        one that keeps to the question to the word: a probe that asks something else would find a mended case unmended.
        """
        seen: set[str] = set()
        for place, one in enumerate(self.dealt):
            if one.rejected_because is None and not one.held_out:
                if one.generator in seen and (one.generator == PERSON or keeps_every_word(one.text, self.case)):
                    self.dealt[place] = replace(one, held_out=True)
                    return
                seen.add(one.generator)

    def leave_over(self, wanted: int) -> None:
        """Leave what is good and not needed unused, but nothing that a person has written."""
        for place, one in enumerate(self.dealt):
            if one.rejected_because is None and not one.held_out:
                if wanted <= 0 and one.generator != PERSON:
                    self.dealt[place] = replace(one, rejected_because=LEFT_OVER)
                wanted -= 1

    @staticmethod
    def count(some: Iterable[Paraphrase], *, held_out: bool) -> int:
        return sum(one.held_out is held_out and one.rejected_because is None for one in some)

    def _has(self, text: str) -> bool:
        return any(text == one.text for one in (*self.known, *self.dealt))

    def _judged(self, text: str, generator: str, *, held_out: bool) -> Paraphrase:
        good = (one.text for one in (*self.known, *self.dealt) if one.rejected_because is None)
        by_rule = generator == RULE
        near = NEAR_DUPLICATE_BY_RULE if by_rule else NEAR_DUPLICATE
        reason = reason_against(text, self.case, Limits((self.case.question, *good), self.reserved, near, by_rule))
        return Paraphrase(text, generator, held_out, reason)
