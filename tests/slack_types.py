"""Payloads against Slack's published types: one TypeScript file with a line for each payload, one run of the compiler.

A payload is written as a literal, so that the compiler also names fields that Slack's types do not have.
"""

import json
import re
import shutil
import uuid
from dataclasses import dataclass
from typing import Any

from tests.node import FOLDER, packages, run_node

Body = dict[str, Any]

# What Slack sends and its types lack: people from other workspaces, the app of a message, a button's style, a user's
# second name. And what they ask for and Slack leaves out: where a message inside another event was posted, and the
# response_url of a click in a view.
IMPORTS = """import type * as types from "@slack/types";
import type * as api from "@slack/web-api";
import type * as bolt from "@slack/bolt";
type Blocks = types.KnownBlock[];
type Outside = { user_team?: string; source_team?: string; user_profile?: Record<string, unknown> };
type Message = Omit<types.GenericMessageEvent, "subtype"> & Outside &
  { app_id?: string; streaming_state?: types.BotMessageEvent["streaming_state"] };
type Mention = types.AppMentionEvent & Outside;
type Inside = Omit<Message, "event_ts" | "channel" | "channel_type">;
type Changed = Omit<types.MessageChangedEvent, "message" | "previous_message"> &
  { message: Inside; previous_message: Inside };
type Deleted = Omit<types.MessageDeletedEvent, "previous_message"> & { previous_message: Inside };
type Action = bolt.BlockElementAction & { style?: "primary" | "danger" };
type Click = Omit<bolt.BlockAction<Action>, "response_url"> & { response_url?: string };
type Submission = bolt.ViewSubmitAction & { user: { username: string } };
type Closed = bolt.ViewClosedAction & { user: { username: string } };
"""
# Beside each method's arguments, blocks and views are held against the closed unions: the arguments' own types also
# take blocks of any unknown type.
ARGUMENTS = {
    "chat.postMessage": "api.ChatPostMessageArguments",
    "chat.postEphemeral": "api.ChatPostEphemeralArguments",
    "chat.update": "api.ChatUpdateArguments",
    "chat.delete": "api.ChatDeleteArguments",
    "chat.startStream": "api.ChatStartStreamArguments",
    "chat.appendStream": "api.ChatAppendStreamArguments",
    "chat.stopStream": "api.ChatStopStreamArguments",
    "views.open": "api.ViewsOpenArguments",
    "views.push": "api.ViewsPushArguments",
    "views.update": "api.ViewsUpdateArguments",
    "views.publish": "api.ViewsPublishArguments",
    "reactions.add": "api.ReactionsAddArguments",
    "users.info": "api.UsersInfoArguments",
    "conversations.open": "api.ConversationsOpenArguments",
    "conversations.replies": "api.ConversationsRepliesArguments",
    "assistant.threads.setStatus": "api.AssistantThreadsSetStatusArguments",
    "assistant.threads.setSuggestedPrompts": "api.AssistantThreadsSetSuggestedPromptsArguments",
}
EVENTS = {
    "app_mention": "Mention",
    "message": "Message",
    "message/message_changed": "Changed",
    "message/message_deleted": "Deleted",
    "message/file_share": "types.FileShareMessageEvent",
    "reaction_added": "types.ReactionAddedEvent",
    "reaction_removed": "types.ReactionRemovedEvent",
    "app_home_opened": "types.AppHomeOpenedEvent",
    "app_context_changed": "types.AppContextChangedEvent",
}
BODIES = {
    "block_actions": "Click",
    "view_submission": "Submission",
    "view_closed": "Closed",
}


@dataclass(frozen=True)
class Typed:
    """A payload, and the expression of the type it is meant to have."""

    label: str
    type: str
    value: Any


def delivered(body: Body) -> list[Typed]:
    """A body that an app was sent. Outside an organisation Slack says null where its types say that nothing is said."""
    nothing = {key for key in ("enterprise", "context_enterprise_id", "enterprise_id") if body.get(key, "") is None}
    body = {key: value for key, value in body.items() if key not in nothing}
    if "event" in body:
        event = body["event"]
        name = "/".join(filter(None, (event["type"], event.get("subtype"))))
        label = f"event {name}"
        return [Typed(label, EVENTS[name], event), Typed(label, f"bolt.EnvelopedEvent<{EVENTS[name]}>", body)]
    if "command" in body:
        return [Typed(f"command {body['command']}", "bolt.SlashCommand", body)]
    return [Typed(body["type"], BODIES[body["type"]], body)]


def called(method: str, arguments: Body) -> list[Typed]:
    """A call of the Web API; methods that carry no blocks and are not listed give nothing."""
    found = [Typed(method, ARGUMENTS[method], arguments)] if method in ARGUMENTS else []
    if "blocks" in arguments:
        found.append(Typed(f"{method} blocks", "Blocks", arguments["blocks"]))
    if "view" in arguments:
        view = arguments["view"]
        kind = "types.ModalView" if view["type"] == "modal" else "types.HomeView"
        found += [
            Typed(f"{method} view", f'Omit<{kind}, "blocks"> & {{ blocks: Blocks }}', view),
            Typed(f"{method} view blocks", "Blocks", view["blocks"]),
        ]
    return found


def problems(payloads: list[Typed]) -> list[str]:
    """What the compiler says, with the payload's label; empty when all is well."""
    packages()
    folder = FOLDER / "checked" / uuid.uuid4().hex  # of this call alone: tests may run at once
    folder.mkdir(parents=True)
    first = IMPORTS.count("\n") + 1
    lines = [f"export const p{n}: {one.type} = {_literal(one.value)};" for n, one in enumerate(payloads)]
    (folder / "tsconfig.json").write_text('{"extends": "../../tsconfig.json", "include": ["*.ts"]}', encoding="utf-8")
    file = folder / "payloads.ts"
    file.write_text(IMPORTS + "\n".join(lines) + "\n", encoding="utf-8")
    try:
        done = run_node("node_modules/typescript/bin/tsc", "--project", str(folder), "--pretty", "false")
    finally:
        shutil.rmtree(folder)
    found = [
        f"{_label(line, payloads, first)}: {line}"
        for line in done.stdout.splitlines()
        if "error" in line or line[:1] == " "
    ]
    if done.returncode != 0 and not found:
        return [done.stdout]
    return found


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def _label(line: str, payloads: list[Typed], first: int) -> str:
    match = re.search(r"\.ts\((\d+),", line)
    return payloads[int(match[1]) - first].label if match and int(match[1]) >= first else "-"
