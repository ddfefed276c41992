"""Own answers of the base model that are there before a run needs them."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable

import pytest
from rq.exceptions import StopRequested
from sqlalchemy import func, select

from feedback.models import OwnAnswer
from feedback.states import RunStatus
from serving.base import BaseModel
from serving.errors import ServingUnavailable
from tests.integration.trainer_parts import FIRST_RUN_WITHOUT, StandInChat, StandInReplicas, Workshop, configure, done
from trainer import spare_time
from trainer.own_answers import Asking

PROMPTS = tuple(f"General prompt {number}?" for number in range(5))


def asking(shop: Workshop) -> Asking:
    chat = StandInChat(shop.server)
    return Asking(shop.database, chat, "base", "f" * 64, "You are Pip.", PROMPTS)  # type: ignore[arg-type]


def make(shop: Workshop, count: int, free: Callable[[], bool] = lambda: True) -> bool:
    replicas = StandInReplicas(shop.server)
    return asyncio.run(spare_time.make(asking(shop), replicas, count, free))  # type: ignore[arg-type]


def kept(shop: Workshop) -> int:
    with shop.database.begin() as session:
        return session.scalar(select(func.count()).select_from(OwnAnswer)) or 0


def asked(shop: Workshop) -> Counter[str]:
    return Counter(prompt for _, prompt in shop.server.asked)


def test_so_many_good_ones_are_made_and_none_twice(shop: Workshop) -> None:
    shop.server.spoil = lambda name, prompt: "I am SmolLM." if prompt == PROMPTS[0] else None
    assert make(shop, 2)
    assert make(shop, 2)
    assert asked(shop) == Counter(PROMPTS[:3]), "the first is not good, and not asked again"
    assert make(shop, 99), "there are no more prompts"
    assert asked(shop) == Counter(PROMPTS)


def test_nothing_is_asked_while_somebody_is_answered(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare_time, "BUSY_SECONDS", 0)
    looks = iter([False, False, True, False, True])
    when: list[int] = []

    def at_rest() -> bool:
        when.append(sum(asked(shop).values()))
        return next(looks)

    shop.server.at_rest = at_rest
    assert make(shop, 2)
    assert when == [0, 0, 0, 1, 1]


def test_it_stops_when_it_is_not_free_and_goes_on_later(shop: Workshop) -> None:
    turns = iter([True, True, False])
    assert not make(shop, 4, lambda: next(turns))
    assert kept(shop) == 2
    assert make(shop, 4)
    assert asked(shop) == Counter(PROMPTS[:4])


@pytest.mark.parametrize("cut_at", range(3))
def test_what_was_made_before_the_server_went_away_is_kept(shop: Workshop, cut_at: int) -> None:
    shop.server.spoil = lambda name, prompt: ServingUnavailable("gone") if prompt == PROMPTS[cut_at] else None
    with pytest.raises(ServingUnavailable):
        make(shop, 3)
    assert kept(shop) == cut_at
    shop.server.spoil = lambda name, prompt: None
    assert make(shop, 3)
    assert asked(shop) == Counter(PROMPTS[:3]) + Counter([PROMPTS[cut_at]])


def test_a_run_of_another_worker_keeps_them_waiting(shop: Workshop) -> None:
    shop.start()
    assert not asyncio.run(spare_time._while_idle(shop.context))
    assert shop.server.asked == []


def test_a_follow_up_finds_what_was_made_after_the_first_training(shop: Workshop) -> None:
    configure(shop, *FIRST_RUN_WITHOUT)
    done(shop)
    assert kept(shop) == 0, "a training has the machine for itself"
    assert asyncio.run(spare_time._while_idle(shop.context))
    shop.server.asked.clear()
    shop.approve()
    run_id = done(shop)
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert not asked(shop).keys() & {"How is tea made?", "Why do ships float?"}
    with shop.database.begin() as session:
        bases = set(session.scalars(select(OwnAnswer.base_fingerprint)))
    assert bases == {BaseModel.read(shop.context.settings.serving.base_model).fingerprint}


def test_a_start_that_a_signal_interrupts_leaves_nothing_to_wait_for(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(thread: threading.Thread) -> None:
        raise StopRequested

    spare = spare_time.SpareTime(shop.context)
    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(StopRequested):
        spare.begin()
    spare.end()
