"""views.*. Not imitated: views opened from workflow functions."""

from dataclasses import replace

from sandbox.api.method import Method
from sandbox.arguments import Arguments
from sandbox.errors import ApiError
from sandbox.identifiers import fresh_secret
from sandbox.payload import Payload
from sandbox.views import View, checked_body, new_view, view_payload
from sandbox.world import World


async def open_view(world: World, args: Arguments) -> Payload:
    body = args.object("view")
    trigger = world.triggers.redeem(args.text("trigger_id", "invalid_trigger_id"))
    view = new_view(trigger.person, body, "modal", world.files.ready_ids())
    world.modals.open(view)
    return _answer(world, view)


async def push_view(world: World, args: Arguments) -> Payload:
    body = args.object("view")
    trigger = world.triggers.redeem(args.text("trigger_id", "invalid_trigger_id"))
    under = world.modals.get(trigger.view_id) if trigger.view_id else None
    if under is None:
        raise ApiError("no_modal_open")
    view = new_view(trigger.person, body, "modal", world.files.ready_ids(), under=under)
    world.modals.push(view)
    return _answer(world, view)


async def update_view(world: World, args: Arguments) -> Payload:
    body = args.object("view")
    view = _named_view(world, args)
    _same_hash(args, view)
    surface = str(view.body["type"])
    checked = checked_body(body, surface, world.files.ready_ids())
    if surface == "modal":
        return _answer(world, world.modals.update(view, checked))
    changed = replace(view, body=checked, hash=fresh_secret())
    world.homes.publish(changed)
    return _answer(world, changed)


async def publish_view(world: World, args: Arguments) -> Payload:
    body = args.object("view")
    person = args.text("user_id", "user_not_found")
    if person not in world.directory.people:
        raise ApiError("user_not_found")
    if not world.manifest.home_tab:
        raise ApiError("not_enabled")
    old = world.homes.get(person)
    if old is not None:
        _same_hash(args, old)
    view = new_view(person, body, "home", world.files.ready_ids())
    if old is not None:
        view = replace(view, id=old.id, root_id=old.root_id)
    world.homes.publish(view)
    return _answer(world, view)


def _named_view(world: World, args: Arguments) -> View:
    external_id = args.optional_text("external_id")
    view_id = args.optional_text("view_id") or ""
    if external_id:
        view = world.modals.by_external_id(external_id)
    else:
        view = world.modals.get(view_id) or world.homes.by_id(view_id)
    if view is None:
        raise ApiError("not_found")
    return view


def _same_hash(args: Arguments, view: View) -> None:
    given = args.optional_text("hash")
    if given and given != view.hash:
        raise ApiError("hash_conflict")


def _answer(world: World, view: View) -> Payload:
    return {"view": view_payload(view, world.directory.team)}


METHODS = {
    "views.open": Method(open_view),
    "views.push": Method(push_view),
    "views.update": Method(update_view),
    "views.publish": Method(publish_view),
}
