"""What a person does with an app: clicks, submits and closes views, runs commands. Sends and applies the answer.

Not imitated: Slack's own confirm dialogs (the page shows none), slash commands in threads (Slack has none).
"""

from dataclasses import dataclass
from typing import Any

from sandbox import interaction_payload as payloads
from sandbox.blocks import with_ids
from sandbox.composing import command_text
from sandbox.conversations import Conversations
from sandbox.directory import BOT_USER_ID, Channel, Directory, Person
from sandbox.files import Files
from sandbox.hooks import Hooks
from sandbox.identifiers import Clock
from sandbox.inputs import Values, clicked_action, element_state, input_errors, state_values
from sandbox.manifest import Manifest
from sandbox.messages import Message
from sandbox.modals import Modals
from sandbox.payload import Payload
from sandbox.sockets import SocketHub
from sandbox.triggers import Triggers
from sandbox.views import View, checked_body, new_view, view_payload


class UnknownCommand(ValueError):
    """The app has no such slash command."""


@dataclass
class Interactions:
    manifest: Manifest
    directory: Directory
    conversations: Conversations
    files: Files
    modals: Modals
    triggers: Triggers
    hooks: Hooks
    hub: SocketHub
    clock: Clock
    base_url: str = ""

    async def click_message(
        self, person: Person, message: Message, action_id: str, block_id: str | None, value: Any
    ) -> None:
        action = clicked_action(message.blocks, action_id, block_id, value)
        state: Values = {}
        if element_state(action, None):
            kept = {k: v for k, v in action.items() if k not in ("action_id", "block_id")}
            state = {action["block_id"]: {action_id: kept}}
        payload = payloads.message_click(
            person,
            self.directory.team,
            self.directory.channels[message.channel],
            message,
            self.conversations.payload(message),
            {**action, "action_ts": self.clock.next_ts()},
            state,
        )
        payload["trigger_id"] = self.triggers.issue(person.id)
        payload["response_url"] = self._response_url("actions", message.channel, person, message)
        await self.hub.ask("interactive", "block_actions", payload)

    async def click_view(
        self, person: Person, view: View, action_id: str, block_id: str | None, value: Any, values: Values
    ) -> None:
        action = clicked_action(view.blocks, action_id, block_id, value)
        if element_state(action, None):
            values = {**values, action["block_id"]: {**values.get(action["block_id"], {}), action_id: value}}
        shown = view_payload(view, self.directory.team, state_values(view.blocks, values))
        action["action_ts"] = self.clock.next_ts()
        payload = payloads.view_click(person, self.directory.team, shown, action)
        payload["trigger_id"] = self.triggers.issue(person.id, view.id)
        await self.hub.ask("interactive", "block_actions", payload)

    async def submit(self, person: Person, view: View, values: Values) -> dict[str, str]:
        """Errors by block id; empty when the app took the submission."""
        state = state_values(view.blocks, values)
        errors = input_errors(view.blocks, state)
        if errors:
            return errors
        shown = view_payload(view, self.directory.team, state)
        payload = payloads.view_submission(person, self.directory.team, shown)
        payload["trigger_id"] = self.triggers.issue(person.id, view.id)
        answer = await self.hub.ask("interactive", "view_submission", payload)
        return self._apply(person, view, answer)

    def _apply(self, person: Person, view: View, answer: Payload) -> dict[str, str]:
        ready = self.files.ready_ids()
        match answer.get("response_action"):
            case "errors":
                return {str(block): str(text) for block, text in answer.get("errors", {}).items()}
            case "update":
                self.modals.update(view, checked_body(answer["view"], "modal", ready))
            case "push":
                self.modals.push(new_view(person.id, answer["view"], "modal", ready, under=view))
            case "clear":
                self.modals.clear(person.id)
            case _:
                self.modals.close(view)
        return {}

    async def close_view(self, person: Person, view: View, *, everything: bool) -> None:
        """The app is told only if the view asked for it. Every view of the stack is told when all are closed."""
        closing = self.modals.stack(person.id) if everything or view.body.get("clear_on_close") else [view]
        for closed in reversed(closing):
            self.modals.close(closed)
            if closed.body.get("notify_on_close"):
                shown = view_payload(closed, self.directory.team)
                payload = payloads.view_closed(person, self.directory.team, shown, is_cleared=len(closing) > 1)
                await self.hub.ask("interactive", "view_closed", payload)

    async def command(self, person: Person, channel: Channel, name: str, typed: str) -> Message | None:
        """The message that the app gave with its acknowledgement, if any."""
        known = next((command for command in self.manifest.commands if command.name == name), None)
        if known is None:
            raise UnknownCommand(f"{name} is not a valid command.")
        text = command_text(typed.strip(), self.directory, should_escape=known.should_escape)
        payload = payloads.slash_command(person, self.directory.team, channel, name, text)
        payload["trigger_id"] = self.triggers.issue(person.id)
        payload["response_url"] = self._response_url("commands", channel.id, person, None)
        answer = await self.hub.ask("slash_commands", name, payload)
        if not answer.get("text") and not answer.get("blocks"):
            return None
        return self._post_answer(person, channel, answer)

    def _post_answer(self, person: Person, channel: Channel, answer: Payload) -> Message:
        public = answer.get("response_type") == "in_channel"
        message = Message(
            channel=channel.id,
            ts=self.clock.next_ts(),
            user=BOT_USER_ID,
            text=str(answer.get("text", "")),
            blocks=with_ids(answer.get("blocks") or ()),
            by_app=True,
            ephemeral_for=None if public else person.id,
        )
        return self.conversations.post(message)

    def _response_url(self, kind: str, channel: str, person: Person, message: Message | None) -> str:
        thread_ts = message.thread_ts if message else None
        secret = self.hooks.issue(channel, person.id, thread_ts, message.ts if message else None)
        return f"{self.base_url}/hooks/{kind}/{secret}"
