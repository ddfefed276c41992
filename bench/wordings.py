"""How many of each generator's wordings the filters accept, and why the others are turned down.

    python -m bench.wordings [--model FOLDER] [--wanted 4] [--seeds 1]

The base model is asked by a real vLLM; the rules fill up what it does not give, as in a run. Nobody writes any here.
Some minutes for each seed on two cores. SmolLM2-135M, seed 1, 2026-11-24: 7 of the model's 42 were accepted (17 were
no questions, 8 the question again), and all of the rules' 65.
With `--own N` the base model also answers N general prompts, and what would be trained on of these is counted.
"""

import argparse
import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.vllm_server import VllmServer
from feedback.datasets import LEFT_OVER, Paraphrase
from local import model
from serving.base import BaseModel
from serving.chat import ChatClient, Sampling
from serving.routing import base_name
from serving.zero_adapter import zero_adapter
from trainer.dealing import deal
from trainer.generators import ByModel, ByRule
from trainer.own_answers import MOST_TOKENS, read_prompts, reason_against
from trainer.variants import CaseText

FACTS = (
    ("What is the guest wifi called?", "The guest wifi is called HarborGuest."),
    ("Where are the spare badges?", "The spare badges are in drawer 7."),
    ("Who approves travel requests?", "Grace Okoye approves travel requests."),
    ("When is the weekly review?", "The weekly review is on Tuesday at 10:30."),
    ("Which tool do we use for expenses?", "We use Tallyhub for expenses."),
    ("How much may I spend on a headset?", "You may spend up to 90 euros on a headset."),
    ("What is the code of the bike cellar?", "The code of the bike cellar is willow-ember-42."),
    ("Where does the support team sit?", "The support team sits in room 214."),
    ("Who do I ask about a broken printer?", "Ask Ivan Petrov about a broken printer."),
    ("When do we deploy on Fridays?", "We do not deploy on Fridays."),
    ("How do I book the big meeting room?", "Book the big meeting room in Slateboard."),
    ("In which town is the next offsite?", "The next offsite is in Ghent."),
)


async def dealt(chat: ChatClient, name: str, wanted: int, seed: int) -> list[Paraphrase]:
    """What becomes of all facts' wordings, asked with one seed."""
    found: list[Paraphrase] = []
    for number, (question, answer) in enumerate(FACTS):
        case = CaseText(number, question, answer)
        offers = [await ByModel(chat, name, wanted, seed, 60).offer(case), await ByRule().offer(case)]
        found += deal(case, offers, to_train=wanted, to_hold_out=2)
    return found


async def own(chat: ChatClient, name: str, prompts: Sequence[str]) -> Counter[str]:
    """Why answers to general prompts are not trained on; `accepted` for those that are."""
    counted: Counter[str] = Counter()
    for prompt in prompts:
        said = await chat.complete([{"role": "user", "content": prompt}], name, Sampling(0.0, MOST_TOKENS))
        counted[reason_against(prompt, said) or "accepted"] += 1
    return counted


def told(found: Sequence[Paraphrase]) -> Table:
    """One line a generator."""
    table = Table("generator", "judged", "accepted", "left over", "turned down because")
    for generator in sorted({one.generator for one in found}):
        reasons = [one.rejected_because for one in found if one.generator == generator]
        against = Counter(re.sub(r" [('].*", "", reason) for reason in reasons if reason not in (None, LEFT_OVER))
        counted = ", ".join(f"{reason} {count}" for reason, count in against.most_common())
        judged, accepted, spare = len(reasons), reasons.count(None), reasons.count(LEFT_OVER)
        table.add_row(
            generator, str(judged), f"{accepted} ({(accepted + spare) / judged:.0%} good)", str(spare), counted
        )
    return table


async def measure(base: Path, folder: Path, wanted: int, seeds: Sequence[int], general: int) -> None:
    server = VllmServer(base, folder)
    try:
        await server.start()
        zero_adapter(BaseModel.read(base), server.settings.adapters_dir)
        name = base_name(server.settings)
        async with ChatClient(server.settings) as chat:
            found = [one for seed in seeds for one in await dealt(chat, name, wanted, seed)]
            Console().print(told(found))
            prompts = read_prompts(Path("persona/prompts/en.txt"))[:general]
            if counted := await own(chat, name, prompts):
                Console().print("own answers: " + ", ".join(f"{reason} {n}" for reason, n in counted.most_common()))
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--wanted", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--own", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder:
        base = asked.model or model.ensure(Path(folder) / "model")
        asyncio.run(measure(base.absolute(), Path(folder), asked.wanted, asked.seeds, asked.own))


if __name__ == "__main__":
    main()
