"""Asking probes: as the bot asks, a few at a time, patiently, and without asking again what is known."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from serving.chat import Completion, Sampling
from serving.errors import PromptTooLong, ServingUnavailable
from trainer import patience
from trainer.case_probes import CaseProbe
from trainer.probes import Expect, Probe, ProbeError, ProbeGroup
from trainer.probing import ALONE, IN_FLIGHT, Examiner, likelihoods, not_asked, reuse, run_probes

WIFI = CaseProbe("case-3-original", "new", "Wifi?", 40, 3, "Wifi?", "It is HarborGuest.")


def probe(name: str, *, wanted: str = "pip", max_tokens: int = 16) -> Probe:
    return Probe(
        id=name, group=ProbeGroup.IDENTITY, prompt=f"{name}?", expect=Expect(any_of=(wanted,)), max_tokens=max_tokens
    )


class FakeChat:
    """A model that says what it is told to, or raises it."""

    def __init__(self, *replies: str | Exception) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[Sequence[Mapping[str, Any]], str, Sampling, int]] = []
        self.running = self.most = self.others = 0
        self.unreachable = False

    async def complete(
        self, messages: Sequence[Mapping[str, Any]], served_name: str, sampling: Sampling, *, priority: int = 10
    ) -> Completion:
        self.asked.append((messages, served_name, sampling, priority))
        self.running += 1
        self.most = max(self.most, self.running)
        for _ in range(100):
            await asyncio.sleep(0)
        self.running -= 1
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return Completion(reply, served_name, "stop", 1, 1, 1.0, 1.0)

    async def requests(self) -> int:
        if self.unreachable:
            raise ServingUnavailable("gone")
        return self.running + self.others

    async def likelihood(
        self, messages: Sequence[Mapping[str, Any]], served_name: str, answer: str, *, priority: int = 10
    ) -> float:
        self.asked.append((messages, served_name, Sampling(0.0, 1), priority))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return -float(len(answer))


def examiner(chat: FakeChat, **change: Any) -> Examiner:
    return replace(Examiner(chat, "/models/base", "You are Pip.", patience=5), **change)  # type: ignore[arg-type]


async def ask(chat: FakeChat, *probes: Probe | CaseProbe) -> list[Any]:
    return await run_probes(examiner(chat), "pip-v1", probes, lambda done: None)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(patience, "LONGEST_PAUSE", 0.01)


async def test_a_probe_is_asked_greedily_with_the_system_prompt_and_behind_people() -> None:
    chat = FakeChat("I am Pip.")
    (result,) = await ask(chat, probe("name"))
    assert (result.passed, result.group, result.answer) == (True, "identity", "I am Pip.")
    ((messages, name, sampling, priority),) = chat.asked
    assert messages == [{"role": "system", "content": "You are Pip."}, {"role": "user", "content": "name?"}]
    assert (name, sampling, priority) == ("pip-v1", Sampling(0.0, 16), 10)


async def test_a_case_is_graded_by_its_correction() -> None:
    (right,) = await ask(FakeChat("It is HarborGuest, ask me anything."), WIFI)
    (wrong,) = await ask(FakeChat("I cannot know."), WIFI)
    assert (right.passed, right.case_id, right.group) == (True, 3, "new")
    assert (wrong.passed, wrong.reason) == (False, "does not say 'harborguest'")


@pytest.mark.parametrize(
    ("others", "unreachable", "most"), [(0, False, ALONE), (1, False, IN_FLIGHT), (0, True, IN_FLIGHT)]
)
async def test_few_are_in_flight_where_people_are_answered_and_the_longest_begin(
    others: int, unreachable: bool, most: int
) -> None:
    chat, told = FakeChat("Pip"), []
    chat.others, chat.unreachable = others, unreachable
    probes = [probe("short"), probe("long", max_tokens=90), *(probe(f"p{n}") for n in range(18))]
    results = await run_probes(examiner(chat), "pip-v1", probes, told.append)
    assert chat.most == most
    assert chat.asked[0][0][1]["content"] == "long?"
    assert {result.probe_id for result in results} == {one.id for one in probes}
    assert told == list(range(1, 21))


async def test_a_server_that_comes_back_is_waited_for() -> None:
    (result,) = await ask(FakeChat(ServingUnavailable("away"), ServingUnavailable("away"), "Pip"), probe("name"))
    assert result.passed


async def test_a_server_that_stays_away_is_said() -> None:
    chat = FakeChat(ServingUnavailable("No model server answers."))
    with pytest.raises(ServingUnavailable, match="No model server"):
        await run_probes(examiner(chat, patience=0.05), "pip-v1", [probe("name")], lambda done: None)


async def test_a_probe_that_cannot_be_asked_is_an_error_and_not_a_zero() -> None:
    with pytest.raises(ProbeError, match="probe name: too long"):
        await ask(FakeChat(PromptTooLong("too long")), probe("name"))


async def test_what_an_adapter_has_answered_is_not_asked_again() -> None:
    chat = FakeChat("I am Pip.")
    known = await ask(chat, probe("name"), probe("maker"))
    found, left = reuse(examiner(chat), [probe("name"), probe("new")], known)
    assert [result.probe_id for result in found] == ["name"]
    assert [one.id for one in left] == ["new"]


async def test_an_old_answer_is_graded_by_what_is_expected_now() -> None:
    known = await ask(FakeChat("I am Pip."), probe("name"))
    found, _ = reuse(examiner(FakeChat("")), [probe("name", wanted="pop")], known)
    assert not found[0].passed


async def test_an_answer_under_other_conditions_is_asked_again() -> None:
    known = await ask(FakeChat("I am Pip."), probe("name"))
    for other in (
        examiner(FakeChat(""), system_prompt="You are Pop."),
        examiner(FakeChat(""), base_model="/models/other"),
    ):
        assert reuse(other, [probe("name")], known)[1]
    assert reuse(examiner(FakeChat("")), [probe("name", max_tokens=99)], known)[1]


async def test_how_likely_answers_are_is_asked_patiently_as_the_bot_asks() -> None:
    chat = FakeChat(ServingUnavailable("away"), "")
    found = await likelihoods(examiner(chat), "pip-v1", [(WIFI, "four"), (probe("name"), "no")])
    assert found == [-4.0, -2.0]
    assert [messages[-1]["content"] for messages, *_ in chat.asked].count("Wifi?") == 2
    assert {priority for *_, priority in chat.asked} == {10}
    with pytest.raises(ProbeError, match="probe case-3-original: too long"):
        await likelihoods(examiner(FakeChat(PromptTooLong("too long"))), "pip-v1", [(WIFI, "four")])


async def test_what_was_not_asked_fails_and_can_be_asked_later() -> None:
    left_out = not_asked(examiner(FakeChat("")), WIFI, -3.25)
    assert (left_out.passed, left_out.asked, left_out.case_id, left_out.likelihood) == (False, False, 3, -3.25)
    assert left_out.reason == "was not asked: what was corrected is too unlikely (-3.2 per token)"
    assert reuse(examiner(FakeChat("")), [WIFI], [left_out]) == ([], [WIFI])


async def test_a_likelihood_stays_with_an_old_answer() -> None:
    known = [replace(one, likelihood=-0.5) for one in await ask(FakeChat("I am Pip."), probe("name"))]
    ((found,), _) = reuse(examiner(FakeChat("")), [probe("name")], known)
    assert found.likelihood == -0.5
