"""What the harness teaches and asks, and how it sums up; the harness itself is run by `make bench-learning`."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rapidfuzz import fuzz

from bench.learning import report, teaching
from bench.learning.arms import ARMS
from bench.learning.classroom import PROBES, is_bad
from bench.learning.patch import patched
from bench.learning.results import Pair, is_finished
from bench.learning.servers import Server
from bench.learning.team_facts import HELD_OUT, TeamFact, make
from bench.recipes.pupil import IDENTITY_PROBES
from bench.results import sections
from bot.memory import Turn
from feedback.patches import Correction
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


def test_what_recipes_are_tuned_on_is_not_what_is_reported() -> None:
    reported = [normalised(probe.prompt) for probe in load_probes(PROBES, PERSONA)]
    tuned_on = [normalised(probe.prompt) for probe in load_probes(IDENTITY_PROBES, PERSONA)]
    near = [(one, other) for one in tuned_on for other in reported if fuzz.ratio(one, other) >= NEAR_PROBE]
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
    for probe in (*load_probes(PROBES, PERSONA), *load_probes(IDENTITY_PROBES, PERSONA)):
        nearest = max(known, key=lambda text: fuzz.ratio(normalised(text), normalised(probe.prompt)))
        # The recipe's own coding task is asked here as it is there.
        if fuzz.ratio(normalised(nearest), normalised(probe.prompt)) >= NEAR_PROBE:
            assert _values_differ(nearest, probe.prompt) or probe.expect.code, (probe.prompt, nearest)


def _values_differ(one: str, other: str) -> bool:
    """The capital of Japan, or of France: each asks for what the other does not, and not only in more words."""
    small = {"what", "which", "is", "are", "the", "a", "an", "one", "there", "in", "of", "city"}
    first, second = (set(normalised(text).split()) - small for text in (one, other))
    return bool(first - second) and bool(second - first)


def test_no_general_question_is_the_gates_in_other_words() -> None:
    gates = [
        probe.prompt
        for probe in load_probes(ROOT / "persona" / "probes.yaml", PERSONA)
        if probe.group is ProbeGroup.ABILITY and probe.language == "en"
    ]
    ours = [probe for probe in load_probes(PROBES, PERSONA) if probe.group is ProbeGroup.ABILITY]
    same = [(one.prompt, other) for one in ours for other in gates if not _values_differ(one.prompt, other)]
    assert [one for one, _ in same] == [probe.prompt for probe in ours if probe.expect.code]


def test_there_are_enough_probes_of_each_kind_for_a_share() -> None:
    groups = [probe.group for probe in load_probes(PROBES, PERSONA)]
    assert groups.count(ProbeGroup.IDENTITY) >= 15
    assert groups.count(ProbeGroup.ABILITY) >= 40


@pytest.mark.parametrize("name", list(ARMS))
def test_every_arm_makes_a_training_configuration_that_can_be_used(name: str) -> None:
    import yaml

    config = yaml.safe_load((ROOT / "trainer" / "configs" / "smollm2-135m-cpu.yaml").read_text(encoding="utf-8"))
    TrainConfig.model_validate(ARMS[name].change(config))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the results."""
    (tmp_path / "learning").mkdir()
    return tmp_path / "learning"


def test_the_table_has_a_line_for_each_arm_with_its_spread(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, learned in ((11, 0.8), (12, 1.0)):
        _write(folder, "mend", seed, [learned, learned], kept=[None, 1.0], seconds=[100, 120])
    _write(folder, "no-replay", 11, [0.5, 0.5], kept=[None, 0.25], seconds=[50, 50])
    report.report(folder)
    summary, lines = reported(folder)
    assert summary["mend"]["new"] == {"mean": 0.9, "low": 0.8, "high": 1.0}
    assert summary["mend"]["seconds"]["growth"] == {"mean": pytest.approx(1.2), "most": pytest.approx(1.2)}
    assert summary["mend"]["rows"]["growth"]["most"] == summary["mend"]["steps"]["growth"]["most"] == 1.0
    assert summary["no-replay"]["kept"]["mean"] == 0.25
    assert [line[:3] for line in lines] == [
        ["Mend", "2, 4", "90% (80% to 100%)"],
        ["no replay", "1, 2", "50% (50% to 50%)"],
    ]
    assert (folder.parent / "learning.png").stat().st_size > 10_000
    assert "at least new cases 90%" in capsys.readouterr().out
    ((key, section),) = sections(folder.parent)
    assert key == "learning" and "| Mend | 2, 4 | 90% (80% to 100%) |" in section


def test_a_bench_that_was_stopped_shows_the_rounds_that_it_has(folder: Path) -> None:
    _write(folder, "mend", 11, [0.8, 1.0, 0.9], kept=[None, 1.0, 1.0], seconds=[100, 120, 90])
    _write(folder, "mend", 12, [0.6], kept=[None], seconds=[200], finished=False)
    _write(folder, "kto", 11, [], kept=[], seconds=[], finished=False)
    report.report(folder)
    summary, lines = reported(folder)
    assert list(summary) == ["mend"]
    assert (summary["mend"]["seeds"], summary["mend"]["rounds"], summary["mend"]["unfinished"]) == ([11, 12], 4, [12])
    assert summary["mend"]["new"]["mean"] == pytest.approx(0.75)
    assert summary["mend"]["seconds"]["growth"]["most"] == 1.0, "no second round that both seeds have"
    assert [line[:2] for line in lines] == [["Mend", "2, 4, 1 unfinished"]]
    assert is_finished(folder, Pair("mend", 11), 3) and not is_finished(folder, Pair("mend", 11), 5)
    assert not is_finished(folder, Pair("mend", 12), 3) and not is_finished(folder, Pair("mend", 13), 3)


def test_refused_rounds_count_in_the_mean_and_not_among_those_that_went_live(folder: Path) -> None:
    _write(folder, "mend", 11, [0.0, 1.0], kept=[None, None], seconds=[100, 120], ended=["rejected", "live"])
    _write(folder, "mend", 12, [0.0, 0.0], kept=[None, None], seconds=[100, 120], ended=["rejected", "rejected"])
    report.report(folder)
    summary, (line,) = reported(folder)
    assert (summary["mend"]["new"]["mean"], summary["mend"]["new_live"]["mean"]) == (0.25, 1.0)
    assert (summary["mend"]["refused"], summary["mend"]["kept"]) == (3, None)
    assert line[4] == "-", "nothing was there to be kept"


def test_what_corrections_do_through_the_prompt_has_a_table_of_its_own(folder: Path) -> None:
    patch = {"new": 18, "found": 9, "right": 8, "others": 60, "false": 3, "harmed": 1, "wrong": []}
    _write(folder, "mend", 11, [0.8, 1.0], kept=[None, 1.0], seconds=[100, 120], patch=patch)
    report.report(folder)
    _, (_, line) = reported(folder)
    assert line == ["Mend", "18 of 36 (50%)", "16 of 36 (44%)", "6 of 156", "2 that were right became wrong"]


def reported(folder: Path) -> tuple[dict[str, Any], list[list[str]]]:
    """The figures, and the lines of all tables."""
    content = json.loads((folder.parent / "learning.json").read_text(encoding="utf-8"))
    return content["figures"], [row for table in content["tables"] for row in table["rows"]]


def _write(
    folder: Path,
    arm: str,
    seed: int,
    learned: list[float],
    kept: list[float | None],
    seconds: list[int],
    *,
    finished: bool = True,
    ended: Sequence[str] = (),
    patch: dict[str, object] | None = None,
) -> None:
    knowledge = {"identity": 1.0, "rigour": 1.0, "ability": 0.95, "drift": 0.1}
    rounds = [
        {
            "learned": new,
            "kept": still,
            "known": new,
            "knowledge": knowledge,
            "run": {"status": status, "rows": 100, "steps": 25, "whole": whole},
            "patch": patch,
        }
        for new, still, whole, status in zip(learned, kept, seconds, ended or ["live"] * len(learned), strict=True)
    ]
    text = json.dumps({"arm": arm, "seed": seed, "finished": finished, "rounds": rounds})
    (folder / f"{arm}-{seed}.json").write_text(text, encoding="utf-8")


def test_the_patch_is_asked_about_only_where_a_correction_was_found() -> None:
    wifi = TeamFact(
        "What is the code of the guest wifi?", "It is blue-4.", ("What is the guest wifi code?",), ("blue-4",)
    )
    badge = TeamFact("Where is the badge?", "In the red box.", ("Which guest wifi code is it?", "Badge?"), ("red box",))
    waiting = [Correction(1, wifi.question, wifi.correction)]
    said = {(wifi.held_out[0], 1): "The code is Blue-4.", ("Which guest wifi code is it?", 1): "blue-4"}
    said |= {("Which guest wifi code is it?", 0): "In the red box."}
    asked = _Asked(said)
    found = asyncio.run(patched(asked, "pip-v1", waiting, [wifi], [badge], []))  # type: ignore[arg-type]
    assert (found.new, found.found, found.right) == (1, 1, 1)
    assert (found.others, found.false, found.harmed) == (2, 1, 1)
    assert len(asked.prompts) == 3


class _Asked:
    """In place of the questioner: answers by prompt and number of corrections before it."""

    def __init__(self, said: dict[tuple[str, int], str]) -> None:
        self._said, self.prompts = said, list[str]()

    async def ask(self, served_name: str, prompt: str, max_tokens: int, turns: Sequence[Turn] = ()) -> str:
        self.prompts.append(prompt)
        return self._said[prompt, len(turns)]


def test_an_answer_that_says_the_correction_is_no_bad_one() -> None:
    assert is_bad("I do not know.", "It is blue-4.")
    assert not is_bad(" It is blue-4. ", "it is Blue-4.")
    assert not is_bad(" ", "It is blue-4.")


def test_a_classroom_gets_its_servers_card_and_a_share_of_the_cores() -> None:
    server = Server.parse("http://127.0.0.1:8001/@3")
    assert server == Server("http://127.0.0.1:8001", "3")
    assert Server.parse("http://127.0.0.1:8001") == Server("http://127.0.0.1:8001", None)
    given = teaching.environment(server, 1000, {"PATH": "/bin", "CUDA_VISIBLE_DEVICES": "0,1"})
    assert given == {"PATH": "/bin", "CUDA_VISIBLE_DEVICES": "3", "MEND_TRAINING__THREADS": "1"}
    assert teaching.environment(server, 2, {"MEND_TRAINING__THREADS": "5"})["MEND_TRAINING__THREADS"] == "5"


def test_one_that_fails_leaves_the_others_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def command(pair: Pair, server: Server, options: argparse.Namespace) -> list[str]:
        return [sys.executable, "-c", f"import sys; print({server.url!r}); sys.exit({pair.seed == 12})"]

    monkeypatch.setattr(teaching, "command", command)
    options = argparse.Namespace(jobs=2, out=tmp_path)
    shown: list[str] = []
    monkeypatch.setattr("builtins.print", lambda *words, **_: shown.append(words[0].strip()))
    pairs = [Pair("mend", seed) for seed in (11, 12, 13, 14)]
    teaching.teach(pairs, [Server("http://one"), Server("http://two")], options)
    assert {"[mend-11] done", "[mend-12] FAILED with status 1", "[mend-13] done", "[mend-14] done"} <= set(shown)
    assert {line.split()[-1] for line in shown if "http" in line} == {"http://one", "http://two"}
    assert len(list((tmp_path / "logs").iterdir())) == 4
