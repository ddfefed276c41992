"""The suggested prompts in a direct message with the app. Not imitated: prompts of single threads (legacy)."""

from dataclasses import asdict

from sandbox.manifest import Prompt
from sandbox.payload import Payload
from sandbox.store import Store
from sandbox.updates import Update, Updates


class SuggestedPrompts:
    """The app's own for one person's direct message, else those of the manifest."""

    def __init__(self, defaults: tuple[Prompt, ...], store: Store, updates: Updates) -> None:
        self._defaults = [asdict(prompt) for prompt in defaults]
        self._store = store
        self._updates = updates
        self._chosen: dict[str, Payload] = store.all("prompts")

    def set(self, channel: str, title: str, prompts: list[Payload]) -> None:
        self._chosen[channel] = {"title": title, "prompts": prompts}
        self._store.put("prompts", channel, self._chosen[channel])
        self._updates.publish(Update("prompts", channel))

    def shown(self, channel: str) -> Payload:
        return self._chosen.get(channel, {"title": "", "prompts": self._defaults})
