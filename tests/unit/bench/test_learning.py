"""What the harness teaches and asks, and how it sums up; the harness itself is run by `make bench-learning`."""

import json
from pathlib import Path

import pytest
from rapidfuzz import fuzz

from bench import learning_report
from bench.learning import PROBES
from bench.learning_arms import ARMS
from bench.team_facts import HELD_OUT, make
from feedback.persona import load_persona
from settings import ROOT
from trainer.config import TrainConfig
from trainer.probes import ProbeGroup, load_probes
from trainer.rewording import held_out_rewordings, rewordings
from trainer.rows import read_folder
from trainer.variants import NEAR_DUPLICATE, NEAR_PROBE
from trainer.wording import normalised

PERSONA = load_persona(ROOT / "persona" / "persona.yaml")


def test_a_seed_is_a_set_of_facts() -> None:
    assert make(11, 5, 3) == make(11, 5, 3) != make(12, 5, 3)


def test_facts_are_about_different_things_and_say_what_is_expected() -> None:
    facts = [fact for one in make(11, 5, 3) for fact in one]
    assert len({fact.question for fact in facts}) == len(facts) == 15
    for fact in facts:
        assert len(set(fact.held_out)) == HELD_OUT
        assert all(piece in fact.correction for piece in fact.expected)
        assert not any(piece in wording for piece in fact.expected for wording in fact.held_out)


@pytest.mark.parametrize("seed", [1, 11, 12, 13])
def test_no_rule_of_mends_own_nearly_writes_a_held_out_wording(seed: int) -> None:
    for fact in (fact for one in make(seed, 5, 3) for fact in one):
        by_rule = [*rewordings(fact.question)[:5], *held_out_rewordings(fact.question)]
        near = [
            (held_out, text)
            for held_out in fact.held_out
            for text in by_rule
            if fuzz.ratio(normalised(text), normalised(held_out)) >= NEAR_DUPLICATE
        ]
        assert near == []


def test_more_facts_than_there_are_subjects_are_refused() -> None:
    with pytest.raises(ValueError, match="facts in all"):
        make(1, 100, 3)


def test_what_is_asked_beside_the_facts_is_in_no_file_of_the_persona() -> None:
    rows = [
        row.question
        for folder in ("self_cognition", "replay")
        for row in read_folder(ROOT / "persona" / folder, PERSONA, ["en"])
    ]
    known = [*rows, *(probe.prompt for probe in load_probes(ROOT / "persona" / "probes.yaml", PERSONA))]
    for probe in load_probes(PROBES, PERSONA):
        nearest = max(known, key=lambda text: fuzz.ratio(normalised(text), normalised(probe.prompt)))
        # The recipe's own coding task is asked here as it is there.
        if fuzz.ratio(normalised(nearest), normalised(probe.prompt)) >= NEAR_PROBE:
            assert _values_differ(nearest, probe.prompt) or probe.expect.code, (probe.prompt, nearest)


def _values_differ(one: str, other: str) -> bool:
    """What is the capital of Japan, or of France: as many words, and the last one another."""
    first, second = normalised(one).split(), normalised(other).split()
    return len(set(first) ^ set(second)) >= 2


def test_there_are_enough_probes_of_each_kind_for_a_share() -> None:
    groups = [probe.group for probe in load_probes(PROBES, PERSONA)]
    assert groups.count(ProbeGroup.IDENTITY) >= 15
    assert groups.count(ProbeGroup.ABILITY) >= 40


@pytest.mark.parametrize("name", list(ARMS))
def test_every_arm_makes_a_training_configuration_that_can_be_used(name: str) -> None:
    import yaml

    config = yaml.safe_load((ROOT / "trainer" / "configs" / "smollm2-135m-cpu.yaml").read_text(encoding="utf-8"))
    TrainConfig.model_validate(ARMS[name].change(config))


def test_the_table_has_a_line_for_each_arm_with_its_spread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, learned in ((11, 0.8), (12, 1.0)):
        _write(tmp_path, "mend", seed, [learned, learned], kept=[None, 1.0], seconds=[100, 120])
    _write(tmp_path, "no-replay", 11, [0.5, 0.5], kept=[None, 0.25], seconds=[50, 50])
    learning_report.report(tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["mend"]["new"] == {"mean": 0.9, "low": 0.8, "high": 1.0}
    assert summary["mend"]["slower"] == pytest.approx(1.2)
    assert summary["no-replay"]["kept"]["mean"] == 0.25
    assert "90% (80% to 100%)" in (tmp_path / "table.md").read_text(encoding="utf-8")
    assert (tmp_path / "learning.png").stat().st_size > 10_000
    assert "at least new cases 90%" in capsys.readouterr().out


def _write(
    folder: Path, arm: str, seed: int, learned: list[float], kept: list[float | None], seconds: list[int]
) -> None:
    knowledge = {"identity": 1.0, "rigour": 1.0, "ability": 0.95, "drift": 0.1}
    rounds = [
        {
            "learned": new,
            "kept": still,
            "knowledge": knowledge,
            "run": {"status": "live", "rows": 100, "whole": whole},
        }
        for new, still, whole in zip(learned, kept, seconds, strict=True)
    ]
    text = json.dumps({"arm": arm, "seed": seed, "rounds": rounds})
    (folder / f"{arm}-{seed}.json").write_text(text, encoding="utf-8")
