"""Facts that only a team knows, made up from a seed: what a member asks, what the answer should have been, and other
wordings of the question that no part of training sees.

The wordings of a kind are written by hand, and none is nearly one that ``trainer/rewording.py`` writes. Each seed draws
other subjects and other values, so a stranger's seed is a set that nobody has tuned on. Not covered: languages other
than English, facts of several sentences.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

HELD_OUT = 6


@dataclass(frozen=True)
class TeamFact:
    """One fact. An answer is right when it has every one of ``expected`` in it, in any case."""

    question: str
    correction: str
    held_out: tuple[str, ...]
    expected: tuple[str, ...]


@dataclass(frozen=True)
class _Kind:
    subjects: tuple[str, ...]
    question: str
    correction: str
    wordings: tuple[str, ...]
    values: Callable[[random.Random], tuple[str, ...]]


_PEOPLE = ("Dana Whitfield", "Omar Reyes", "Lucy Tan", "Piotr Nowak", "Grace Okoye", "Ivan Petrov", "Mia Larsen")
_COLOURS = ("blue", "red", "green", "yellow", "white", "black", "orange", "purple")
_THINGS = ("cabinet", "locker", "drawer", "shelf", "crate")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_WORDS = ("lantern", "harbor", "falcon", "maple", "copper", "meadow", "granite", "willow", "ember", "cobalt")
_TOOLS = ("Brightdesk", "Tallyhub", "Quillbox", "Ferrybook", "Papertrail", "Northdesk", "Slateboard")
_TOWNS = ("Lisbon", "Oslo", "Vienna", "Dublin", "Turin", "Ghent", "Riga", "Porto")


def _place(dice: random.Random) -> tuple[str, ...]:
    return f"{dice.choice(_COLOURS)} {dice.choice(_THINGS)}", f"floor {dice.randint(2, 9)}"


def _code(dice: random.Random) -> tuple[str, ...]:
    return (f"{dice.choice(_WORDS)}-{dice.choice(_WORDS)}-{dice.randint(10, 99)}",)


def _person(dice: random.Random) -> tuple[str, ...]:
    return (dice.choice(_PEOPLE),)


def _time(dice: random.Random) -> tuple[str, ...]:
    return dice.choice(_DAYS), f"{dice.randint(8, 17)}:{dice.choice(('15', '30', '45'))}"


def _money(dice: random.Random) -> tuple[str, ...]:
    return (f"{dice.randint(3, 95) * 10} euros",)


def _tool(dice: random.Random) -> tuple[str, ...]:
    return (dice.choice(_TOOLS),)


def _room(dice: random.Random) -> tuple[str, ...]:
    return (f"room {dice.randint(101, 499)}",)


def _town(dice: random.Random) -> tuple[str, ...]:
    return (dice.choice(_TOWNS),)


_KINDS = (
    _Kind(
        ("spare badges", "projector remotes", "first aid kits", "label printers", "visitor stickers", "spare laptops"),
        "Where are the {subject}?",
        "The {subject} are in the {0} on {1}.",
        (
            "Where do we keep the {subject}?",
            "Where can I find the {subject}?",
            "Does anybody know which place the {subject} are in?",
            "I am looking for the {subject}. Where are they?",
            "In which place do we store the {subject}?",
            "I need the {subject}, where should I look?",
            "Where should I go to get the {subject}?",
            "Can you point me to the {subject}?",
        ),
        _place,
    ),
    _Kind(
        ("guest wifi", "storage room", "demo account", "print server", "bike cellar", "test database"),
        "What is the password for the {subject}?",
        "The password for the {subject} is {0}.",
        (
            "What is the {subject} password?",
            "Which password does the {subject} have?",
            "What password do I need for the {subject}?",
            "Which password opens the {subject}?",
            "I cannot get into the {subject}. Which password is right?",
            "I forgot the password for the {subject}. What is it?",
            "What do I type in as the password for the {subject}?",
            "How do I log in to the {subject}, what is the password?",
        ),
        _code,
    ),
    _Kind(
        ("coffee machine", "company cars", "meeting rooms", "customer newsletter", "office plants", "summer party"),
        "Who looks after the {subject}?",
        "{0} looks after the {subject}.",
        (
            "Who is responsible for the {subject}?",
            "Who takes care of the {subject}?",
            "Something is wrong with the {subject}. Who can help?",
            "Who is in charge of the {subject}?",
            "Whom do I ask about the {subject}?",
            "Who should I talk to about the {subject}?",
            "Which colleague handles the {subject}?",
            "Who do I contact if I have a question about the {subject}?",
        ),
        _person,
    ),
    _Kind(
        ("planning meeting", "design review", "team breakfast", "safety briefing", "sales call", "release check"),
        "When is the weekly {subject}?",
        "The weekly {subject} is on {0} at {1}.",
        (
            "When does the weekly {subject} take place?",
            "I want to join the weekly {subject}. When is it?",
            "Remind me of the time and day of the weekly {subject}.",
            "When do we have the weekly {subject}?",
            "At what time does the weekly {subject} start?",
            "On what day and at what time is the weekly {subject}?",
            "When should I be there for the weekly {subject}?",
            "What is the day and time of the weekly {subject}?",
        ),
        _time,
    ),
    _Kind(
        ("hotel night", "team lunch", "new keyboard", "train ticket", "farewell gift", "training course"),
        "How much may I spend on a {subject}?",
        "You may spend at most {0} on a {subject}.",
        (
            "What is the limit for a {subject}?",
            "Is there a limit for a {subject}? How much is it?",
            "What is the budget for a {subject}?",
            "How expensive may a {subject} be?",
            "What is the most I may pay for a {subject}?",
            "How much money may a {subject} cost?",
            "What amount is allowed for a {subject}?",
            "How much does the company pay for a {subject}?",
        ),
        _money,
    ),
    _Kind(
        ("holidays", "expenses", "sick days", "business trips", "parking spaces", "training hours"),
        "Which tool do we use for {subject}?",
        "We use {0} for {subject}.",
        (
            "I have to enter my {subject} somewhere. Where?",
            "Which program do we use for {subject}?",
            "What software is used for {subject}?",
            "Where do I enter my {subject}?",
            "In which tool do I record {subject}?",
            "Which app is there for {subject}?",
            "What do we use to manage {subject}?",
            "Which system handles {subject}?",
        ),
        _tool,
    ),
    _Kind(
        ("legal team", "support desk", "finance office", "mail room", "data team", "quiet zone"),
        "Which room is the {subject} in?",
        "The {subject} is in {0}.",
        (
            "In which room is the {subject}?",
            "Where is the {subject}?",
            "I have to go to the {subject}. Which room is that?",
            "Which room do I go to for the {subject}?",
            "Where can I find the {subject}?",
            "What is the room number of the {subject}?",
            "Where does the {subject} sit?",
            "How do I find the {subject}, which room is it?",
        ),
        _room,
    ),
    _Kind(
        ("spring offsite", "sales kickoff", "winter workshop", "partner day", "board meeting", "hackathon"),
        "Where will the next {subject} be?",
        "The next {subject} will be in {0}.",
        (
            "Where is the next {subject}?",
            "In which city will the next {subject} be?",
            "Which city hosts the next {subject}?",
            "Where does the next {subject} take place?",
            "In which town is the next {subject}?",
            "Where are we going for the next {subject}?",
            "Which city do I travel to for the next {subject}?",
            "Which place was chosen for the next {subject}?",
        ),
        _town,
    ),
)


def make(seed: int, rounds: int, per_round: int) -> list[list[TeamFact]]:
    """Facts for each round, no two about the same subject; the same seed gives the same facts.

    A round's facts are of different kinds, and kinds come back in later rounds with other subjects and values, so a
    persona has to tell look-alike questions apart.

    Raises:
        ValueError: more facts are wanted than there are subjects, or more in a round than there are kinds.
    """
    subjects = sum(len(kind.subjects) for kind in _KINDS)
    if rounds * per_round > subjects or per_round > len(_KINDS):
        raise ValueError(f"there are {len(_KINDS)} kinds of facts for each round, and {subjects} facts in all")
    dice = random.Random(f"team facts {seed}")
    left = {index: list(kind.subjects) for index, kind in enumerate(_KINDS)}
    return [[_fact(dice, index, left[index]) for index in _kinds(dice, left, per_round)] for _ in range(rounds)]


def _kinds(dice: random.Random, left: dict[int, list[str]], count: int) -> Sequence[int]:
    """Kinds for one round: those with most subjects left, so that none runs out early; chance among equals."""
    shuffled = dice.sample(sorted(left), len(left))
    return sorted(shuffled, key=lambda index: -len(left[index]))[:count]


def _fact(dice: random.Random, index: int, subjects: list[str]) -> TeamFact:
    kind = _KINDS[index]
    subject = subjects.pop(dice.randrange(len(subjects)))
    values = kind.values(dice)
    return TeamFact(
        question=kind.question.format(subject=subject),
        correction=_upper(kind.correction.format(*values, subject=subject)),
        held_out=tuple(wording.format(subject=subject) for wording in dice.sample(kind.wordings, HELD_OUT)),
        expected=values,
    )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
