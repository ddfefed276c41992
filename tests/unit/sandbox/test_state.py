"""Small parts that remember: messages on disk, faults, triggers, response URLs, modals."""

import time
from pathlib import Path

import pytest

from sandbox.errors import ApiError
from sandbox.faults import FaultError, Faults, parse_fault
from sandbox.hooks import Hook, Hooks
from sandbox.identifiers import Clock
from sandbox.messages import Message, MessageLog, Stream
from sandbox.modals import Modals
from sandbox.store import Store
from sandbox.triggers import Triggers
from sandbox.updates import Updates
from sandbox.views import new_view


def make_message(ts: str = "1.000001", **fields: object) -> Message:
    return Message(channel="C1", ts=ts, user="U1", **fields)  # type: ignore[arg-type]


def test_messages_survive_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    log = MessageLog(store)
    kept = make_message(text="kept", blocks=({"type": "divider"},)).with_reaction("eyes", "U2")
    log.put(kept)
    log.put(make_message("1.000002", text="whispered", ephemeral_for="U2"))
    log.put(make_message("1.000003", text="half", stream=Stream("open", "U2", 0.0)))
    log.put(make_message("1.000004"))
    log.remove(make_message("1.000004"))
    store.close()

    again = MessageLog(Store(tmp_path))
    assert again.get("C1", kept.ts) == kept
    assert [m.text for m in again.in_channel("C1")] == ["kept", "half"]
    half = again.get("C1", "1.000003")
    assert half is not None
    assert not half.streaming


def test_a_thread_is_its_first_message_and_its_replies() -> None:
    log = MessageLog(Store(None))
    for message in (make_message("1.1"), make_message("1.2", thread_ts="1.1"), make_message("1.3")):
        log.put(message)
    assert [m.ts for m in log.thread("C1", "1.1")] == ["1.1", "1.2"]
    assert [m.ts for m in log.replies("C1", "1.1")] == ["1.2"]


def test_a_reaction_that_nobody_holds_is_gone() -> None:
    message = make_message().with_reaction("eyes", "U1").with_reaction("eyes", "U2")
    assert message.reactions == {"eyes": ("U1", "U2")}
    assert message.without_reaction("eyes", "U1").without_reaction("eyes", "U2").reactions == {}


def test_timestamps_rise_and_never_repeat_even_after_a_later_one_was_seen() -> None:
    clock = Clock()
    future = f"{int(time.time()) + 1000}.000009"
    clock.seen(future)
    stamps = [clock.next_ts() for _ in range(100)]
    assert stamps == sorted(set(stamps))
    assert stamps[0] > future


def test_a_fault_is_spent_after_its_times() -> None:
    faults = Faults()
    faults.add(parse_fault({"kind": "rate_limit", "method": "chat.update", "times": 2}))
    taken = [faults.take("rate_limit", method) for method in ("chat.delete", "chat.update", "chat.update")]
    assert [fault is not None for fault in taken] == [False, True, True]
    assert faults.take("rate_limit", "chat.update") is None
    faults.add(parse_fault({"kind": "no_streaming"}))
    assert all(faults.take("no_streaming") for _ in range(5))


@pytest.mark.parametrize("request_", [{"kind": "flood"}, {"kind": "delay", "color": 1}, {"kind": "delay", "times": 0}])
def test_an_odd_fault_is_refused(request_: dict[str, object]) -> None:
    with pytest.raises(FaultError):
        parse_fault(request_)


def test_a_trigger_opens_one_modal_and_only_for_a_while() -> None:
    triggers = Triggers(life=60)
    trigger_id = triggers.issue("U1")
    assert triggers.redeem(trigger_id).person == "U1"
    with pytest.raises(ApiError, match="exchanged_trigger_id"):
        triggers.redeem(trigger_id)
    with pytest.raises(ApiError, match="invalid_trigger_id"):
        triggers.redeem("1.2")
    late = Triggers(life=-1)
    with pytest.raises(ApiError, match="expired_trigger_id"):
        late.redeem(late.issue("U1"))


def test_a_response_url_is_good_for_five_posts() -> None:
    hooks = Hooks(life=60)
    secret = hooks.issue("C1", "U1", None, None)
    assert all(isinstance(hooks.spend(secret), Hook) for _ in range(5))
    assert hooks.spend(secret) == "used_url"
    assert hooks.spend("other") == "no_hook"
    late = Hooks(life=-1)
    assert late.spend(late.issue("C1", "U1", None, None)) == "expired_url"


def test_a_stack_holds_three_modals() -> None:
    modals = Modals(Updates())
    body = {"type": "modal", "title": {"type": "plain_text", "text": "A"}, "blocks": []}
    view = new_view("U1", body, "modal", frozenset())
    modals.open(view)
    for _ in range(2):
        view = new_view("U1", body, "modal", frozenset(), under=view)
        modals.push(view)
    assert len({v.root_id for v in modals.stack("U1")}) == 1
    with pytest.raises(ApiError, match="push_limit_reached"):
        modals.push(new_view("U1", body, "modal", frozenset(), under=view))
    modals.close(view)
    assert len(modals.stack("U1")) == 2


def test_a_modal_with_inputs_needs_a_submit_button_and_a_short_title() -> None:
    field = {"type": "plain_text_input", "action_id": "a"}
    block = {"type": "input", "label": {"type": "plain_text", "text": "A"}, "element": field}
    body = {"type": "modal", "title": {"type": "plain_text", "text": "x" * 25}, "blocks": [block]}
    with pytest.raises(ApiError) as refused:
        new_view("U1", body, "modal", frozenset())
    assert any("submit button is required" in detail for detail in refused.value.details)
    assert any("less than 25" in detail for detail in refused.value.details)
