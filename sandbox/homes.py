"""The App Home view of each person, as last published. Not imitated: the About tab."""

from dataclasses import asdict

from sandbox.store import Store
from sandbox.updates import Update, Updates
from sandbox.views import View


class Homes:
    def __init__(self, store: Store, updates: Updates) -> None:
        self._store = store
        self._updates = updates
        self._views = {person: View(**record) for person, record in store.all("home").items()}

    def get(self, person: str) -> View | None:
        return self._views.get(person)

    def by_id(self, view_id: str) -> View | None:
        return next((view for view in self._views.values() if view.id == view_id), None)

    def publish(self, view: View) -> None:
        self._views[view.person] = view
        self._store.put("home", view.person, asdict(view))
        self._updates.publish(Update("home", person=view.person))
