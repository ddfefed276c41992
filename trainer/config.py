"""How one base model is trained: read from `trainer/configs/<base>.yaml`, in ms-swift's own flag names.

A new base model is a new file there and no code.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from feedback.recipe import Count
from feedback.yaml_model import YamlFileError, read_yaml_model
from serving.base import BaseModel as Base
from trainer.batch import Batch, careful
from trainer.general_sets import GeneralSet

FlagValue = str | int | float | bool
StageName = Literal["first", "follow_up"]
_STAGES: tuple[StageName, ...] = ("first", "follow_up")
Method = Literal["sft", "kto", "dpo"]

# What a run decides for itself; a file that could set these as well would win or lose by their order.
OWN_FLAGS = frozenset(
    {
        "adapters",
        "add_version",
        "columns",
        "dataset",
        "load_args",
        "loss_type",
        "max_steps",
        "model",
        "output_dir",
        "ref_adapters",
        "resume_from_checkpoint",
        "resume_only_model",
        "rlhf_type",
        "system",
        "val_dataset",
    }
)


class TrainConfigError(YamlFileError):
    """A training config cannot be used; the message names file, line and field."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stage(_Frozen):
    """The schedule of one kind of run; every field is the ms-swift flag of that name.

    A batch of `auto` takes as many of the rows that are accumulated at a time as the free memory allows, and decides
    about gradient checkpointing too (see trainer/batch.py); the update is over the same rows.
    """

    num_train_epochs: Annotated[int, Field(ge=1, le=100)]
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    warmup_ratio: Annotated[float, Field(ge=0, lt=1)]
    lr_scheduler_type: str
    per_device_train_batch_size: Annotated[int, Field(ge=1)] | Literal["auto"]
    gradient_accumulation_steps: Annotated[int, Field(ge=1)]

    @property
    def rows_per_update(self) -> int:
        at_a_time = 1 if self.per_device_train_batch_size == "auto" else self.per_device_train_batch_size
        return at_a_time * self.gradient_accumulation_steps


class Replay(_Frozen):
    """How many earlier rows are mixed in against forgetting, over all languages together, and the dose of new ones.

    None of the numbers grows with what was learned before; `all` of the earlier cases would.
    """

    new_case_repeats: Annotated[int, Field(ge=1, le=200)]
    """How often each row of a new case is seen in an epoch, as it is and in worn copies (see trainer/wearing.py); more
    epochs instead would wear out the replay."""
    identity_rows: Count
    general_rows: Count
    identity_repeats: Annotated[int, Field(ge=1, le=5)] = 1
    """How often there is each row of the identity to draw from: as it is, and then asked in other words by rule (see
    trainer/rewording.py)."""
    earlier_case_rows: Count
    """Rows of earlier cases at most, drawn by need (see trainer/replay.py)."""
    earlier_repeats: Annotated[int, Field(ge=1, le=20)] = 1
    """How often each of them is seen in an epoch, as it is and in worn copies."""
    own_answers: Annotated[int, Field(ge=0)] = 0
    """The base model's own answers to general prompts (persona/prompts), made once for each base model."""
    most_replay_per_new_row: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Identity, general rows and own answers shrink together to so many for each row of a new case, copies counted: a
    run of one case is short, one of several has the whole budget. None: always the whole budget."""
    general_sets: tuple[str, ...] = ()
    """Further data sets, in ms-swift's words (see trainer/general_sets.py)."""

    @field_validator("general_sets")
    @classmethod
    def _are_named_with_their_rows(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        for one in written:
            GeneralSet.parse(one)
        return written


class Anew(Replay):
    """The dose of a run that learns everything anew: up to so many earlier cases, each of which has a row."""

    earlier_case_rows: Annotated[int, Field(ge=1)]


class TrainConfig(_Frozen):
    """One base model's training, whole."""

    base: Annotated[str, StringConstraints(min_length=1)]
    """Which model this is for, in words for people; the model itself is a path in the settings."""
    model_type: str
    template: str
    languages: Annotated[tuple[Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")], ...], Field(min_length=1)]
    """The persona's languages that this base can learn; rows and probes in others are left out."""
    max_length: Annotated[int, Field(ge=64)]
    lora_rank: Annotated[int, Field(ge=1, le=512)]
    lora_alpha: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0)]
    first: Stage
    follow_up: Stage
    first_replay: Replay
    replay: Replay
    """What a follow-up run mixes in."""
    second_attempt: Anew | None = None
    """What a follow-up that the gate has refused is made of when it is tried again: it starts from the base model and
    has every earlier case, while there is a row for each. None: it goes on from the live adapter, as it did at first.
    """
    first_candidate_epoch: Annotated[int, Field(ge=1)] = 1  # runs that were started before there was this field
    """A follow-up's checkpoints are probed from the end of this epoch on, and the earliest that passes is taken."""
    blends: Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(max_length=3)] = ()
    """Shares of the way from a follow-up's parent to its last checkpoint, tried in this order when the gate has refused
    that and all before it (see trainer/blending.py). Few, since each is another chance at the gate."""
    method: Method = "sft"
    """What a follow-up learns from: the corrections, or, with `kto` and `dpo`, also what was answered badly (see
    trainer/preference.py)."""
    beta: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.1
    """Of `kto` and `dpo`: the larger, the closer the candidate keeps to the live adapter."""
    rpo_alpha: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    """Of `dpo`: how much the likelihood of the right answer itself counts."""
    paraphrases_per_case: Annotated[int, Field(ge=0, le=5)]
    """0 is for comparisons: the question is taught as it was asked, and in no other words."""
    held_out_per_case: Annotated[int, Field(ge=1, le=5)]
    swift: dict[str, FlagValue]
    """Every further flag, by its ms-swift name."""

    sized_by_memory: tuple[StageName, ...] = ()
    """In a run's own copy: the stages whose batch was `auto`, and was decided by the free memory."""

    def taught_languages(self, spoken: tuple[str, ...]) -> list[str]:
        """Those of a persona's languages that this base can learn."""
        return [language for language in self.languages if language in spoken]

    @field_validator("paraphrases_per_case")
    @classmethod
    def _are_enough(cls, count: int) -> int:
        if count in (1, 2):
            raise ValueError("must be 3 to 5, or 0 for a comparison without any")
        return count

    @field_validator("swift")
    @classmethod
    def _leaves_the_runs_own_flags_alone(cls, flags: dict[str, FlagValue]) -> dict[str, FlagValue]:
        named_above = set(Stage.model_fields) | {
            "model_type",
            "template",
            "max_length",
            "seed",
            "lora_rank",
            "lora_alpha",
            "beta",
            "rpo_alpha",
        }
        for flag in flags:
            if flag in OWN_FLAGS:
                raise ValueError(f"{flag} is set by each run itself; remove it")
            if flag in named_above:
                raise ValueError(f"{flag} has a field of its own; set it there")
        return flags

    @model_validator(mode="after")
    def _teaches_identity_first(self) -> Self:
        if self.first_replay.identity_rows == 0:
            raise ValueError("first_replay.identity_rows is 0: the first run teaches the identity")
        if self.second_attempt and self.second_attempt.identity_rows == 0:
            raise ValueError("second_attempt.identity_rows is 0: the base model does not know the identity")
        return self

    @model_validator(mode="after")
    def _tries_the_larger_part_first(self) -> Self:
        if list(self.blends) != sorted(set(self.blends), reverse=True):
            raise ValueError(f"blends are {list(self.blends)}: each has to be smaller than the one before")
        return self

    @model_validator(mode="after")
    def _has_a_candidate(self) -> Self:
        epochs = self.follow_up.num_train_epochs
        if self.first_candidate_epoch > epochs:
            raise ValueError(f"first_candidate_epoch is {self.first_candidate_epoch}, and a follow-up has {epochs}")
        return self

    @model_validator(mode="after")
    def _has_an_answer_to_reject(self) -> Self:
        if self.method != "sft" and self.replay.general_sets:
            raise ValueError(f"replay.general_sets have no answers to reject, which {self.method} needs; remove them")
        return self

    @model_validator(mode="after")
    def _decides_about_checkpointing_once(self) -> Self:
        if self.has_open_batch and "gradient_checkpointing" in self.swift:
            raise ValueError("swift.gradient_checkpointing is decided with a batch of auto; remove it")
        return self

    @property
    def has_open_batch(self) -> bool:
        """Whether the free memory still has to decide about the batch."""
        return "auto" in (self.first.per_device_train_batch_size, self.follow_up.per_device_train_batch_size)

    def with_batch(self, choose: Callable[[int], Batch]) -> Self:
        """This config with every batch decided; `choose` is given the rows of an update."""
        sizes: dict[StageName, Batch] = {}
        for name in _STAGES:
            stage = self._stage(name)
            if stage.per_device_train_batch_size == "auto":
                sizes[name] = choose(stage.rows_per_update)
        return self._sized(sizes) if sizes else self

    def with_lower(self, stage: StageName, batch: Batch) -> Self:
        """This config with another batch where the free memory had decided about it."""
        return self._sized({stage: batch})

    def _sized(self, sizes: Mapping[StageName, Batch]) -> Self:
        changed: dict[str, Any] = {
            name: self._stage(name).model_copy(
                update={
                    "per_device_train_batch_size": batch.per_device,
                    "gradient_accumulation_steps": batch.accumulated,
                }
            )
            for name, batch in sizes.items()
        }
        # One flag for both stages: where one of them needs it, the other has it, too.
        checkpointing = any(batch.checkpointing for batch in sizes.values())
        changed["swift"] = {**self.swift, "gradient_checkpointing": checkpointing}
        changed["sized_by_memory"] = tuple(name for name in _STAGES if name in {*self.sized_by_memory, *sizes})
        return self.model_copy(update=changed)

    def _stage(self, name: StageName) -> Stage:
        return self.first if name == "first" else self.follow_up

    def batch_of(self, stage: StageName) -> Batch:
        """The batch of a stage; one that is still open is the careful one."""
        found = self._stage(stage)
        if found.per_device_train_batch_size == "auto":
            return careful(found.rows_per_update)
        checkpointing = bool(self.swift.get("gradient_checkpointing", True))  # as ms-swift has it
        return Batch(found.per_device_train_batch_size, found.gradient_accumulation_steps, checkpointing)

    def flags(self, stage: StageName) -> dict[str, FlagValue]:
        """Every flag that this file decides for a run of `stage`; the run adds `OWN_FLAGS` as it needs them.

        A batch that is still open is the careful one.
        """
        if self.has_open_batch:
            return self.with_batch(careful).flags(stage)
        schedule = self._stage(stage).model_dump()
        return {
            "model_type": self.model_type,
            "template": self.template,
            "max_length": self.max_length,
            "lora_rank": self.lora_rank,
            "lora_alpha": self.lora_alpha,
            "seed": self.seed,
            **schedule,
            **self.swift,
        }


def weight_bytes(base: Base, config: TrainConfig) -> int:
    """How large the base model is in the type that it is trained in; norms and biases are too small to count."""
    each = 4 if config.swift.get("torch_dtype") == "float32" else 2
    return each * sum(outputs * inputs for outputs, inputs in base.layers.values())


def load_train_config(path: Path) -> TrainConfig:
    """Read one training config; raises `TrainConfigError` with file, line and field when it cannot be used."""
    return read_yaml_model(path, TrainConfig, error=TrainConfigError)
