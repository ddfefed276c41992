"""The gate, as examples to read."""

from feedback.reports import Result
from trainer.promotion import Margin, decide

MARGIN = Margin()


def result(name: str, group: str, passed: bool, *, case: int | None = None) -> Result:
    return Result(name, group, f"{name}?", "an answer", passed, "says what it should" if passed else "is wrong", case)


def probed(
    *, identity: str = "++++", rigour: str = "++", ability: str = "++++++++++", mended: str = "", new: str = ""
) -> list[Result]:
    """Results by group, + for a pass and - for a failure; each new case has a group of three, as in `+++ +-+`."""
    results = [
        result(f"{group}-{number}", group, mark == "+")
        for group, marks in (("identity", identity), ("rigour", rigour), ("ability", ability), ("mended", mended))
        for number, mark in enumerate(marks)
    ]
    for case, marks in enumerate(new.split(), start=1):
        results += [result(f"case-{case}-{i}", "new", mark == "+", case=case) for i, mark in enumerate(marks)]
    return results


BASE = probed(identity="", rigour="", ability="+++++++++-")
LIVE = probed(mended="++")


def failed(candidate: list[Result], live: list[Result] | None = LIVE) -> list[str]:
    decision = decide(candidate, live, BASE, MARGIN)
    assert decision.accepted is all(check.passed for check in decision.checks)
    return [check.name for check in decision.checks if not check.passed]


def test_a_mended_case_with_nothing_lost_goes_live() -> None:
    decision = decide(probed(mended="++", new="+++"), LIVE, BASE, MARGIN)
    assert decision.accepted
    assert decision.unmended == {}
    assert decision.reasons[0].startswith("1 of 1 new cases answered right")


def test_rejects_a_candidate_that_mends_nothing() -> None:
    nothing = probed(mended="++", new="--- +-+")
    assert failed(nothing) == ["New cases"]
    assert decide(nothing, LIVE, BASE, MARGIN).reasons[0].startswith("No new case is answered right")


def test_one_mended_case_is_enough_and_the_other_stays_unmended() -> None:
    decision = decide(probed(mended="++", new="+++ +-+"), LIVE, BASE, MARGIN)
    assert decision.accepted
    assert decision.unmended == {2: "right in 2 of 3 wordings; asked 'case-2-1?' it is wrong"}
    assert "Still wrong: case 2" in decision.reasons[0]


def test_rejects_a_candidate_that_breaks_a_passing_probe() -> None:
    for worse in (
        probed(mended="++", new="+++", identity="+++-"),
        probed(mended="++", new="+++", rigour="-+"),
        probed(mended="+-", new="+++"),
    ):
        assert failed(worse) == ["What worked before"]


def test_what_failed_before_may_still_fail() -> None:
    live = probed(identity="+++-", mended="+-")
    assert failed(probed(identity="+++-", mended="+-", new="+++"), live) == []


def test_a_case_that_was_withdrawn_meanwhile_is_not_missed() -> None:
    assert failed(probed(mended="", new="+++"), probed(mended="++")) == []


def test_ability_may_lose_a_little_against_the_base_model_and_no_more() -> None:
    assert failed(probed(mended="++", new="+++", ability="++++++++--")) == []
    assert failed(probed(mended="++", new="+++", ability="+++++++---")) == ["General ability"]


def test_an_ability_that_flips_is_judged_by_the_share_and_not_one_by_one() -> None:
    assert failed(probed(mended="++", new="+++", ability="-+++++++++")) == []


def test_the_first_adapter_needs_an_identity_and_has_no_case_to_mend() -> None:
    assert failed(probed(), live=None) == []
    assert failed(probed(identity="+++--"), live=None) == ["Identity"]
    assert failed(probed(rigour="--"), live=None) == ["Rigour"]


def test_the_first_adapter_may_bring_cases_too() -> None:
    assert failed(probed(new="+++"), live=None) == []
    assert failed(probed(new="---"), live=None) == ["New cases"]


def test_no_probes_is_no_proof() -> None:
    assert failed(probed(ability="", new="+++", mended="++")) == ["General ability"]
    assert failed(probed(identity="", rigour=""), live=None) == ["Identity", "Rigour"]


def test_few_probes_are_said_openly() -> None:
    base = probed(identity="", rigour="", ability="++")
    decision = decide(probed(ability="++", mended="++", new="+++"), LIVE, base, MARGIN)
    assert decision.accepted
    assert "Only 2 probes" in decision.checks[-1].reason


def test_a_rejection_names_what_got_worse() -> None:
    decision = decide(probed(mended="--", new="+++"), LIVE, BASE, MARGIN)
    assert decision.reasons == ["2 of 8 answers got worse: 'mended-0?' is wrong; 'mended-1?' is wrong."]
