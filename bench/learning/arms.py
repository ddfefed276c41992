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
    return {**config, "paraphrases_per_case": 0, "replay": {**config["replay"], "new_case_repeats": times}}


def _from_scratch(config: Config) -> Config:
    """As many epochs, and as large a dose of the cases, as a follow-up has."""
    dose = {**config["first_replay"], "new_case_repeats": config["replay"]["new_case_repeats"]}
    epochs = {**config["first"], "num_train_epochs": config["follow_up"]["num_train_epochs"]}
    return {**config, "first_replay": dose, "first": epochs}


def _few_rows(config: Config, epochs: int, first_candidate: int) -> Config:
    """A third of the new rows and half of the own answers, each seen in several epochs. Earlier cases have
    as many rows as in what ships, which they had not when this did."""
    stage = {**config["follow_up"], "num_train_epochs": epochs, "learning_rate": 3e-4}
    rows = {"new_case_repeats": 6, "identity_repeats": 1, "own_answers": 95, "most_replay_per_new_row": 2.1}
    replay = {**config["replay"], **rows}
    return {**config, "follow_up": stage, "first_candidate_epoch": first_candidate, "replay": replay}


def _by_probe(config: Config) -> Config:
    return _few_rows(config, 3, 2)


def _five_epochs(config: Config) -> Config:
    return _few_rows(config, 5, 5)


def _kto(config: Config) -> Config:
    return {**config, "method": "kto"}


def _dpo(config: Config) -> Config:
    return {**config, "method": "dpo"}


ARMS = {
    arm.name: arm
    for arm in (
        Arm("mend", "Mend", _as_shipped, measures_patch=True),
        Arm("no-replay", "no replay", _no_replay),
        Arm("no-paraphrases", "no paraphrases", _no_paraphrases),
        Arm("scratch", "from scratch each time", _from_scratch, from_scratch=True),
        Arm("by-probe", "few rows, 2 or 3 epochs by probe", _by_probe),
        Arm("five-epochs", "few rows, always 5 epochs", _five_epochs),
        Arm("kto", "KTO in place of SFT", _kto),
        Arm("dpo", "DPO in place of SFT", _dpo),
    )
}
