"""What is drawn for admins, as plain values: each figure knows its words for who cannot see it, and its table. Pure."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from feedback.reports import VersionScores
from feedback.votes import Thumbs

GROUPS = ("identity", "rigour", "ability", "mended", "new")
BASE = "base model"
LOSS, PROBES, THUMBS = "loss", "probes", "thumbs"


@dataclass(frozen=True)
class Figure(ABC):
    """Something to draw. ``bot.pictures`` draws it in a process of its own from ``as_json``."""

    kind: ClassVar[str]
    title: str

    @property
    def as_json(self) -> str:
        """All of it; the same data gives the same text."""
        return json.dumps({"kind": self.kind, **asdict(self)})  # in this order, which is also that of a legend

    @property
    def digest(self) -> str:
        """Tells whether it has been drawn before."""
        return hashlib.sha256(self.as_json.encode()).hexdigest()

    @property
    @abstractmethod
    def alt_text(self) -> str:
        """What a screen reader says."""

    @property
    @abstractmethod
    def table(self) -> str:
        """The same in text, for where no picture can be shown."""


@dataclass(frozen=True)
class LossCurve(Figure):
    """The loss over the steps of one training."""

    kind = LOSS
    points: tuple[tuple[int, float], ...]

    @property
    def alt_text(self) -> str:
        (first, began), (last, ended) = self.points[0], self.points[-1]
        lowest = min(loss for _, loss in self.points)
        return (
            f"{self.title}: a line over {len(self.points)} measurements, from {began:.2f} at step {first}"
            f" to {ended:.2f} at step {last}; the lowest is {lowest:.2f}."
        )

    @property
    def table(self) -> str:
        shown = self.points[:: max(1, len(self.points) // 8)]
        rows = [*shown, *([self.points[-1]] if shown[-1] != self.points[-1] else [])]
        return "\n".join([f"{'step':>6}{'loss':>10}", *(f"{step:>6}{loss:>10.3f}" for step, loss in rows)])


@dataclass(frozen=True)
class ProbeHistory(Figure):
    """How many probes of each group passed, version by version, oldest first. None: not asked then."""

    kind = PROBES
    versions: tuple[str, ...]
    shares: Mapping[str, tuple[float | None, ...]]

    @property
    def alt_text(self) -> str:
        last = self.versions[-1]
        now = [f"{group} {_per_cent(shares[-1])}" for group, shares in self.shares.items() if shares[-1] is not None]
        span = f"from {self.versions[0]} to {last}" if len(self.versions) > 1 else last
        return f"{self.title}, {span}: a line for each group of probes. Passed in {last}: {', '.join(now)}."

    @property
    def table(self) -> str:
        groups = list(self.shares)
        head = f"{'version':<12}" + "".join(f"{group:>10}" for group in groups)
        rows = [
            f"{version[:11]:<12}" + "".join(f"{_per_cent(self.shares[group][index]):>10}" for group in groups)
            for index, version in enumerate(self.versions)
        ]
        return "\n".join([head, *rows])


@dataclass(frozen=True)
class ThumbsDown(Figure):
    """The share of each version's answers that somebody thumbed down, oldest version first."""

    kind = THUMBS
    versions: tuple[str, ...]
    down: tuple[int, ...]
    answers: tuple[int, ...]

    @property
    def alt_text(self) -> str:
        return f"{self.title}: a bar for each version. {'; '.join(self._lines)}."

    @property
    def table(self) -> str:
        return "\n".join(self._lines)

    @property
    def _lines(self) -> list[str]:
        counted = zip(self.versions, self.down, self.answers, strict=True)
        return [f"{name}: {down} of {asked} answers ({down / asked:.0%})" for name, down, asked in counted]


def loss_curve(run_id: int, losses: Sequence[Sequence[float]]) -> LossCurve | None:
    """The curve of a run; None when there is too little to draw."""
    points = tuple((int(step), float(loss)) for step, loss in losses)
    return LossCurve(f"Training loss of run {run_id}", points) if len(points) > 1 else None


def probe_history(history: Sequence[VersionScores]) -> ProbeHistory | None:
    """The versions up to now; None when none was probed."""
    asked = [group for group in GROUPS if any(group in one.scores for one in history)]
    if not asked:
        return None
    shares = {group: tuple(_share(one.scores.get(group)) for one in history) for group in asked}
    return ProbeHistory("Probes passed", tuple(short(one.version) for one in history), shares)


def thumbs_down(counted: Sequence[Thumbs], most: int = 10) -> ThumbsDown | None:
    """The newest versions that have answered somebody; None when nobody was answered yet."""
    shown = [one for one in counted if one.answers][-most:]
    if not shown:
        return None
    names = tuple(short(one.version) for one in shown)
    down, answers = tuple(one.down for one in shown), tuple(one.answers for one in shown)
    return ThumbsDown("Answers thumbed down", names, down, answers)


def thumbs_of(data: Mapping[str, Any]) -> ThumbsDown:
    """The figure that ``as_json`` was made of."""
    return ThumbsDown(data["title"], tuple(data["versions"]), tuple(data["down"]), tuple(data["answers"]))


def short(version: int | None) -> str:
    """A version's name where there is little room."""
    return BASE if version is None else f"v{version}"


def block(figure: Figure, file_id: str) -> dict[str, Any]:
    """The picture as a block of a message or a view."""
    title = {"type": "plain_text", "text": figure.title, "emoji": False}
    return {"type": "image", "slack_file": {"id": file_id}, "alt_text": figure.alt_text[:2000], "title": title}


def _share(counted: tuple[int, int] | None) -> float | None:
    return counted[0] / counted[1] if counted and counted[1] else None


def _per_cent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
