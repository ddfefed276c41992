"""The bot's parts, wired once in ``app`` and handed to every listener."""

from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot import contradictions
from bot.announcing import Announcing
from bot.answering import Answering
from bot.asking_again import AskingAgain
from bot.automatic_runs import AutomaticRuns
from bot.correcting import Correcting
from bot.experimenting import Experimenting
from bot.following import Following
from bot.gallery import Gallery
from bot.homes import Homes
from bot.illustrating import Illustrating
from bot.intake import QUESTION, Intake
from bot.limits import Budget
from bot.napping import Napping
from bot.people import Me
from bot.permissions import Permissions
from bot.private import Ear, whisper
from bot.progress_messages import ProgressMessages
from bot.replies import Reply
from bot.reporting import Reporting
from bot.retraining import Retraining
from bot.reviewing import Reviewing
from bot.rhythm import Rhythm
from bot.rolling_back import RollingBack
from bot.taking_back import TakingBack
from bot.traffic import Traffic
from bot.unsaved import Unsaved, save_all
from bot.voting import VOTE, Voting
from feedback import adapters, answers
from feedback.database import AsyncDatabase
from feedback.persona import Persona
from serving.adapters import Replicas, reconcile
from serving.chat import ChatClient
from serving.seals import of_record
from settings import Settings


@dataclass(frozen=True)
class Parts:
    """Everything a listener may need."""

    settings: Settings
    me: Me
    persona: Persona
    client: AsyncWebClient
    database: AsyncDatabase
    chat: ChatClient
    replicas: Replicas
    permissions: Permissions
    intake: Intake
    napping: Napping
    voting: Voting
    correcting: Correcting
    reviewing: Reviewing
    retraining: Retraining
    taking_back: TakingBack
    rolling_back: RollingBack
    experimenting: Experimenting
    automatic_runs: AutomaticRuns
    reporting: Reporting
    asking_again: AskingAgain
    following: Following
    announcing: Announcing
    progress: ProgressMessages
    illustrating: Illustrating
    homes: Homes
    unsaved: Unsaved

    async def tell(self, user: str, reply: Reply) -> None:
        """Answer somebody who is in no channel, such as in the App Home: in their direct messages."""
        if reply.text:
            await whisper(self.client, Ear(user, user), reply.text, reply.blocks)

    async def save_kept(self) -> None:
        """Write what was kept while PostgreSQL was away."""
        await save_all(self.unsaved, {QUESTION: self.intake.resave, VOTE: self.voting.resave})

    async def reconcile(self) -> None:
        """Make every replica serve what the record says; a restarted vLLM has forgotten all adapters."""
        if await self.napping.look():
            return
        wanted = await self.database.run(adapters.wanted, self.persona.slug)
        await reconcile(self.replicas, [adapter.name for adapter in wanted], self._in_use)

    async def _in_use(self, name: str) -> bool:
        """Whether an adapter has to stay: somebody's answers use it, or it is not this persona's to unload.

        Replicas are shared with personas of other records, whose adapters nobody here knows.
        """
        adapter = await self.database.run(adapters.by_name, name)
        if adapter is None or adapter.persona != self.persona.slug or not name.startswith(f"{self.persona.slug}-v"):
            return True
        if await self.database.run(adapters.kept, adapter):
            return True  # also a candidate that was recorded after what is wanted was read
        return await self.database.run(answers.using_adapter, adapter.id) > 0

    async def close(self) -> None:
        """Close every connection."""
        await self.homes.close()
        await self.chat.close()
        await self.replicas.close()
        await self.database.close()


def wire(settings: Settings, me: Me, persona: Persona, client: AsyncWebClient, rhythm: Rhythm) -> Parts:
    """Make the parts."""
    slack, slug = settings.slack, persona.slug
    database = AsyncDatabase(settings.database.url)
    seals = of_record(database)
    chat, replicas = ChatClient(settings.serving, seals), Replicas(settings.serving, seals)
    permissions = Permissions(client, me, slack)
    unsaved = Unsaved(settings.home / "unsaved")
    traffic = Traffic(streams=Budget(slack.streams_per_minute))
    napping = Napping(database, client, replicas, settings.serving, slug, rhythm.unattended)
    answering = Answering(database, chat, client, persona, settings, traffic, rhythm, napping)
    intake = Intake(database, answering, settings, slug, unsaved, rhythm, napping)
    progress = ProgressMessages(database, client, slug, slack.record_channel)
    retraining = Retraining(database, permissions, progress, settings, persona)
    automatic = AutomaticRuns(database, retraining, settings, slug, rhythm.clock)
    known = contradictions.read(persona, settings.persona_dir)
    gallery = Gallery(database, client, settings.home)
    return Parts(
        settings=settings,
        me=me,
        persona=persona,
        client=client,
        database=database,
        chat=chat,
        replicas=replicas,
        permissions=permissions,
        intake=intake,
        napping=napping,
        voting=Voting(database, client, permissions, me, unsaved),
        correcting=Correcting(database, client, permissions, me, slack.corrections_per_day),
        reviewing=Reviewing(database, permissions, slug, known, two=slack.second_approver, at_once=slack.instant_patch),
        retraining=retraining,
        taking_back=TakingBack(database, permissions, retraining, settings, slug),
        rolling_back=RollingBack(database, permissions, replicas, client, slack.record_channel, slug),
        experimenting=Experimenting(database, permissions, replicas, client, slack, slug),
        automatic_runs=automatic,
        reporting=Reporting(database, permissions, automatic.rules, slug),
        asking_again=AskingAgain(database, client, intake, me),
        following=Following(database, permissions, me.team_id, slack.command),
        announcing=Announcing(database, client, progress, slug),
        progress=progress,
        illustrating=Illustrating(database, gallery, progress, slug),
        homes=Homes(database, client, permissions, gallery, persona, automatic.rules),
        unsaved=unsaved,
    )
