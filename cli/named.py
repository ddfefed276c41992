"""An adapter by the name that somebody typed."""

import difflib

from sqlalchemy.orm import Session

from cli.user_error import UserError
from feedback import adapters
from feedback.models import Adapter
from feedback.persona import Persona


def named(session: Session, persona: Persona, name: str) -> Adapter:
    """The persona's adapter of this name.

    Raises:
        UserError: there is none; the message names the nearest one.
    """
    found = adapters.by_name(session, name)
    if found is not None and found.persona == persona.slug:
        return found
    near = difflib.get_close_matches(
        name, [one.name for one in adapters.listed(session, persona.slug)], n=1, cutoff=0.3
    )
    meant = f" Did you mean {near[0]}?" if near else ""
    raise UserError(f"{persona.name} has no adapter of that name.{meant} See: mend adapters list")
