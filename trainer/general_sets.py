"""General data sets that are mixed in beside a run's own rows, named as ms-swift names them.

    path/to/file.jsonl#200                   a file; relative to where the worker runs
    AI-ModelScope/alpaca-gpt4-data-zh#500    from ModelScope, or with hf:: in front from Hugging Face

`#500` is how many rows are drawn by the run's seed; of a smaller set some come twice. It has to be there: a run's
steps are counted before anything is fetched. A file's hash is kept with the dataset; what stands behind a name of a
hub is whatever the hub gives on that day.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from feedback.models import Json

_FILES = (".jsonl", ".json", ".csv")
_HUB = re.compile(r"(?:(?:hf|ms)::)?[\w.-]+/[\w.-]+(?::[\w./-]+)?")


class GeneralSetError(ValueError):
    """A general data set cannot be used; the message names it, and says what to do."""


@dataclass(frozen=True)
class GeneralSet:
    """One set, and how many of its rows are mixed in."""

    name: str
    rows: int

    @classmethod
    def parse(cls, written: str) -> "GeneralSet":
        """The set that `written` names.

        Raises:
            GeneralSetError: it names none.
        """
        name, mark, count = written.strip().rpartition("#")
        if not mark or re.fullmatch(r"[1-9]\d{0,6}", count) is None:
            raise GeneralSetError(f"{written!r} does not say how many rows; write it as {name or written}#500")
        found = cls(name, int(count))
        if not found.is_file and _HUB.fullmatch(name) is None:
            raise GeneralSetError(
                f"{name!r} is neither a file ({', '.join(_FILES)}) nor the name of a data set on a hub (owner/name)"
            )
        return found

    @property
    def is_file(self) -> bool:
        """Whether it is on this machine, and no network is needed for it."""
        return Path(self.name).suffix in _FILES

    @property
    def argument(self) -> str:
        """As ms-swift takes it."""
        name = str(Path(self.name).expanduser().absolute()) if self.is_file else self.name
        return f"{name}#{self.rows}"

    def recorded(self) -> Json:
        """What the manifest says of it.

        Raises:
            GeneralSetError: the file cannot be read, or is empty.
        """
        return {"name": self.name, "rows": self.rows} | ({"sha256": self._sha256()} if self.is_file else {})

    def _sha256(self) -> str:
        path = Path(self.name).expanduser().absolute()
        try:
            data = path.read_bytes()
        except OSError as error:
            raise GeneralSetError(
                f"the general data set {path} cannot be read ({error.strerror or error}); "
                "mend general_sets in the training configuration"
            ) from error
        if not data.strip():
            raise GeneralSetError(
                f"the general data set {path} has no rows; write some, or take it out of general_sets"
            )
        return hashlib.sha256(data).hexdigest()


def of_manifest(recorded: Sequence[Mapping[str, object]]) -> tuple[GeneralSet, ...]:
    """The sets of a frozen dataset, as they were.

    Raises:
        GeneralSetError: a file was changed since, or is gone.
    """
    sets = tuple(GeneralSet(str(one["name"]), int(str(one["rows"]))) for one in recorded)
    for found, frozen in zip(sets, recorded, strict=True):
        if found.recorded() != frozen:
            raise GeneralSetError(
                f"the general data set {found.name} was changed after the dataset was frozen; start a new run"
            )
    return sets
