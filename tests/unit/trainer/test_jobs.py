"""What a person is told when a run fails."""

import errno

import pytest

from serving.errors import AdapterLoadError, ServingUnavailable
from trainer.jobs import reason
from trainer.rows import RowError
from trainer.swift import TrainingFailed


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TrainingFailed("The disk is full.", status=1, tail="OSError: 28"), "The disk is full.\n\nOSError: 28"),
        (TrainingFailed("Nothing was trained."), "Nothing was trained."),
        (RowError("en.jsonl:3: output: is empty"), "en.jsonl:3: output: is empty"),
        (AdapterLoadError("rank 32 is too large"), "rank 32 is too large"),
        (ServingUnavailable("No model server answers at http://x"), "No model server answers at http://x"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/runs/x"),
            "The disk is full: free some space in the folders of runs and adapters, and retrain.",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "/runs"), "Permission denied: /runs"),
        (OSError("odd"), "odd"),
        (KeyError("x"), "Unexpected error, see the worker's log: KeyError: 'x'"),
    ],
)
def test_an_error_in_words_for_people(error: Exception, told: str) -> None:
    assert reason(error) == told
