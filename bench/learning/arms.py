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


def _one_way(config: Config) -> Config:
    """A second attempt is one like the first, and nothing is tried a part of the way. So it is in every arm that has a
    recipe of its own: it would else be the shipped one from the second attempt on."""
    return {**config, "second_attempt": None, "blends": []}


def _no_replay(config: Config) -> Config:
    nothing = {"identity_rows": 0, "general_rows": 0, "earlier_case_rows": 0, "own_answers": 0, "general_sets": []}
    return _one_way({**config, "replay": {**config["replay"], **nothing}})


def _no_paraphrases(config: Config) -> Config:
    """The question alone, as often as it would have been seen with its variants."""
    times = config["replay"]["new_case_repeats"] * (1 + config["paraphrases_per_case"])
    return _one_way({**config, "paraphrases_per_case": 0, "replay": {**config["replay"], "new_case_repeats": times}})


def _few_rows(config: Config, epochs: int, first_candidate: int, rows: Config) -> Config:
    """Fewer copies of the new rows and fewer own answers, each seen in several epochs, more gently. Earlier cases have
    as many rows as in what ships."""
    stage = {**config["follow_up"], "num_train_epochs": epochs, "learning_rate": 3e-4}
    replay = {**config["replay"], **rows, "identity_repeats": 1}
    return _one_way({**config, "follow_up": stage, "first_candidate_epoch": first_candidate, "replay": replay})


def _by_probe(config: Config) -> Config:
    return _few_rows(config, 3, 2, {"new_case_repeats": 6, "own_answers": 95, "most_replay_per_new_row": 2.1})


def _five_epochs(config: Config) -> Config:
    """Rows that are seen more often are fewer, or it would be more steps that are compared."""
    return _few_rows(config, 5, 5, {"new_case_repeats": 4, "own_answers": 60, "most_replay_per_new_row": 2.7})


def _kto(config: Config) -> Config:
    return _one_way({**config, "method": "kto"})


def _dpo(config: Config) -> Config:
    return _one_way({**config, "method": "dpo"})


ARMS = {
    arm.name: arm
    for arm in (
        Arm("mend", "Mend", _as_shipped, measures_patch=True),
        Arm("one-way", "no second way after a refusal", _one_way),
        Arm("no-replay", "no replay", _no_replay),
        Arm("no-paraphrases", "no paraphrases", _no_paraphrases),
        Arm("scratch", "from scratch each time", _as_shipped, from_scratch=True),
        Arm("by-probe", "few rows, 2 or 3 epochs by probe", _by_probe),
        Arm("five-epochs", "few rows, always 5 epochs", _five_epochs),
        Arm("kto", "KTO in place of SFT", _kto),
        Arm("dpo", "DPO in place of SFT", _dpo),
    )
}
