"""Adapters on every running vLLM: load, verify, unload, and make all replicas agree with the record.

The order of a swap: ``publish`` (adapter_files) -> ``Replicas.deploy`` -> probes under the new name -> one transaction
in ``feedback.adapters`` moves the live mark -> the next ``reconcile`` unloads what nobody uses any more. No folder is
ever deleted here: an engine that misses the folder of a registered adapter dies at that adapter's next request.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from serving import routing
from serving.adapter_checks import Facts, check_folder
from serving.adapter_files import publish, quarantine
from serving.base import SERVED_BASE
from serving.chat import ChatClient, Sampling
from serving.errors import AdapterLoadError, ServingError, ServingUnavailable, poisoned
from serving.replica import Replica
from serving.seals import Seals, no_record
from settings import ServingSettings

__all__ = ["Facts", "Reconciled", "Replicas", "check_folder", "publish", "reconcile"]

log = logging.getLogger(__name__)
T = TypeVar("T")
InUse = Callable[[str], Awaitable[bool]]

# Short, with a system text of its own in place of the template's, and soon over: people's answers share the batch.
QUESTION = [{"role": "system", "content": "Answer."}, {"role": "user", "content": "Hello!"}]
FIRST_WORDS = Sampling(temperature=0.0, max_tokens=2)
# Asked only after silence: a sound adapter may meet a greeting with nothing, or begin with half of an emoji.
SECOND_QUESTION = [{"role": "user", "content": "Say hello and tell me in one sentence what you can do."}]
MORE_WORDS = Sampling(temperature=0.0, max_tokens=16)


class Replicas:
    """Every vLLM server in the settings. Belongs to one event loop; close it there."""

    def __init__(self, settings: ServingSettings, seals: Seals = no_record) -> None:
        self.settings, self.seals = settings, seals
        self.each = {url: Replica(url, settings, seals) for url in (url.rstrip("/") for url in settings.urls)}

    async def load(self, name: str) -> None:
        """Load an adapter on every replica; again is harmless.

        Raises:
            AdapterLoadError: its folder is not whole, or a server refuses it.
            ServingUnavailable: a replica cannot be reached; the others have it.
        """
        await self.each_one(lambda replica: replica.load(name))
        log.info("adapter loaded", extra={"action": "adapter_loaded", "adapter": name})

    async def unload(self, name: str) -> None:
        """Make every replica forget a name. Only for a name that no running answer and no thread uses."""
        await self.each_one(lambda replica: replica.unload(name))
        log.info("adapter unloaded", extra={"action": "adapter_unloaded", "adapter": name})

    async def verify(self, name: str, client: ChatClient, beside: Iterable[str] = ()) -> None:
        """Ask every replica a fixed question under the new name, as the base model, and under ``beside`` (the live
        name): all have to say something, and no NaN may have been computed.

        Raises:
            AdapterLoadError: a replica does not have the name, or says nothing under it.
            ServingUnavailable: a replica is poisoned or cannot be reached.
        """
        others = [routing.base_name(self.settings), *beside]
        await self.each_one(lambda replica: _verify(replica, name, client, others))

    async def deploy(self, name: str, beside: Iterable[str] = ()) -> None:
        """Load and verify: afterwards every replica answers under this name."""
        async with ChatClient(self.settings, self.seals) as client:
            await self.load(name)
            await self.verify(name, client, beside)

    async def loaded(self) -> dict[str, set[str]]:
        """The adapters that each replica has, by URL; without the base model."""
        models = await self.each_one(lambda replica: replica.models())
        return {url: set(names) - {SERVED_BASE} for url, names in models.items()}

    async def problems(self) -> dict[str, str]:
        """What is wrong with each replica that is not well, in words; empty when all are."""
        outcomes = await self.attempt(_problem)
        return {url: str(found) for url, found in outcomes.items() if found is not None}

    async def at_rest(self) -> bool:
        """Whether every replica is well and has nothing to do.

        Raises:
            ServingUnavailable: a replica cannot be reached.
        """
        return await self.healthy() and not any((await self.each_one(lambda replica: replica.requests())).values())

    async def healthy(self) -> bool:
        """Whether every replica is reachable, alive and free of NaN."""
        return not await self.problems()

    async def attempt(self, act: Callable[[Replica], Coroutine[Any, Any, T]]) -> dict[str, T | ServingError]:
        """Do something on all replicas at once; one that fails has its error in place of the result."""

        async def guarded(replica: Replica) -> T | ServingError:
            try:
                return await act(replica)
            except ServingError as error:
                return error

        outcomes = await asyncio.gather(*map(guarded, self.each.values()))
        return dict(zip(self.each, outcomes, strict=True))

    async def close(self) -> None:
        """Close every connection."""
        for replica in self.each.values():
            await replica.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def each_one(self, act: Callable[[Replica], Coroutine[Any, Any, T]]) -> dict[str, T]:
        """Like ``attempt``, but raises the worst error, after all replicas are through."""
        done: dict[str, T] = {}
        errors: list[ServingError] = []
        for url, outcome in (await self.attempt(act)).items():
            if isinstance(outcome, ServingError):
                errors.append(outcome)
            else:
                done[url] = outcome
        # A broken adapter stays broken when the unreachable server is back, so that is what to report.
        errors.sort(key=lambda error: isinstance(error, ServingUnavailable))
        if errors:
            raise errors[0]
        return done


@dataclass(frozen=True)
class Reconciled:
    """What one pass has changed and could not change. ``loaded`` and ``unloaded`` are (url, name) pairs."""

    loaded: tuple[tuple[str, str], ...] = ()
    unloaded: tuple[tuple[str, str], ...] = ()
    broken: Mapping[str, str] = field(default_factory=dict)  # name -> reason
    unwell: Mapping[str, str] = field(default_factory=dict)  # url -> reason


async def reconcile(replicas: Replicas, wanted_names: Iterable[str], in_use: InUse | None = None) -> Reconciled:
    """Make every replica serve exactly the wanted adapters, and the zero adapter where the device needs it.

    Run it at start and every few seconds: a restarted vLLM has forgotten all adapters. Never raises for a server
    that is down or an adapter that is broken; both are in the result. A broken folder that no replica has registered
    is moved aside.

    ``wanted_names`` covers every persona on these replicas. What is not wanted is unloaded when ``in_use(name)`` says
    no, and stays when no ``in_use`` is given.
    """
    wanted = set(wanted_names) | ({routing.base_name(replicas.settings)} - {SERVED_BASE})
    unwell = await replicas.problems()
    present = {url: names for url, names in (await _models(replicas)).items() if url not in unwell}
    loaded, broken = await _load_missing(replicas, wanted, present)
    unloaded = await _unload_unwanted(replicas, wanted, present, in_use) if in_use else []
    everywhere = set().union(*present.values()) if len(present) == len(replicas.each) else None
    for name in broken:
        if everywhere is not None and name not in everywhere and (replicas.settings.adapters_dir / name).is_dir():
            quarantine(replicas.settings.adapters_dir, name)
            log.error("adapter quarantined", extra={"action": "adapter_quarantined", "adapter": name})
    return Reconciled(tuple(loaded), tuple(unloaded), broken, unwell)


async def _models(replicas: Replicas) -> dict[str, set[str]]:
    models = await replicas.attempt(lambda replica: replica.models())
    return {url: set(names) for url, names in models.items() if not isinstance(names, ServingError)}


async def _load_missing(
    replicas: Replicas, wanted: set[str], present: Mapping[str, set[str]]
) -> tuple[list[tuple[str, str]], dict[str, str]]:
    loaded: list[tuple[str, str]] = []
    broken: dict[str, str] = {}
    for url, names in present.items():
        for name in sorted(wanted - names - set(broken)):
            try:
                if await replicas.each[url].load(name):
                    loaded.append((url, name))
                    log.info("adapter loaded", extra={"action": "adapter_loaded", "adapter": name, "url": url})
            except AdapterLoadError as error:
                broken[name] = error.reason
                log.error("adapter refused", extra={"action": "adapter_refused", "adapter": name, "reason": str(error)})
            except ServingUnavailable:
                break  # it went away meanwhile; the next pass sees it
    return loaded, broken


async def _unload_unwanted(
    replicas: Replicas, wanted: set[str], present: Mapping[str, set[str]], in_use: InUse
) -> list[tuple[str, str]]:
    unloaded: list[tuple[str, str]] = []
    for name in sorted(set().union(*present.values()) - wanted - {SERVED_BASE}):
        if await in_use(name):
            continue
        for url in (url for url, names in present.items() if name in names):
            try:
                if await replicas.each[url].unload(name):
                    unloaded.append((url, name))
                    log.info("adapter unloaded", extra={"action": "adapter_unloaded", "adapter": name, "url": url})
            except ServingUnavailable:
                continue  # it went away meanwhile, and forgot the name with that
    return unloaded


async def _problem(replica: Replica) -> str | None:
    if not await replica.healthy():
        return f"The engine of {replica.url} is dead; it has to be started again."
    return str(poisoned(replica.url)) if await replica.poisoned() else None


async def _verify(replica: Replica, name: str, client: ChatClient, others: Iterable[str]) -> None:
    if name not in await replica.models():
        raise AdapterLoadError(f"{replica.url} does not list {name} after loading it")
    asked = list(dict.fromkeys([name, *others]))
    spoke = await asyncio.gather(*(_speaks(client, each, replica.url) for each in asked))
    if await replica.poisoned():  # first, since it is also why a good adapter says nothing
        raise poisoned(replica.url)
    for each, spoken in zip(asked, spoke, strict=True):
        if not spoken:
            raise AdapterLoadError(f"{replica.url} says nothing under the name {each} with {name} loaded")


async def _speaks(client: ChatClient, name: str, url: str) -> bool:
    """Whether anything comes under this name; blanks are something."""
    for question, sampling in ((QUESTION, FIRST_WORDS), (SECOND_QUESTION, MORE_WORDS)):
        if (await client.complete(question, name, sampling, priority=0, on=url)).text:
            return True
    return False
