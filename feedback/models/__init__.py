"""Every table of the record. Times are UTC; durations are in milliseconds; Slack ids are kept as Slack writes them."""

from feedback.models.adapters import Adapter, Assignment, Experiment, Report
from feedback.models.answers import Answer, AnswerCount, AnswerMessage, Vote, Withdrawal
from feedback.models.base import Base, Json
from feedback.models.cases import Case, Lesson, Patch, Variant
from feedback.models.events import Event
from feedback.models.runs import Dataset, DatasetRow, OwnAnswer, Pause, Run, RunCase
from feedback.models.slack import Delivery, FollowUp, Picture

__all__ = [
    "Adapter",
    "Answer",
    "AnswerCount",
    "AnswerMessage",
    "Assignment",
    "Base",
    "Case",
    "Dataset",
    "DatasetRow",
    "Delivery",
    "Event",
    "Experiment",
    "FollowUp",
    "Json",
    "Lesson",
    "OwnAnswer",
    "Patch",
    "Pause",
    "Picture",
    "Report",
    "Run",
    "RunCase",
    "Variant",
    "Vote",
    "Withdrawal",
]
