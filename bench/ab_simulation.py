"""How often canaries are judged wrongly, and how soon rightly: simulated teams, the product's own decision.

    python -m bench.ab_simulation [--experiments 2000] [--days 28] [--out bench/out/ab_simulation.json]

Every experiment has people who differ widely: in how much they ask, and in what they dislike. Who is in which arm is
decided by ``serving.routing``, which thumbs-down count by ``feedback.arms``, and what follows from them by
``trainer.evidence``, looked at after every vote. Beside it stands what a test of answers would say that takes votes for
independent (a z-test at the same level, looked at once a day), to show why people are counted and not answers.

The exit status is 1 when a rate of errors is higher than the settings say, by more than chance explains. A second file
beside the JSON is a picture of it.
"""

import argparse
import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import NormalDist, median
from typing import Any

import numpy as np

from bench.report import Report, Table, hand_in
from feedback.arms import WINDOW, Draw, Member, ThumbsDown, draws
from feedback.experiments import Rules
from feedback.forecasts import needed
from feedback.states import Arm
from feedback.votes import Person
from serving.routing import arm_of
from settings import ExperimentSettings
from trainer.evidence import Finding, decide

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ASKS_A_DAY, DISLIKES = 2.0, 0.04  # of the average person: questions, and the share of answers with a thumbs-down
SPREAD = 1.0  # shape of both over people: a tenth of them ask, and dislike, more than twice as much as the average
CHANCE = 0.999  # a rate is too high only if chance explains it less often than one time in a thousand


@dataclass(frozen=True)
class Scenario:
    """What is true: how many times as likely a thumbs-down on the canary's answers is, and whether one is angry."""

    name: str
    ratio: float
    angry: bool = False
    wrong: Finding | None = None  # the finding that would be an error, which the settings bound
    share: float = 0.5
    people: int = 80


@dataclass(frozen=True)
class Life:
    """One person's answers, in order: the day of each, and whether it got a thumbs-down."""

    person: str
    arm: Arm
    days: "np.ndarray[tuple[int], np.dtype[np.float64]]"
    bad: "np.ndarray[tuple[int], np.dtype[np.bool_]]"


@dataclass(frozen=True)
class Course:
    """One experiment: the finding, after how many days and people with a thumbs-down, and what the z-test says."""

    finding: Finding
    days: float
    people: int
    naive: bool


@dataclass(frozen=True)
class Row:
    """A scenario's line of the table. Shares are of all experiments, the medians of those that were decided."""

    scenario: Scenario
    live: float
    taken_back: float
    undecided: float
    days: float | None
    people: float | None
    forecast: int | None
    naive: float
    error: float | None


SCENARIOS = (
    Scenario("alike", 1.0, wrong=Finding.HARMFUL),
    Scenario("alike, one angry person", 1.0, angry=True, wrong=Finding.HARMFUL),
    Scenario("alike, 20 % of people", 1.0, wrong=Finding.HARMFUL, share=0.2),
    Scenario("disliked half as often", 0.5, wrong=Finding.HARMFUL),
    Scenario("disliked twice as often", 2.0, wrong=Finding.GOOD),
    Scenario("twice, one angry person", 2.0, angry=True, wrong=Finding.GOOD),
    Scenario("twice, 20 % of people", 2.0, wrong=Finding.GOOD, share=0.2),
    Scenario("disliked three times as often", 3.0, wrong=Finding.GOOD),
    Scenario("alike, 300 people", 1.0, wrong=Finding.HARMFUL, people=300),
    Scenario("half as often, 300 people", 0.5, wrong=Finding.HARMFUL, people=300),
    Scenario("three times, 300 people", 3.0, wrong=Finding.GOOD, people=300),
)


def simulate(number: int, scenario: Scenario, days: int, rules: Rules) -> Course:
    """One experiment; the same number is the same team with the same luck."""
    people = scenario.people
    dice = np.random.default_rng([number, int(scenario.ratio * 100), scenario.angry, int(scenario.share * 100)])
    team = [Person("T1", f"U{number:05}{one:04}") for one in range(people)]
    arms = [arm_of(f"pip-v2-{number:08x}", one, scenario.share) for one in team]
    pace = dice.gamma(SPREAD, ASKS_A_DAY / SPREAD, people)  # a few ask all day, many hardly ever
    habit = dice.beta(SPREAD, SPREAD / DISLIKES - SPREAD, people)
    if scenario.angry:
        pace[0], habit[0] = 10 * ASKS_A_DAY, 0.45
    lives = []
    for one, arm in enumerate(arms):
        when = np.sort(dice.random(dice.poisson(pace[one] * days))) * days
        chance = min(habit[one] * (scenario.ratio if arm is Arm.CANARY else 1.0), 0.95)
        lives.append(Life(str(team[one]), arm, when, dice.random(len(when)) < chance))
    drawn, when_drawn = counted(lives)
    finding, count = first_finding(drawn, rules)
    ended = when_drawn[count - 1] if finding is not Finding.OPEN else float(days)
    return Course(finding, ended, count, z_test(lives, days, rules.alpha))


def counted(lives: Sequence[Life]) -> tuple[list[Draw], list[float]]:
    """The draws, and the day of each. People dislike what they have asked themselves, and say so at once."""
    members = [
        Member(one.person, one.arm, _at(one.days[0]), _at(one.days[WINDOW]) if len(one.days) > WINDOW else None)
        for one in lives
        if len(one.days)
    ]
    bad = sorted((one.days[:WINDOW][one.bad[:WINDOW]][0], one.person) for one in lives if one.bad[:WINDOW].any())
    given = [ThumbsDown(person, person, _at(day)) for day, person in bad]
    return draws(members, given), [float(day) for day, _ in bad]


def _at(day: float) -> datetime:
    return BEGAN + timedelta(days=day)


def first_finding(drawn: Sequence[Draw], rules: Rules) -> tuple[Finding, int]:
    """The finding, and the number of draws after which it was made; looking after each is the same as looking once,
    since the first look that decides counts, so the number is found by halving."""
    finding = decide(drawn, rules)
    if finding is Finding.OPEN:
        return finding, len(drawn)
    low, high = 1, len(drawn)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if decide(drawn[:middle], rules) is Finding.OPEN else (low, middle)
    return finding, low


def z_test(lives: Sequence[Life], days: int, alpha: float) -> bool:
    """Whether two proportions of answers, looked at once a day, have ever seemed to differ."""
    limit = NormalDist().inv_cdf(1 - alpha / 2)
    sides = [[one for one in lives if one.arm is arm] for arm in Arm]
    answers = [_by_day([one.days for one in side], days) for side in sides]
    down = [_by_day([one.days[one.bad] for one in side], days) for side in sides]
    each_day = zip(*answers, *down, strict=True)
    return any(_differ(int(n), int(m), int(x), int(y), limit) for n, m, x, y in each_day)


def _by_day(when: Sequence["np.ndarray[tuple[int], np.dtype[np.float64]]"], days: int) -> "np.ndarray[Any, Any]":
    """How many there are until the end of each day."""
    return np.cumsum(np.histogram(np.concatenate([np.empty(0), *when]), bins=days, range=(0, days))[0])


def _differ(n: int, m: int, x: int, y: int, limit: float) -> bool:
    if x + y < 10 or not min(n, m) or x + y == n + m:
        return False
    pooled = (x + y) / (n + m)
    return abs(x / n - y / m) > limit * math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))


def row(scenario: Scenario, courses: Sequence[Course], rules: Rules) -> Row:
    """A scenario's line."""

    def share(finding: Finding) -> float:
        return sum(one.finding is finding for one in courses) / len(courses)

    decided = [one for one in courses if one.finding is not Finding.OPEN]
    return Row(
        scenario,
        share(Finding.GOOD),
        share(Finding.HARMFUL),
        share(Finding.OPEN),
        median(one.days for one in decided) if decided else None,
        median(one.people for one in decided) if decided else None,
        needed(rules, scenario.ratio),
        sum(one.naive for one in courses) / len(courses),
        share(scenario.wrong) if scenario.wrong else None,
    )


def highest(alpha: float, experiments: int) -> float:
    """The highest rate of errors that chance explains where the true one is alpha."""
    return alpha + NormalDist().inv_cdf(CHANCE) * math.sqrt(alpha * (1 - alpha) / experiments)


def table(rows: Sequence[Row], alpha: float, notes: Sequence[str]) -> Table:
    """What people read."""
    columns = ("the canary is", "live", "taken back", "undecided", f"errors (≤ {alpha:.0%})", "median days",
               "median people", "forecast", "z-test on answers sees a difference")  # fmt: skip
    cells = [
        [
            one.scenario.name, f"{one.live:.1%}", f"{one.taken_back:.1%}", f"{one.undecided:.1%}",
            None if one.error is None else f"{one.error:.1%}",
            None if one.days is None else f"{one.days:.0f}", None if one.people is None else f"{one.people:.0f}",
            str(one.forecast), f"{one.naive:.1%}",
        ]
        for one in rows
    ]  # fmt: skip
    return Table("What became of simulated canaries", columns, cells, notes)


def draw(rows: Sequence[Row], path: Path) -> None:
    """Bars of what became of the canaries."""
    os.environ.setdefault("MPLBACKEND", "agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.55 * len(rows) + 1.4), layout="constrained")
    axes = figure.subplots()
    left = np.zeros(len(rows))
    for name, color in (("live", "#2a9d6f"), ("undecided", "#c9ced6"), ("taken_back", "#c8553d")):
        width = np.array([100 * float(getattr(one, name)) for one in rows])
        axes.barh([one.scenario.name for one in rows], width, left=left, color=color, label=name.replace("_", " "))
        left += width
    axes.invert_yaxis()
    axes.set_xlabel("per cent of experiments")
    axes.set_title("What became of canaries, by what they were in truth")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=2000)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("bench/out/ab_simulation.json"))
    options = parser.parse_args()
    shipped = ExperimentSettings()
    began, rows = time.monotonic(), []
    with ProcessPoolExecutor(options.jobs) as pool:
        for scenario in SCENARIOS:
            rules = Rules(scenario.share, shipped.margin, shipped.alpha, shipped.days)
            one = partial(simulate, scenario=scenario, days=options.days, rules=rules)
            courses = list(pool.map(one, range(options.experiments), chunksize=50))
            rows.append(row(scenario, courses, rules))
            print(f"{scenario.name}: {time.monotonic() - began:.0f} s", flush=True)
    limit = highest(shipped.alpha, options.experiments)
    kept = all(one.error is None or one.error <= limit for one in rows)
    verdict = (f"Every rate of errors is {'at most' if kept else 'NOT always at most'} {limit:.2%}, "
               f"which is {shipped.alpha:.0%} and what chance adds in {options.experiments} experiments.")  # fmt: skip
    figures = {"experiments": options.experiments, "days": options.days,
               "asks_a_day": ASKS_A_DAY, "dislikes": DISLIKES, "settings": shipped.model_dump(), "limit": limit,
               "kept": kept, "seconds": round(time.monotonic() - began, 1),
               "rows": [asdict(one) for one in rows]}  # fmt: skip
    picture = options.out.with_suffix(".png")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    draw(rows, picture)
    hand_in(Report("ab_simulation", [table(rows, shipped.alpha, [verdict])], figures, picture), options.out)
    raise SystemExit(0 if kept else 1)


if __name__ == "__main__":
    main()
