"""Taking back what was taught: one case, or all that somebody has taught. Admins are told what follows beforehand."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from bot import modals
from bot.blocks import Block, section
from bot.case_blocks import TAKE_CASE_BACK_WINDOW
from bot.permissions import Permissions
from bot.replies import NOTHING, Reply
from bot.retraining import MAY_NOT_POST, NO_QUEUE, Retraining, as_reply
from bot.text import escape, how_many, quote
from feedback import answers, contributions, runs, taking_back
from feedback.database import AsyncDatabase
from feedback.models import Run
from feedback.runs import RunRefused
from feedback.taking_back import Consequences
from settings import Settings

log = logging.getLogger(__name__)

MAY, UNDO = "take a case back", "undo what somebody taught me"
_NAMED = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")


@dataclass(frozen=True)
class Done:
    """What was taken back, and the run without it; or why none has started."""

    follows: Consequences
    run: Run | None = None
    refused: str = ""


@dataclass(frozen=True)
class Asked:
    """Which cases somebody has confirmed to take back. ``delivery`` tells a submission that is sent again."""

    case_ids: Sequence[int]
    by: str
    delivery: str
    channel: str
    """Where the run's progress message is wanted."""


def carry_out(session: Session, persona: str, base_model: str, seed: int, asked: Asked) -> Done | None:
    """Withdraw the cases, and start the run without them where one is needed; None when this was done before."""
    if not answers.take_delivery(session, asked.delivery):
        return None
    follows = taking_back.take_back(session, persona, asked.case_ids, by=asked.by, why="taken back")
    if not follows.learned:
        return Done(follows)
    try:
        run = runs.start(session, persona, base_model, seed, by=asked.by, why="cases taken back", channel=asked.channel)
        return Done(follows, run)
    except RunRefused as refused:
        return Done(follows, refused=str(refused))


class TakingBack:
    """Opens the window, and carries out what is confirmed in it. Replies are escaped mrkdwn for the admin."""

    def __init__(
        self,
        database: AsyncDatabase,
        permissions: Permissions,
        retraining: Retraining,
        settings: Settings,
        persona: str,
    ) -> None:
        self._database, self._permissions, self._retraining = database, permissions, retraining
        self._settings, self._persona = settings, persona

    async def window(self, user: str, case_id: int) -> modals.View:
        """What would follow from taking a case back, to be confirmed.

        Raises:
            Denied: the user is no admin.
        """
        await self._permissions.admin(user, MAY)
        follows = await self._database.run(taking_back.consequences, self._persona, [case_id])
        return window(follows, case_id, self._settings.slack.command)

    async def confirm(self, user: str, case_id: int, delivery: str) -> Reply:
        """Take a case back, and start the run without it; again changes nothing.

        Raises:
            Denied: the user is no admin any more.
        """
        by = str(await self._permissions.admin(user, MAY))
        asked = Asked([case_id], by, delivery, self._settings.slack.record_channel or user)
        base, seed = str(self._settings.serving.base_model), self._settings.training.seed
        done = await self._database.run(carry_out, self._persona, base, seed, asked)
        if done is None:
            return NOTHING
        ids = [case.id for case in done.follows.cases]
        log.info("taken back", extra={"action": "cases_taken_back", "cases": ids, "person": asked.by})
        said = taken_back(done, self._settings.slack.command)
        if done.run:
            said += "" if await self._retraining.enqueue(done.run.id) else NO_QUEUE
            said += (
                "" if await self._retraining.posted(done.run.id) else MAY_NOT_POST.format(self._settings.slack.command)
            )
        return Reply(said)

    async def undo(self, user: str, text: str, delivery: str) -> Reply:
        """Withdraw everything that somebody has taught, and offer the run without it.

        Raises:
            Denied: the user is no admin.
        """
        by = str(await self._permissions.admin(user, UNDO))
        named = _NAMED.search(text)
        if not named:
            return Reply("Whose corrections? Write `undo @somebody`.")
        person = (await self._permissions.standing(named.group(1))).person
        done = await self._database.run(answers.once, delivery, contributions.undo, self._persona, person, by=by)
        if done is None:
            return NOTHING
        ids, follows = [case.id for case in done.cases], done.follows
        log.info("undone", extra={"action": "contributions_undone", "person": str(person), "cases": len(ids)})
        said = [f"{how_many(len(ids), 'case')} of <@{person.user_id}> taken back.", *_stays(follows)]
        said += _ends(follows)
        if not follows.learned:
            return Reply(" ".join(said))
        said += [_until(follows, self._settings.slack.command), *_stops(follows)]
        return as_reply(await self._retraining.preview(user), " ".join(said))


def window(follows: Consequences, case_id: int, command: str) -> modals.View:
    """What taking one case back means, with the button that does it. Pure."""
    if not follows.cases:
        return modals.notice("Take back", _cannot(follows, case_id))
    (case,) = follows.cases
    shown: list[Block] = [section(f"*Case {case.id}*\n{quote(case.question)}")]
    if case.correction:
        shown.append(section(f"*What I should have said*\n{quote(case.correction)}"))
    told, submit = (
        "No version of mine has learned it, so nothing has to be trained. It can't be brought back.",
        "Take back",
    )
    if follows.canary:
        told = "It can't be brought back."
    if follows.learned:
        told, submit = " ".join([_training(follows), _until(follows, command), *_stops(follows)]), "Take back and train"
    told = " ".join([*_ends(follows), told])
    return modals.modal("Take back", TAKE_CASE_BACK_WINDOW, [*shown, section(told)], {"case": case.id}, submit)


def taken_back(done: Done, command: str) -> str:
    """What was done, in escaped mrkdwn. Pure."""
    follows = done.follows
    if not follows.cases:
        return " ".join(_stays(follows)) or "That case was taken back before."
    (case,) = follows.cases
    said = [f"Case {case.id} is taken back.", *_ends(follows)]
    if done.run:
        said.append(f"Run {done.run.id}, without it, is on its way.")
    elif follows.learned:
        said += [*_stops(follows), f"{escape(done.refused)} Then `{command} retrain` trains without it."]
    if follows.learned:
        said.append(_until(follows, command))
    return " ".join(said)


def _training(follows: Consequences) -> str:
    parent = follows.origin.parent
    start = f"from `{escape(parent.name)}`, the last version without it" if parent else "from the base model"
    reason = "" if parent else ", since every version has it"
    again = len(follows.origin.again)
    taught = (
        f" What was learned since is taught again ({how_many(again, 'case')})."
        if again
        else " Nothing was learned since."
    )
    if again > runs.MOST_CASES:
        taught = (
            f" Of the {again} cases learned since it teaches {runs.MOST_CASES} again and forgets the others, until the"
            " next trainings."
        )
    return f"A training without it starts at once, {start}{reason}.{taught}"


def _until(follows: Consequences, command: str) -> str:
    """Who answers until then, and what can be done at once."""
    live, back = follows.origin.live, follows.after_rollback
    if live is None:
        return ""
    before = f"`{escape(back.name)}`" if back else "the base model"
    knows = "still knows it" if follows.still else "does not know it"
    return (
        f"Until it is live, `{escape(live.name)}` answers and still knows it;"
        f" `{command} rollback` brings {before} back at once, which {knows}."
    )


def _ends(follows: Consequences) -> list[str]:
    """What happens to a canary that has learned it."""
    out = follows.canary
    if out is None:
        return []
    canary, live = escape(out.adapter.name), escape(out.live.name)
    return [
        f"The canary `{canary}`, which has learned it, is taken back with it, and `{live}` answers everybody;"
        " what else it has learned stays approved."
    ]


def _stops(follows: Consequences) -> list[str]:
    run = follows.overtaken
    return [f"Run {run.id}, which has it too, stops; the training can start when it has ended."] if run else []


def _stays(follows: Consequences) -> list[str]:
    learning = [case for case in follows.stay if case.status == "training"]
    if not learning:
        return []
    learned = how_many(len(learning), "case")
    return [f"Being trained on right now, so it stays: {learned}. Try again when that run is over, or cancel it first."]


def _cannot(follows: Consequences, case_id: int) -> str:
    return " ".join(_stays(follows)) or f"Case {case_id} was taken back or turned down before."
