"""What is compared: Mend as it ships, and what it would be without one of its parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Arm:
    """One way to learn. ``change`` makes its training configuration from the shipped one."""

    name: str
    title: str
    change: Callable[[Config], Config]
    from_scratch: bool = False
    """Every round is a first run from the base model, with all cases so far."""
    measures_patch: bool = False
    """What the corrections do through the prompt is measured before each round's run."""


def _as_shipped(config: Config) -> Config:
    return config


def _no_replay(config: Config) -> Config:
    nothing = {"identity_rows": 0, "general_rows": 0, "earlier_case_rows": 0, "own_answers": 0, "general_sets": []}
    return {**config, "replay": {**config["replay"], **nothing}}


def _no_paraphrases(config: Config) -> Config:
    """The question alone, as often as it would have been seen with its variants."""
    times = config["replay"]["new_case_repeats"] * (1 + config["paraphrases_per_case"])
    return {**config, "paraphrases_per_case": 0, "replay": {**config["replay"], "new_case_repeats": min(times, 20)}}


def _from_scratch(config: Config) -> Config:
    """As many epochs, and as large a dose of the cases, as a follow-up has."""
    dose = {**config["first_replay"], "new_case_repeats": config["replay"]["new_case_repeats"]}
    epochs = {**config["first"], "num_train_epochs": config["follow_up"]["num_train_epochs"]}
    return {**config, "first_replay": dose, "first": epochs}


def _five_epochs(config: Config) -> Config:
    return {**config, "follow_up": {**config["follow_up"], "num_train_epochs": 5}, "first_candidate_epoch": 5}


def _kto(config: Config) -> Config:
    return {**config, "method": "kto"}


def _dpo(config: Config) -> Config:
    return {**config, "method": "dpo"}


def _one_pass(config: Config) -> Config:
    """About as many rows in all, each in other words and seen once, instead of fewer rows over several epochs."""
    stage = {**config["follow_up"], "num_train_epochs": 1, "learning_rate": 5e-4}
    rows = {"new_case_repeats": 18, "identity_repeats": 3, "own_answers": 180, "most_replay_per_new_row": 1.3}
    return {**config, "follow_up": stage, "first_candidate_epoch": 1, "replay": {**config["replay"], **rows}}


ARMS = {
    arm.name: arm
    for arm in (
        Arm("mend", "Mend", _as_shipped, measures_patch=True),
        Arm("no-replay", "no replay", _no_replay),
        Arm("no-paraphrases", "no paraphrases", _no_paraphrases),
        Arm("scratch", "from scratch each time", _from_scratch, from_scratch=True),
        Arm("five-epochs", "always 5 epochs", _five_epochs),
        Arm("kto", "KTO in place of SFT", _kto),
        Arm("dpo", "DPO in place of SFT", _dpo),
        Arm("one-pass", "one epoch of thrice the rows", _one_pass),
    )
}
