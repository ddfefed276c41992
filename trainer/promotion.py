"""The gate: whether a candidate may go live, decided from probe results alone, with reasons for people.

A candidate goes live when
- at least one new case is mended (a case whose own probes fail stays unmended; the others may go live without it).
  While no adapter is live that is not asked: the identity that it brings is better than none;
- no identity, rigour or mended-case probe that the live adapter passes fails now: not one, whatever else is better.
  Without any identity or rigour probe nothing would be known, and the candidate is refused. A case that a run teaches
  again, since the run starts from before it to leave out what was taken back, counts as a new one: what somebody has
  taken back is not to stay because another case is not learned a second time;
- general ability is at most `ability_margin` worse than the base model's, with `ability_confidence`: the bound is exact
  and paired (`trainer.paired`), so what was gained counts against what was lost. With so few probes that one lost
  answer would be too many for the bound, one may be lost where that is no more than the margin, whatever is gained,
  and the reason says that this proves little.
  How far the model has drifted from the base model's own words is told beside it, and decides nothing;
- and, while no adapter is live, enough of the identity and rigour probes pass at all.

Nothing is asked a second time in the hope of another answer: another attempt is another adapter, and what is stated
here holds for each one. Probes are asked greedily, so the same adapter says the same again, but for words that are all
but equally likely (of 51 answers two were worded otherwise in another batch, and no verdict changed); a probe that such
a tie decides has become worse too.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from feedback import reports, runs
from feedback.reports import Result
from feedback.runs import Check, Decision
from settings import GateSettings
from trainer.paired import most_worse

ABILITY, IDENTITY, RIGOUR, MENDED, NEW = "ability", "identity", "rigour", "mended", "new"
KEPT = (IDENTITY, RIGOUR, MENDED)
FEW = 5  # with fewer probes in a group, one of them decides too much; it is said, and not held against the candidate
NAMED = 3  # probes named in a reason
SAME = 0.005  # nats per token: less is 0.00 in words


def decide(
    candidate: Sequence[Result],
    live: Sequence[Result] | None,
    base: Sequence[Result],
    gate: GateSettings,
    *,
    mended: int = 0,
    without: Collection[int] = (),
) -> Decision:
    """The verdict on a candidate. `live` is None while the base model answers people; `mended` is how many mended cases
    there are, whether or not they were all asked about; `without` are cases that were taken back, which the live
    adapter knows and the candidate does not."""
    unmended = _unmended(candidate)
    checks = [_new_cases(candidate, unmended, without, needed=live is not None)]
    if live is None:
        checks.append(_floor(runs.IDENTITY, IDENTITY, candidate, gate.identity_floor))
        checks.append(_floor(runs.RIGOUR, RIGOUR, candidate, gate.rigour_floor))
    else:
        checks.append(_nothing_broken(candidate, live, mended, again=bool(without)))
    checks.append(_ability_kept(candidate, base, gate))
    return Decision(accepted=all(check.passed for check in checks), checks=tuple(checks), unmended=unmended)


def _new_cases(
    candidate: Sequence[Result], unmended: dict[int, str], without: Collection[int], *, needed: bool
) -> Check:
    name = runs.NEW_CASES
    cases = {result.case_id for result in _of(NEW, candidate)}
    if not cases and without:
        return Check(
            name, True, f"There is none: this run only leaves case {', '.join(map(str, sorted(without)))} out."
        )
    if not cases:
        return Check(name, True, "There is no new case in this run.")
    mended = len(cases) - len(unmended)
    reason = f"{mended} of {len(cases)} new cases answered right, {_in_which_words(candidate, cases - set(unmended))}."
    if not mended:
        reason = "No new case is answered right in all its wordings."
    if unmended:
        reason += " Still wrong: " + "; ".join(f"case {case}: {why}" for case, why in sorted(unmended.items())) + "."
    if not mended and not needed:
        reason += " While nothing is live that alone keeps nothing back: the cases go back to review with the reason."
    return Check(name, mended > 0 or not needed, reason)


def _in_which_words(candidate: Sequence[Result], mended: Collection[int | None]) -> str:
    """Whether mended cases were asked in held-out wordings as well: an emoji has none."""
    asked = Counter(result.case_id for result in _of(NEW, candidate) if result.case_id in mended)
    also = sum(times > 1 for times in asked.values())
    if also == 0:
        return f"in the words of {'its question' if len(asked) == 1 else 'their questions'} alone"
    some = "" if also == len(asked) else f"{also} of them "
    return f"{some}also in words that were never trained on"


def _unmended(candidate: Sequence[Result]) -> dict[int, str]:
    """New cases with a failing probe, each with what fails."""
    by_case: dict[int, list[Result]] = defaultdict(list)
    for result in _of(NEW, candidate):
        if result.case_id is not None:
            by_case[result.case_id].append(result)
    reasons = {}
    for case, results in by_case.items():
        failed = [result for result in results if not result.passed]
        if failed:
            passed = len(results) - len(failed)
            reasons[case] = (
                f"right in {passed} of {len(results)} wordings; asked {failed[0].prompt!r} it {failed[0].reason}"
            )
    return reasons


def _nothing_broken(candidate: Sequence[Result], live: Sequence[Result], mended: int, *, again: bool) -> Check:
    name = runs.WORKED_BEFORE
    if without := [group for group in (IDENTITY, RIGOUR) if not _of(group, candidate)]:
        return Check(
            name, False, f"There is no {' and no '.join(without)} probe in probes.yaml, so nothing can be said."
        )
    asked = len({result.case_id for result in _of(MENDED, candidate)})
    some = f" Of {mended} mended cases the {asked} that need it most were asked about." if asked < mended else ""
    if again:
        some += " Cases that were learned since what was taken back are taught again and count as new."
    now = {result.probe_id: result for result in candidate}
    before = [result for result in live if result.passed and _kept(now.get(result.probe_id))]
    broken = [now[result.probe_id] for result in before if not now[result.probe_id].passed]
    if broken:
        return Check(name, False, f"{len(broken)} of {len(before)} answers got worse: {_named(broken)}.{some}")
    if not before:
        return Check(name, True, "The live adapter passes none of these probes, so there was nothing to lose." + some)
    return Check(
        name, True, f"All {len(before)} answers about identity, rigour and mended cases are as good as before.{some}"
    )


def _kept(result: Result | None) -> bool:
    return result is not None and result.group in KEPT


def _floor(name: str, group: str, candidate: Sequence[Result], floor: float) -> Check:
    results = _of(group, candidate)
    if not results:
        return Check(name, False, f"There is no {group} probe in probes.yaml, so nothing can be said about it.")
    failed = [result for result in results if not result.passed]
    reason = f"{len(results) - len(failed)} of {len(results)} {group} probes pass; at least {floor:.0%} have to."
    if failed:
        reason += f" Failing: {_named(failed)}."
    return Check(name, _share(results) >= floor, reason + _few(results))


def _ability_kept(candidate: Sequence[Result], base: Sequence[Result], gate: GateSettings) -> Check:
    name = runs.ABILITY
    before = {result.probe_id: result.passed for result in _of(ABILITY, base)}
    now = [result for result in _of(ABILITY, candidate) if result.probe_id in before]
    if not now:
        return Check(name, False, "There is no ability probe in probes.yaml, so nothing can be said about it.")
    lost = [result for result in now if not result.passed and before[result.probe_id]]
    gained = sum(result.passed and not before[result.probe_id] for result in now)
    kept, judged = _within_margin(len(lost), gained, len(now), gate)
    right_before = sum(before[result.probe_id] for result in now)
    reason = f"{_passed(now)} of {len(now)} general questions right, base model {right_before}. {judged}"
    if not kept:
        reason += f" Lost: {_named(lost)}."
    if (drift := reports.drift(candidate, base)) is not None:
        change = f"{abs(drift):.2f} nats per token {'less' if drift > 0 else 'more'} likely"
        said = "about as likely as before" if abs(drift) < SAME else change
        reason += f" To it the base model's own answers are {said}."
    return Check(name, kept, reason)


def _within_margin(lost: int, gained: int, asked: int, gate: GateSettings) -> tuple[bool, str]:
    """Whether ability has kept within the margin, and what was found."""
    margin, confidence = gate.ability_margin, gate.ability_confidence
    if most_worse(1, 0, asked, confidence) <= margin:
        bound = most_worse(lost, gained, asked, confidence)
        return bound <= margin, (
            f"That is at most {bound:.1%} worse with {confidence:.0%} confidence; {margin:.0%} may be lost."
        )
    # Not what was lost less what was gained: of many that changed, much may have been lost.
    return lost <= 1 and lost - gained <= margin * asked + 1e-9, (
        f"With {asked} probes the most that can be shown, by losing none, is that it is at most "
        f"{most_worse(0, 0, asked, confidence):.1%} worse with {confidence:.0%} confidence: too few to prove much. "
        f"One may be lost, where that is at most {margin:.0%}."
    )


def _of(group: str, results: Iterable[Result]) -> list[Result]:
    return [result for result in results if result.group == group]


def _passed(results: Sequence[Result]) -> int:
    return sum(result.passed for result in results)


def _share(results: Sequence[Result]) -> float:
    return _passed(results) / len(results)


def _few(results: Sequence[Result]) -> str:
    return f" (Only {len(results)} probes: each one counts a lot.)" if len(results) < FEW else ""


def _named(results: Sequence[Result]) -> str:
    named = "; ".join(f"{result.prompt!r} {result.reason}" for result in results[:NAMED])
    more = len(results) - NAMED
    return f"{named}; and {more} more" if more > 0 else named
