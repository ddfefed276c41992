"""The base model's own answers, which Mend makes once for each base model: made once for all classrooms, too.

Each classroom has a record of its own, and the same base model. To make them in each one's first round would take more
time there than all else, and make every later round look short.
"""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

from feedback import own_answers as record
from feedback.database import Database
from feedback.own_answers import Own
from feedback.persona import load_persona
from local import embedded
from local.embedded import Chosen
from local.stack import Plan, running
from serving.base import BaseModel
from serving.chat import ChatClient
from serving.routing import base_name
from settings import Settings
from trainer.config import load_train_config
from trainer.own_answers import Asking, in_turn

AT_ONCE = 16
PATIENCE = 60.0  # seconds for a server that is away


def make(settings: Settings, home: Path, path: Path) -> None:
    """Ask all prompts, and write the answers to a file, unless it has them already. ``settings`` reach the server."""
    chosen = Chosen(valkey=False, vllm=False, small_model=False, sandbox=False, worker=False, bot=False)
    settings = embedded.with_addresses(settings, home, chosen, page_port=0, vllm_port=0)
    base = BaseModel.read(settings.serving.base_model)
    if path.exists() and json.loads(path.read_text(encoding="utf-8"))["base"] == base.fingerprint:
        return
    print("Making the base model's own answers: seconds on a GPU, some minutes on a CPU.", flush=True)
    with running(Plan(settings, chosen), lambda line: None):
        database = Database(settings.database.url)
        asyncio.run(_ask(settings, database, base))
        with database.begin() as session:
            known = {asked: asdict(own) for asked, own in record.of_base(session, base.fingerprint).items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".tmp")
    half.write_text(json.dumps({"base": base.fingerprint, "answers": known}, indent=1), encoding="utf-8")
    half.replace(path)


def put_in(database: Database, path: Path) -> None:
    """Put the answers of a file into a record."""
    found = json.loads(path.read_text(encoding="utf-8"))
    with database.begin() as session:
        for asked, own in found["answers"].items():
            record.add(session, found["base"], asked, Own(**own))


async def _ask(settings: Settings, database: Database, base: BaseModel) -> None:
    persona = load_persona(settings.persona_dir / "persona.yaml")
    languages = load_train_config(settings.training.config).taught_languages(persona.languages)
    turns = asyncio.Semaphore(AT_ONCE)
    async with ChatClient(settings.serving) as chat:
        prompts = tuple(in_turn(settings.persona_dir, languages))
        name = base_name(settings.serving)
        asking = Asking(database, chat, name, base.fingerprint, persona.system_prompt, prompts)

        async def one(prompt: str) -> None:
            async with turns:
                await asking.make(prompt, PATIENCE)

        await asyncio.gather(*map(one, asking.left()))
