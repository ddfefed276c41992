"""Every Web API method that is spoken here. Any other one is answered with `unknown_method`."""

from sandbox.api import assistant, auth, chat, conversations, files, people, reactions, streams, views
from sandbox.api.method import Method

METHODS: dict[str, Method] = {
    **auth.METHODS,
    **chat.METHODS,
    **streams.METHODS,
    **assistant.METHODS,
    **views.METHODS,
    **conversations.METHODS,
    **people.METHODS,
    **reactions.METHODS,
    **files.METHODS,
}
