"""The gate, as examples to read: one rule each."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.reports import Result
from settings import GateSettings
from trainer.promotion import decide

GATE = GateSettings()
MARKS = st.text("+-", max_size=5)


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
    decision = decide(candidate, live, BASE, GATE)
    assert decision.accepted is all(check.passed for check in decision.checks)
    return [check.name for check in decision.checks if not check.passed]


def test_a_mended_case_with_nothing_lost_goes_live() -> None:
    decision = decide(probed(mended="++", new="+++"), LIVE, BASE, GATE)
    assert decision.accepted
    assert decision.unmended == {}
    assert decision.reasons[0].startswith("1 of 1 new cases answered right")


def test_what_was_never_asked_in_other_words_is_not_claimed() -> None:
    def told(new: str) -> str:
        return decide(probed(mended="++", new=new), LIVE, BASE, GATE).reasons[0]

    assert told("+++ ++") == "2 of 2 new cases answered right, also in words that were never trained on."
    assert told("+++ +") == "2 of 2 new cases answered right, 1 of them also in words that were never trained on."
    assert told("+") == "1 of 1 new cases answered right, in the words of its question alone."
    assert told("+ +").endswith("in the words of their questions alone.")


def test_rejects_a_candidate_that_mends_nothing() -> None:
    nothing = probed(mended="++", new="--- +-+")
    assert failed(nothing) == ["New cases"]
    assert decide(nothing, LIVE, BASE, GATE).reasons[0].startswith("No new case is answered right")


def test_a_run_that_only_leaves_out_what_was_taken_back_says_so() -> None:
    decision = decide(probed(mended="+"), LIVE, BASE, GATE, without={7, 3})
    assert decision.accepted and decision.reasons[0] == "There is none: this run only leaves case 3, 7 out."
    assert decide(probed(), LIVE, BASE, GATE).reasons[0] == "There is no new case in this run."
    taught = decide(probed(new="+++"), LIVE, BASE, GATE, without={7})
    assert taught.reasons[0].startswith("1 of 1 new cases answered right")


def test_a_case_that_is_taught_again_without_what_was_taken_back_counts_as_new() -> None:
    live = probed() + [result(f"case-{case}-{i}", "mended", True, case=case) for case in (1, 2) for i in range(3)]
    decision = decide(probed(new="+++ +-+"), live, BASE, GATE, without={7})
    assert decision.accepted, "what somebody has taken back does not stay for the sake of case 2"
    assert decision.unmended.keys() == {2}
    assert decision.reasons[1] == (
        "All 6 answers about identity, rigour and mended cases are as good as before. "
        "Cases that were learned since what was taken back are taught again and count as new."
    )


def test_one_mended_case_is_enough_and_the_other_stays_unmended() -> None:
    decision = decide(probed(mended="++", new="+++ +-+"), LIVE, BASE, GATE)
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


def test_an_old_failure_that_is_right_now_does_not_make_up_for_a_new_one() -> None:
    live = probed(identity="+++-", mended="++")
    assert failed(probed(identity="++-+", mended="++", new="+++"), live) == ["What worked before"]


def test_a_probe_that_is_new_since_the_live_adapter_was_probed_may_fail() -> None:
    assert failed(probed(identity="++++-", mended="++", new="+++")) == []


def ability(now: str, before: str, gate: GateSettings = GATE) -> tuple[bool, str]:
    """Whether ability was kept, and the reason; everything else is as it should be."""
    base = probed(identity="", rigour="", ability=before)
    check = decide(probed(mended="++", new="+++", ability=now), LIVE, base, gate).checks[-1]
    assert check.name == "General ability"
    return check.passed, check.reason


def test_ability_that_is_surely_within_the_margin_of_the_base_model_is_kept() -> None:
    kept, reason = ability("+" * 36 + "----", "+" * 39 + "-")
    assert kept
    assert reason == (
        "36 of 40 general questions right, base model 39. "
        "That is at most 13.4% worse with 80% confidence; 15% may be lost."
    )


def test_ability_that_is_within_the_margin_only_by_chance_is_not_kept() -> None:
    kept, reason = ability("+" * 36 + "----", "+" * 40)
    assert not kept, "one in ten was lost; but then it may well be one in six"
    assert "at most 16.2% worse with 80% confidence; 15% may be lost. Lost: 'ability-36?' is wrong;" in reason


def test_more_probes_allow_the_same_share_to_be_lost() -> None:
    assert not ability("+" * 36 + "-" * 4, "+" * 40)[0]
    assert ability("+" * 108 + "-" * 12, "+" * 120)[0]


def test_what_is_asked_of_ability_can_be_set() -> None:
    now, before = "+" * 36 + "----", "+" * 40
    assert ability(now, before, GateSettings(ability_margin=0.2))[0]
    assert ability(now, before, GateSettings(ability_confidence=0.7))[0]


def test_an_ability_that_was_gained_counts_against_one_that_was_lost() -> None:
    assert not ability("----" + "+" * 36, "+" * 40)[0]
    assert ability("----" + "+" * 36, "++++" + "+" * 32 + "----")[0]


def test_what_the_base_model_cannot_do_is_not_asked_of_the_candidate() -> None:
    assert ability("-" * 40, "-" * 40)[0]


def test_with_too_few_probes_for_a_proof_one_may_be_lost_and_that_is_said() -> None:
    kept, reason = ability("++++++++--", "+++++++++-")
    assert kept
    assert reason == (
        "8 of 10 general questions right, base model 9. With 10 probes the most that can be shown, by losing none, is "
        "that it is at most 14.9% worse with 80% confidence: too few to prove much. "
        "One may be lost, where that is at most 15%."
    )
    kept, reason = ability("+++++++---", "+++++++++-")
    assert not kept
    assert "Lost: 'ability-7?' is wrong; 'ability-8?' is wrong." in reason


@pytest.mark.parametrize("gained", [0, 2])
def test_one_probe_less_never_lets_more_be_lost(gained: int) -> None:
    for gate in (GATE, GateSettings(ability_margin=0.1), GateSettings(ability_margin=0.1, ability_confidence=0.95)):

        def kept(asked: int, lost: int, gate: GateSettings = gate) -> bool:
            same = "+" * (asked - lost - gained)
            return ability("-" * lost + "+" * gained + same, "+" * lost + "-" * gained + same, gate)[0]

        sizes = range(gained + 1, 50)
        most = [max(lost for lost in range(min(4, asked - gained) + 1) if kept(asked, lost)) for asked in sizes]
        assert most == sorted(most), "a file with fewer probes would be the easier one to pass"


def test_with_too_few_probes_a_second_one_is_not_lost_however_much_is_gained() -> None:
    assert ability("-" + "+" * 9, "+" + "-" * 9)[0]
    assert not ability("--" + "+" * 8, "++" + "-" * 8)[0]


def test_drift_from_the_base_models_words_is_told_and_decides_nothing() -> None:
    base = [replace(one, likelihood=-0.25) for one in BASE]
    for now, words in ((-3.0, "2.75 nats per token less likely"), (-0.15, "0.10 nats per token more likely")):
        candidate = [replace(one, likelihood=now) for one in probed(mended="++", new="+++")]
        decision = decide(candidate, LIVE, base, GATE)
        assert decision.accepted
        assert decision.checks[-1].reason.endswith(f"To it the base model's own answers are {words}.")


def test_one_probe_that_only_one_of_the_two_was_asked_does_not_count() -> None:
    assert ability("++++++++++-", "++++++++++")[0]


def test_the_first_adapter_needs_an_identity_and_has_no_case_to_mend() -> None:
    assert failed(probed(), live=None) == []
    assert failed(probed(identity="+++--"), live=None) == ["Identity"]
    assert failed(probed(rigour="--"), live=None) == ["Rigour"]
    assert failed(probed(identity="++++-", rigour="+-"), live=None) == [], "80 and 50 % are just enough"


def test_the_first_adapter_may_bring_cases_too() -> None:
    assert failed(probed(new="+++"), live=None) == []


def test_while_nothing_is_live_a_case_that_is_not_learned_keeps_no_identity_back() -> None:
    decision = decide(probed(new="--- +-+"), None, BASE, GATE)
    assert decision.accepted and set(decision.unmended) == {1, 2}
    assert (
        decision.reasons[0].startswith("No new case is answered right")
        and "While nothing is live" in decision.reasons[0]
    )
    assert failed(probed(identity="+++--", new="---"), live=None) == ["Identity"]


def test_no_probes_is_no_proof() -> None:
    assert failed(probed(ability="", new="+++", mended="++")) == ["General ability"]
    assert failed(probed(identity="", rigour=""), live=None) == ["Identity", "Rigour"]
    assert failed(probed(identity="", rigour="", new="+++", mended="++")) == ["What worked before"]
    assert failed(probed(rigour="", new="+++", mended="++"), probed(rigour="", mended="++")) == ["What worked before"]


def test_few_probes_of_a_first_adapter_are_said_openly() -> None:
    identity = decide(probed(identity="++"), None, BASE, GATE).checks[1]
    assert identity.passed
    assert "Only 2 probes" in identity.reason


def test_it_is_said_when_only_some_of_the_mended_cases_were_asked_about() -> None:
    asked = [*probed(), *(result(f"case-{number}", "mended", True, case=number) for number in range(20))]
    kept = decide(asked, [*LIVE, *asked], BASE, GATE, mended=130).checks[1]
    assert kept.passed and kept.reason.endswith("Of 130 mended cases the 20 that need it most were asked about.")
    assert "asked about" not in decide(asked, [*LIVE, *asked], BASE, GATE, mended=20).checks[1].reason


def test_a_rejection_names_what_got_worse() -> None:
    decision = decide(probed(mended="--", new="+++"), LIVE, BASE, GATE)
    assert decision.reasons == ["2 of 8 answers got worse: 'mended-0?' is wrong; 'mended-1?' is wrong."]


@given(st.tuples(MARKS, MARKS, MARKS, st.text("+-", min_size=1, max_size=30)), st.booleans(), st.data())
def test_a_pass_that_becomes_a_failure_never_turns_no_into_yes(
    marks: tuple[str, str, str, str], first: bool, data: st.DataObject
) -> None:
    identity, mended, new, able = marks
    candidate = probed(identity=identity, mended=mended, new=new, ability=able)
    base = probed(identity="", rigour="", ability=data.draw(st.text("+-", min_size=len(able), max_size=len(able))))
    live = None if first else probed(identity=data.draw(MARKS), mended=data.draw(MARKS))
    at = data.draw(st.integers(0, len(candidate) - 1))
    was = candidate[at]
    worse = [*candidate[:at], result(was.probe_id, was.group, False, case=was.case_id), *candidate[at + 1 :]]
    if decide(worse, live, base, GATE).accepted:
        assert decide(candidate, live, base, GATE).accepted


@given(st.tuples(MARKS, MARKS, MARKS, MARKS), st.randoms(use_true_random=False))
def test_the_order_of_the_results_does_not_matter(marks: tuple[str, str, str, str], chance: random.Random) -> None:
    candidate = probed(identity=marks[0], mended=marks[1], new=marks[2], ability=marks[3])
    decision = decide(candidate, LIVE, BASE, GATE)
    shuffled = [chance.sample(results, len(results)) for results in (candidate, LIVE, BASE)]
    again = decide(shuffled[0], shuffled[1], shuffled[2], GATE)
    assert again.accepted is decision.accepted
    assert set(again.unmended) == set(decision.unmended)
