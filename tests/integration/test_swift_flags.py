"""The training configs speak ms-swift's own language: flag names, model types and templates as installed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from trainer.config import OWN_FLAGS, load_train_config

CONFIGS = sorted(Path("trainer/configs").glob("*.yaml"))

# Run in a process of its own: ms-swift takes seconds to import, warns, and changes global state.
ASK_SWIFT = """
import dataclasses, json, sys
from swift.arguments import RLHFArguments, SftArguments
from swift.model import MODEL_MAPPING
from swift.template import TEMPLATE_MAPPING

flags, preference_flags = ([field.name for field in dataclasses.fields(of)] for of in (SftArguments, RLHFArguments))
names = {"flags": flags, "preference_flags": preference_flags}
json.dump(names | {"model_types": list(MODEL_MAPPING), "templates": list(TEMPLATE_MAPPING)}, sys.stdout)
"""


@pytest.fixture(scope="module")
def swift_names() -> dict[str, list[str]]:
    asked = subprocess.run([sys.executable, "-c", ASK_SWIFT], capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr[-2000:]
    names: dict[str, list[str]] = json.loads(asked.stdout.strip().splitlines()[-1])
    return names


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_flag_is_one_that_swift_has(path: Path, swift_names: dict[str, list[str]]) -> None:
    config = load_train_config(path)
    # argparse takes a prefix of a real flag without a word, so only the exact name will do.
    unknown = (set(config.flags("first")) | set(config.flags("follow_up"))) - set(swift_names["flags"])
    assert unknown == set()


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_model_type_and_template_are_known(path: Path, swift_names: dict[str, list[str]]) -> None:
    config = load_train_config(path)
    assert config.model_type in swift_names["model_types"]
    assert config.template in swift_names["templates"]


def test_the_flags_that_a_run_sets_itself_exist_too(swift_names: dict[str, list[str]]) -> None:
    assert OWN_FLAGS - set(swift_names["flags"]) - set(swift_names["preference_flags"]) == set()
