"""Who and what exists in the workspace: the team, its people, channels and user groups.

Not imitated: creating or archiving channels, group messages, profiles beyond a name and a title, presence,
Enterprise organisations.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import yaml

from sandbox.payload import Payload

DEFAULT_WORKSPACE = Path(__file__).with_name("workspace.yaml")
BOT_USER_ID = "U0APPBOT01"
BOT_ID = "B0APPBOT01"
APP_ID = "A0APPBOT01"

Keyed = TypeVar("Keyed", "Person", "Channel", "UserGroup")


@dataclass(frozen=True)
class Team:
    id: str
    name: str
    domain: str


@dataclass(frozen=True)
class Person:
    id: str
    name: str
    real_name: str
    team_id: str
    title: str = ""
    color: str = "64748b"
    is_admin: bool = False
    is_owner: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    deleted: bool = False


@dataclass(frozen=True)
class Channel:
    """`person_id` is set for the direct message channel of that person with the app."""

    id: str
    name: str
    members: frozenset[str]
    topic: str = ""
    is_private: bool = False
    is_archived: bool = False
    is_ext_shared: bool = False
    person_id: str | None = None

    @property
    def kind(self) -> str:
        """The word that Slack uses in `channel_type`."""
        if self.person_id is not None:
            return "im"
        return "group" if self.is_private else "channel"

    @property
    def scope_family(self) -> str:
        """The first half of the scopes that guard this channel, as in `channels:history`."""
        return {"im": "im", "group": "groups", "channel": "channels"}[self.kind]


@dataclass(frozen=True)
class UserGroup:
    id: str
    handle: str
    name: str
    members: tuple[str, ...]


class WorkspaceError(ValueError):
    """The workspace file cannot be used; the message says where."""


@dataclass
class Directory:
    team: Team
    people: dict[str, Person]
    channels: dict[str, Channel]
    usergroups: dict[str, UserGroup] = field(default_factory=dict)

    @property
    def bot(self) -> Person:
        return self.people[BOT_USER_ID]

    def humans(self) -> list[Person]:
        return [person for person in self.people.values() if not person.is_bot]

    def find_person(self, name_or_id: str) -> Person | None:
        wanted = name_or_id.removeprefix("@")
        if wanted in self.people:
            return self.people[wanted]
        return next((p for p in self.people.values() if p.name == wanted.lower()), None)

    def find_channel(self, name_or_id: str) -> Channel | None:
        """A person's id stands for the direct message channel with them, as in Slack."""
        if name_or_id in self.channels:
            return self.channels[name_or_id]
        if name_or_id in self.people:
            return self.direct_channel(name_or_id)
        wanted = name_or_id.removeprefix("#")
        return next((c for c in self.channels.values() if c.kind != "im" and c.name == wanted), None)

    def direct_channel(self, person_id: str) -> Channel | None:
        return next((c for c in self.channels.values() if c.person_id == person_id), None)

    def channels_of(self, person_id: str) -> list[Channel]:
        return [c for c in self.channels.values() if person_id in c.members]

    def join(self, channel_id: str, person_id: str) -> Channel:
        channel = self.channels[channel_id]
        self.channels[channel_id] = replace(channel, members=channel.members | {person_id})
        return self.channels[channel_id]


def load_directory(path: Path, bot_name: str) -> Directory:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WorkspaceError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise WorkspaceError(f"{path}: not YAML: {error}") from error
    try:
        return parse_directory(document, bot_name)
    except (KeyError, TypeError) as error:
        raise WorkspaceError(f"{path}: missing or unknown field: {error}") from error


def parse_directory(document: Payload, bot_name: str) -> Directory:
    team = Team(**document["team"])
    people = [Person(**{"team_id": team.id, **item}) for item in document["people"]]
    by_name = {person.name: person.id for person in people}
    bot = Person(
        id=BOT_USER_ID, name=bot_name.lower().replace(" ", "_"), real_name=bot_name, team_id=team.id, is_bot=True
    )
    channels = [_channel(item, by_name) for item in document["channels"]]
    channels += [_direct(person) for person in people]
    groups = [
        UserGroup(**{**item, "members": tuple(by_name[name] for name in item["members"])})
        for item in document.get("usergroups") or ()
    ]
    return Directory(team, _keyed([*people, bot]), _keyed(channels), _keyed(groups))


def _channel(item: Payload, by_name: dict[str, str]) -> Channel:
    """The app is a member unless the file says `bot: false`."""
    fields = dict(item)
    members = {by_name[name] for name in fields.pop("members")}
    if fields.pop("bot", True):
        members.add(BOT_USER_ID)
    return Channel(**fields, members=frozenset(members))


def _direct(person: Person) -> Channel:
    return Channel(
        id="D" + person.id[1:],
        name=person.name,
        members=frozenset({person.id, BOT_USER_ID}),
        person_id=person.id,
    )


def _keyed(items: Iterable[Keyed]) -> dict[str, Keyed]:
    return {item.id: item for item in items}
