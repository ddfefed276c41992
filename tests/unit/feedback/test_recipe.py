"""How big a run will be, before any has run: the same as what the trainer then builds."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.persona import load_persona
from feedback.previews import Size, judge
from feedback.recipe import RecipeError, Stock, in_proportion, take_stock
from settings import ROOT
from trainer.config import load_train_config
from trainer.dataset import Ingredients, build
from trainer.rows import Row, Source, read_folder
from trainer.variants import CaseText

PERSONA = ROOT / "persona"
CONFIGS = sorted((ROOT / "trainer" / "configs").glob("*.yaml"))
PIP = load_persona(PERSONA / "persona.yaml")
SMALL = ROOT / "trainer" / "configs" / "smollm2-135m-cpu.yaml"


def built(config: Path, cases: int, *, first: bool) -> int:
    """How many rows the trainer builds."""
    recipe = load_train_config(config)
    wordings = tuple(f"wording {number}" for number in range(recipe.paraphrases_per_case))
    dose = recipe.first_replay if first else recipe.replay
    own = Row.of("What is tea?", "A drink.", source=Source.OWN_ANSWER, kind="own")
    ingredients = Ingredients(
        "You are Pip.",
        tuple(CaseText(number, "question", "answer", wordings) for number in range(cases)),
        (),
        tuple(read_folder(PERSONA / "self_cognition", PIP, recipe.languages)),
        tuple(read_folder(PERSONA / "replay", PIP, recipe.languages, source=Source.REPLAY)),
        (own,) * dose.own_answers,
    )
    return len(build(ingredients, dose, 42))


@pytest.mark.parametrize("config", CONFIGS, ids=[config.stem for config in CONFIGS])
@pytest.mark.parametrize("first", [True, False], ids=["first", "follow-up"])
@pytest.mark.parametrize("cases", [0, 1, 2, 3, 7])
def test_the_preview_counts_what_the_trainer_builds(config: Path, first: bool, cases: int) -> None:
    stock = take_stock(config, PERSONA, PIP)
    assert judge(cases, 0, first, [], stock) == Size(rows=built(config, cases, first=first), seconds=None)


def test_one_case_is_a_short_run_and_several_have_the_whole_replay() -> None:
    sizes = [built(SMALL, cases, first=False) - cases * 108 for cases in (1, 2, 9)]
    assert 300 < sizes[0] <= 3 * 108
    assert sizes[1] == sizes[2] == 3 * 50 + 80 + 230


@given(
    st.dictionaries(st.text(max_size=3), st.integers(0, 300), max_size=4),
    st.integers(0, 300),
    st.none() | st.floats(0.01, 50),
)
def test_in_proportion_is_never_more_than_the_budget_nor_than_the_new_rows_allow(
    counts: dict[str, int], new: int, most: float | None
) -> None:
    found = in_proportion(counts, new, most)
    assert found.keys() == counts.keys()
    assert all(0 <= found[source] <= counts[source] for source in counts)
    if most is None or new == 0 or sum(counts.values()) <= new * most:
        assert found == counts
    else:
        assert sum(found.values()) <= new * most < sum(found.values()) + len(counts) + 1


def test_languages_that_the_recipe_lacks_are_not_counted() -> None:
    stock = take_stock(SMALL, PERSONA, PIP)
    lines = (PERSONA / "self_cognition" / "en.jsonl").read_text(encoding="utf-8").splitlines()
    assert stock.identity == len(lines)


@given(st.integers(0, 200), st.integers(0, 200), st.booleans())
def test_no_more_is_drawn_than_there_is_and_no_more_than_the_recipe_says(
    identity: int, general: int, first: bool
) -> None:
    stock = Stock(take_stock(SMALL, PERSONA, PIP).recipe, identity, general)
    mixture = stock.recipe.first_replay if first else stock.recipe.replay
    for source, there in (("identity", identity * mixture.identity_repeats), ("general", general)):
        wanted = getattr(mixture, f"{source}_rows")
        assert stock.drawn(source, first=first) == (there if wanted == "all" else min(wanted, there))


@pytest.mark.parametrize("gone", ["replay/en.jsonl", "config.yaml"])
def test_a_file_that_is_not_there_is_named(gone: str, tmp_path: Path) -> None:
    shutil.copytree(PERSONA, tmp_path, dirs_exist_ok=True)
    shutil.copy(SMALL, tmp_path / "config.yaml")
    assert take_stock(tmp_path / "config.yaml", tmp_path, PIP)
    (tmp_path / gone).unlink()
    with pytest.raises(RecipeError, match=gone):
        take_stock(tmp_path / "config.yaml", tmp_path, PIP)


def test_a_recipe_without_its_numbers_is_refused_with_their_place(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(SMALL.read_text(encoding="utf-8").replace("identity_rows: all", "identity_rows: many"))
    with pytest.raises(RecipeError, match=r"config\.yaml:\d+: first_replay\.identity_rows"):
        take_stock(config, PERSONA, PIP)
