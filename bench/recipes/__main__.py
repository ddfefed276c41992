"""Recipes compared in minutes: each one and each seed is one of many adapters that are trained at once.

    python -m bench.recipes --base-model <folder> [--arms mend by-probe ...] [--seeds 1 2 3] [--rounds 2]
    python -m bench.recipes --base-model <folder> --changes changes.yaml

It is for finding a recipe that is worth a run of `bench.learning`, which judges whole runs and is what counts. Here the
base model is loaded once, and all adapters go through it side by side (bank.py); rows, probes and gate are Mend's own
(pupil.py). A file of changes has recipes by name, each with what differs from the configuration, as in

    gentle:
      follow_up: {learning_rate: 2.0e-4}
      replay: {own_answers: 110}

Only rows and schedules can be compared so; a change of anything else is refused. What is shown is of the candidates
that a run would have ended with, whether the gate let them pass or not; one that it refused does not go live. Tune on
other seeds than bench.learning's. 24 adapters take about 5 minutes on an H200.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import yaml

from bench.learning.arms import ARMS
from bench.recipes.bank import Bank, Weights
from bench.recipes.pupil import LANGUAGE, Pupil, School, Sight, choose, probes_of, read_persona, result
from bench.recipes.training import Lesson, train
from bench.report import Report, Table, hand_in, show
from bot.memory import compose
from local.embedded import SMALL_CONFIG
from serving.chat import Completion
from settings import ROOT
from trainer.config import TrainConfig
from trainer.own_answers import MOST_TOKENS, in_turn, reason_against, whole_sentences
from trainer.probes import ProbeGroup
from trainer.rows import Row, Source

DROPOUT = 0.05  # ms-swift's default
TOKENS = 48  # of an answer at most
COMPARED = frozenset(
    {
        "first",
        "follow_up",
        "first_replay",
        "replay",
        "first_candidate_epoch",
        "paraphrases_per_case",
        "held_out_per_case",
        "second_attempt",  # these two are of what follows a refusal, which is not simulated for any recipe
        "blends",
    }
)
SHOWN = ("new", "kept", "identity", "rigour", "ability")


def main() -> None:
    options = _options()
    torch.set_float32_matmul_precision("high")
    torch.manual_seed(0)
    recipes = _recipes(options)
    pupils = [Pupil(name, config, seed, options.rounds) for name, config in recipes.items() for seed in options.seeds]
    config = pupils[0].config
    bank = Bank.read(options.base_model, len(pupils), config.lora_rank, config.lora_alpha, DROPOUT, options.device)
    found = teach(bank, pupils, options.rounds)
    hand_in(Report("recipes", [_table(found)], {"rounds": found}), options.out)


def teach(bank: Bank, pupils: Sequence[Pupil], rounds: int) -> list[dict[str, Any]]:
    """All rounds of all pupils: what each knows after each."""
    began, school = time.monotonic(), _school(bank)
    live, found = bank.fresh(0), []
    for number in range(rounds + 1):
        if number:
            for pupil in pupils:
                pupil.next_round()
        seen = _round(bank, pupils, school, live)
        for place, (pupil, sights) in enumerate(zip(pupils, seen, strict=True)):
            chosen = choose(sights)
            weights, sight = chosen or sights[-1]
            found.append(_figures(pupil, number, sight))
            # A first adapter goes live here in any case: there is nothing to be learned of a recipe without one.
            if chosen or number == 0:
                pupil.promote(sight)
                for all_live, mine in zip(live, weights, strict=True):
                    all_live[place] = mine
        print(f"Round {number} of {rounds} is over after {time.monotonic() - began:.0f} s.", flush=True)
        if 0 < number < rounds:
            show([_table(found)])
    return found


def _round(bank: Bank, pupils: Sequence[Pupil], school: School, live: Weights) -> list[list[tuple[Weights, Sight]]]:
    """Each pupil's candidates, oldest first."""
    lessons = [_lesson(bank, pupil, school) for pupil in pupils]
    kept = train(bank, live, lessons)
    candidates = max(map(len, kept))
    questions = [[*(probe.prompt for probe in school.probes), *pupil.questions()] for pupil in pupils]
    width = max(map(len, questions))
    system = school.persona.system_prompt
    asked = [[compose(system, (), text) for text in [*each, *["Hi"] * (width - len(each))]] for each in questions]
    seen: list[list[tuple[Weights, Sight]]] = [[] for _ in pupils]
    for number in range(candidates):
        worn = [mine[min(number, len(mine) - 1)] for mine in kept]
        bank.wear([torch.stack(layer) for layer in zip(*worn, strict=True)])
        for pupil, weights, answers, mine in zip(pupils, worn, bank.answers(asked, TOKENS), seen, strict=True):
            mine.append((weights, pupil.judge(school, answers)))
    return seen


def _lesson(bank: Bank, pupil: Pupil, school: School) -> Lesson:
    rows = [bank.encode(example.messages) for example in pupil.rows(school)]
    stage = pupil.config.follow_up if pupil.taught else pupil.config.first
    save_from = pupil.config.first_candidate_epoch if pupil.taught else stage.num_train_epochs
    return Lesson(rows, stage, 100 * pupil.seed + pupil.taught, save_from)


def _school(bank: Bank) -> School:
    """Ask the base model what it can, and for its own answers."""
    bank.wear(None)
    persona = read_persona()
    gate, asked = probes_of(persona)
    prompts = in_turn(ROOT / "persona", [LANGUAGE])

    def said(questions: Sequence[str], tokens: int) -> list[str]:
        (answers,) = bank.answers([[compose(persona.system_prompt, (), text) for text in questions]], tokens)
        return answers

    own = [
        Row.of(prompt, whole_sentences(one), source=Source.OWN_ANSWER, kind="own", language=LANGUAGE)
        for prompt, one in zip(prompts, map(_completion(bank), said(prompts, MOST_TOKENS)), strict=True)
        if reason_against(prompt, one) is None
    ]
    abilities = [probe for probe in gate if probe.group is ProbeGroup.ABILITY]
    base = tuple(map(result, abilities, said([probe.prompt for probe in abilities], TOKENS)))
    return School(persona, gate, asked, base, tuple(own))


def _completion(bank: Bank) -> Callable[[str], Completion]:
    """An answer as a server gives it: one of as many tokens as it may have was cut off."""

    def made(text: str) -> Completion:
        tokens = len(bank.tokenizer(text, add_special_tokens=False)["input_ids"])
        ended = "stop" if tokens < MOST_TOKENS - 1 else "length"
        return Completion(text, "base", ended, 0, tokens, 0.0, 0.0)

    return made


def _figures(pupil: Pupil, number: int, sight: Sight) -> dict[str, Any]:
    known = {name: getattr(sight, name) for name in SHOWN if name != "kept"}
    about = {"recipe": pupil.name, "seed": pupil.seed, "round": number, "kept": pupil.kept(sight)}
    refused = [check.reason for check in sight.decision.checks if not check.passed]
    return about | known | {"refused": refused, "answers": [asdict(one) for one in sight.gate if not one.passed]}


def _table(found: Sequence[Mapping[str, Any]]) -> Table:
    """A line for each recipe: means over the seeds and the rounds after the first."""
    rows: list[list[str | int]] = []
    for name in dict.fromkeys(one["recipe"] for one in found):
        ours = [one for one in found if one["recipe"] == name and one["round"]]
        cells = []
        for column in SHOWN:
            values = [one[column] for one in ours if one[column] is not None]
            cells.append(f"{sum(values) / len(values):.0%}" if values else "-")
        rows.append([name, len(ours), *cells, sum(bool(one["refused"]) for one in ours)])
    return Table("Recipes, means over seeds and rounds", ["", "candidates", *SHOWN, "refused"], rows)


def _recipes(options: argparse.Namespace) -> dict[str, TrainConfig]:
    """Configurations by the names of their arms or changes.

    Raises:
        SystemExit: one of them differs in what is not simulated here.
    """
    shipped = yaml.safe_load(options.config.read_text(encoding="utf-8"))
    made = {name: ARMS[name].change(shipped) for name in options.arms}
    if options.changes:
        changes = yaml.safe_load(options.changes.read_text(encoding="utf-8"))
        made |= {name: _changed(shipped, change) for name, change in changes.items()}
    recipes = {name: TrainConfig.model_validate(config) for name, config in made.items()}
    for name, recipe in recipes.items():
        if why := not_comparable(recipe, TrainConfig.model_validate(shipped)):
            raise SystemExit(f"{name}: {why}")
    return recipes


def not_comparable(recipe: TrainConfig, shipped: TrainConfig) -> str:
    """What of a recipe would be left out of the comparison, in words; empty when nothing is."""
    others = [name for name in TrainConfig.model_fields if name not in COMPARED]
    if changed := [name for name in others if getattr(recipe, name) != getattr(shipped, name)]:
        return f"{', '.join(changed)} cannot be compared here; use bench.learning"
    if recipe.method != "sft":
        return f"only sft can be compared here, and its method is {recipe.method}"
    if any(stage.lr_scheduler_type != "cosine" for stage in (recipe.first, recipe.follow_up)):
        return "only a cosine schedule can be compared here"
    if recipe.first_replay.general_sets or recipe.replay.general_sets:
        return "general_sets are not read here"
    return ""


def _changed(config: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    return dict(config) | {
        name: _changed(config[name], value) if isinstance(value, dict) else value for name, value in change.items()
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.recipes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    line_by_line = [name for name, arm in ARMS.items() if not arm.from_scratch]
    parser.add_argument("--base-model", type=Path, required=True, help="folder of the base model")
    parser.add_argument("--arms", nargs="+", choices=line_by_line, default=["mend"], help="arms of bench.learning")
    parser.add_argument("--changes", type=Path, help="YAML with further recipes, by what differs")
    parser.add_argument("--config", type=Path, default=SMALL_CONFIG, help="what they differ from")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="one set of facts each")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, default=Path("bench/out/recipes.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
