"""What is drawn: everything put in is escaped, every limit of Slack's kept, every state has its words."""

import html
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import blocks, case_blocks, home, listings, modals, run_blocks
from bot.retraining import nothing_approved
from bot.run_news import Score, broken, scores
from feedback.models import Answer
from feedback.reports import Result
from feedback.reviews import Queue
from feedback.runs import Check, Decision, Progress
from feedback.states import AdapterStatus, CaseStatus, RunStatus
from tests.unit.bot.factories import make_adapter, make_case, make_news

QUEUE = Queue(corrected=2, flagged=1, approved=3, unmended=0)
NASTY = st.one_of(st.text(max_size=80), st.sampled_from(["<!channel>", "<@U1>", "<http://e|l>", "a & b", "x" * 5000]))
OUR_MENTION = re.compile(r"<@U[A-Z]+>")


def mrkdwn(drawn: Any) -> list[str]:
    """Every text in which Slack would see markup."""
    if isinstance(drawn, dict):
        own = [drawn["text"]] if drawn.get("type") == "mrkdwn" else []
        return own + [text for value in drawn.values() for text in mrkdwn(value)]
    return [text for item in drawn for text in mrkdwn(item)] if isinstance(drawn, list) else []


def check(drawn: Any) -> None:
    for text in mrkdwn(drawn):
        assert "<" not in OUR_MENTION.sub("", text)
        assert 1 <= len(text) <= 3000
    for label in re.findall(r'"type": "button", "text": \{"type": "plain_text", "text": "([^"]*)"', json.dumps(drawn)):
        assert len(label) <= 75


@given(NASTY, NASTY, NASTY, NASTY, st.sampled_from(CaseStatus))
def test_nothing_put_into_a_case_can_become_markup(
    question: str, bad: str, correction: str, why: str, status: CaseStatus
) -> None:
    case = make_case(question=question, bad_answer=bad, correction=correction, outcome=why, status=status,
                     wordings=[bad, why], adapter=make_adapter())  # fmt: skip
    told = case_blocks.news(case)
    tried_in_vain = status is CaseStatus.APPROVED and bool(why)
    news = {CaseStatus.MENDED, CaseStatus.UNMENDED, CaseStatus.REJECTED}
    assert (told is not None) is (status in news or tried_in_vain)
    if told:
        assert told[0] and ("turned" in told[0]) is (status is CaseStatus.REJECTED)
        check(told[1])
    before = [Answer(question=question, text=bad), Answer(question=bad, text=None)]
    check(modals.review(case, QUEUE, {"skipped": [1]}, notice=why, hints=[bad], before=before)["blocks"])
    check(modals.edit(case, {})["blocks"])
    check(modals.reject(case, {})["blocks"])
    check(modals.correction(question, bad, {}, written=correction, wordings=[why, bad])["blocks"])
    seen = home.Seen(question[:20], (case,), listings.Overview(None, QUEUE, None, (), (case,)))
    check(home.home(seen)["blocks"])
    assert "<" not in OUR_MENTION.sub("", str(listings.case_list([case])))


@given(NASTY, NASTY, st.sampled_from(RunStatus), st.floats(0, 9, allow_nan=False), st.integers(0, 50))
def test_nothing_put_into_a_run_can_become_markup(
    detail: str, error: str, status: RunStatus, loss: float, step: int
) -> None:
    decision = Decision(status is RunStatus.LIVE, (Check("new", status is RunStatus.LIVE, detail),))
    progress = Progress("training", detail, step, 50, loss, 30.0, ((1, loss), (2, loss + 1)), {"building": 2.0})
    news = make_news(status=status, progress=progress, error=error, decision=decision, adapter="pip-v2-1",
                     scores=(Score("new", (0, 1), (1, 1)),), changed=(detail, error),
                     wordings={"model": {"accepted": 3, "turned_down": 1, "left_over": 1}})  # fmt: skip
    check(run_blocks.progress(news))


@pytest.mark.parametrize("status", CaseStatus)
def test_every_state_of_a_case_has_words(status: CaseStatus) -> None:
    assert case_blocks.state(make_case(status=status, outcome="because"))


@pytest.mark.parametrize("status", RunStatus)
def test_every_stage_of_a_run_has_words(status: RunStatus) -> None:
    news = make_news(status=status)
    assert f"Run 3 {run_blocks._WORDS[status]}" in run_blocks.summary(news)
    has_button = "mend_cancel_run" in str(run_blocks.progress(news))
    assert has_button is (news.active and status is not RunStatus.DEPLOYING)


def test_a_run_that_somebody_cancelled_has_no_button_any_more() -> None:
    drawn = str(run_blocks.progress(make_news(cancelled_by="T1/UADA")))
    assert "mend_cancel_run" not in drawn and "asked to cancel" in drawn


def test_a_case_can_be_approved_when_it_has_a_correction_and_no_verdict() -> None:
    def offered(status: CaseStatus, correction: str | None) -> set[str]:
        view = modals.review(make_case(status=status, correction=correction), QUEUE, {})
        return set(re.findall(r"mend_[a-z_]+", str(view["blocks"])))

    for status in (CaseStatus.CORRECTED, CaseStatus.UNMENDED):
        assert offered(status, "I am Pip.") == {modals.APPROVE, modals.REVISE, modals.TURN_DOWN, modals.SKIP}
    assert modals.APPROVE not in offered(CaseStatus.FLAGGED, None)


@given(st.text(alphabet=st.sampled_from("ab &<>\n"), min_size=1, max_size=2000).filter(str.strip))
def test_a_reviewer_sees_all_of_what_is_learned(words: str) -> None:
    case = make_case(question=words, correction=words)
    view = modals.review(case, QUEUE, {})
    shown = html.unescape("".join(mrkdwn(view["blocks"])).replace("\n> ", "").replace("> ", ""))
    letters = [re.sub(r"[^ab&<]", "", text) for text in (words, shown)]
    assert letters[0] in letters[1] and letters[1].count(letters[0]) >= 2
    assert len(view["blocks"]) <= 100
    check(view["blocks"])


def test_a_long_correction_is_shown_to_its_end() -> None:
    drawn = str(modals.review(make_case(correction="good &" * 330 + "THE END"), QUEUE, {})["blocks"])
    assert "THE END" in drawn and "…" not in drawn


def test_the_fingerprint_is_of_what_is_learned() -> None:
    seen = case_blocks.fingerprint(make_case())
    assert seen == case_blocks.fingerprint(make_case(outcome="because", status=CaseStatus.UNMENDED))
    assert seen != case_blocks.fingerprint(make_case(correction="I am Pap."))
    assert seen != case_blocks.fingerprint(make_case(question="Who?"))


@pytest.mark.parametrize(
    ("corrected", "unmended", "said"),
    [
        (0, 0, "none waits"),
        (1, 0, "1 correction waits for a decision:"),
        (1, 2, "3 corrections wait for a decision (2"),
    ],
)
def test_with_nothing_approved_all_that_wait_are_counted(corrected: int, unmended: int, said: str) -> None:
    assert said in nothing_approved(Queue(corrected, 4, 0, unmended), "/mend")


def test_thumbs_in_both_forms_say_the_same() -> None:
    footer = blocks.answer_footer("a note")
    for drawn in (str(footer.native), str(footer.plain)):
        assert "'value': 'up'" in drawn and "'value': 'down'" in drawn and "a note" in drawn


@pytest.mark.parametrize(
    ("step", "steps", "shown"),
    [
        (0, 0, ""),
        (0, 10, "0%\u00a0" + "▱" * 12),
        (5, 10, "50%\u00a0" + "▰" * 6 + "▱" * 6),
        (99, 10, "100%\u00a0" + "▰" * 12),
    ],
)
def test_the_bar(step: int, steps: int, shown: str) -> None:
    assert run_blocks.bar(step, steps) == shown


def test_the_curve_falls_as_the_loss_does() -> None:
    assert run_blocks.sparkline([3.0, 2.0, 1.0]) == "█▅▁"
    assert run_blocks.sparkline([1.0]) == "" and run_blocks.sparkline([2.0, 2.0]) == "▁▁"
    assert len(run_blocks.sparkline([float(n) for n in range(500)])) == 24


def result(probe: str, passed: bool, group: str = "identity") -> Result:
    return Result(probe, group, f"prompt of {probe}", "answer", passed, "reason")


def test_the_probe_table_compares_was_and_is() -> None:
    was = [result("a", True), result("b", True), result("c", False, "ability")]
    now = [result("a", True), result("b", False), result("c", True, "ability"), result("n", True, "new")]
    assert scores(was, now) == (
        Score("new", None, (1, 1)),
        Score("identity", (2, 2), (1, 2)),
        Score("ability", (0, 1), (1, 1)),
    )
    assert broken(was, now) == ("prompt of b",)
    assert "identity       2/2     1/2" in run_blocks.table(scores(was, now))


@pytest.mark.parametrize(
    ("word", "meant"), [("retrian", "retrain"), ("STATUS", "status"), ("roll-back", "rollback"), ("xyzzy", None)]
)
def test_the_nearest_command(word: str, meant: str | None) -> None:
    assert listings.nearest(word) == meant


def test_adapters_are_marked() -> None:
    listed = listings.adapter_list([make_adapter("b"), make_adapter("a", status=AdapterStatus.RETIRED)])
    assert listed == "🟢 `b` live\n⚪ `a` retired"


def test_probes_are_listed_with_those_that_fail() -> None:
    listed = listings.probe_list("`pip-v1`", [result("a", True), result("b", False)], everything=False)
    assert "identity" in listed and "1/2" in listed and "✗ prompt of b: reason" in listed
    assert "no probe report" in listings.probe_list("the base model", None, everything=True)
