"""What an approved correction does at once, through the prompt, before a run has learned it (bot/patching.py).

Asked of the live adapter just before a round's run, with the round's corrections approved: the held-out wordings of the
new facts, where the correction should be found, and all else that the harness asks, where none should be. Only what a
correction was found for is asked, so this costs little.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.learning.measures import Questioner, is_right
from bench.learning.team_facts import TeamFact
from bot import patching
from feedback.patches import Correction
from trainer.probes import Probe


@dataclass(frozen=True)
class Patched:
    """Counts of wordings and probes."""

    new: int  # held-out wordings of the new facts
    found: int  # of these: the right correction was put into the prompt
    right: int  # of these: answered right with it
    others: int  # held-out wordings of earlier facts, and probes
    false: int  # of these, and of the new ones: a correction that is not theirs was put into the prompt
    harmed: int  # of these: right without it, and wrong with it
    wrong: tuple[str, ...]  # in words, for whoever reads the JSON


async def patched(
    asked: Questioner,
    served_name: str,
    waiting: Sequence[Correction],
    new: Sequence[TeamFact],
    earlier: Sequence[TeamFact],
    probes: Sequence[Probe],
) -> Patched:
    """What the waiting corrections do to the answers of an adapter that has not learned them."""
    of_facts = {wording: fact for fact in (*new, *earlier) for wording in fact.held_out}
    own = {wording: fact.correction for fact in new for wording in fact.held_out}
    matched = _matched([*of_facts, *(probe.prompt for probe in probes)], waiting)
    found = [wording for wording, one in matched.items() if own.get(wording) == one.correction]
    false = [wording for wording in matched if wording not in found]
    by_prompt = {probe.prompt: probe for probe in probes}

    async def right(prompt: str, patch: Sequence[Correction]) -> tuple[bool, str]:
        turns = patching.as_turns(patch)
        if prompt in of_facts:
            said = await asked.ask(served_name, prompt, 48, turns)
            return is_right(of_facts[prompt], said), said
        said = await asked.ask(served_name, prompt, by_prompt[prompt].max_tokens, turns)
        return await asked.passes(by_prompt[prompt], said), said

    with_it = await asyncio.gather(*(right(prompt, [matched[prompt]]) for prompt in (*found, *false)))
    without = await asyncio.gather(*(right(prompt, []) for prompt in false))
    after = dict(zip((*found, *false), with_it, strict=True))
    harmed = [prompt for prompt, (was, _) in zip(false, without, strict=True) if was and not after[prompt][0]]
    wrong = [prompt for prompt in found if not after[prompt][0]]
    return Patched(
        new=len(own),
        found=len(found),
        right=len(found) - len(wrong),
        others=len(of_facts) - len(own) + len(probes),
        false=len(false),
        harmed=len(harmed),
        wrong=(
            *(f"{prompt}: {after[prompt][1]}" for prompt in wrong),
            *(f"{prompt} (with: {matched[prompt].correction})" for prompt in false),
        ),
    )


def _matched(prompts: Sequence[str], waiting: Sequence[Correction]) -> Mapping[str, Correction]:
    found = {prompt: patching.fitting(prompt, waiting) for prompt in prompts}
    return {prompt: patch[0] for prompt, patch in found.items() if patch}
