"""Rows of the record with only what matters, not stored anywhere."""

from datetime import UTC, datetime
from typing import Any

from bot.run_news import RunNews
from feedback.models import Adapter, Case
from feedback.runs import Progress
from feedback.states import AdapterStatus, CaseStatus, RunStatus


def make_adapter(name: str = "pip-v1-00000001", **more: Any) -> Adapter:
    values = {"id": 1, "name": name, "status": AdapterStatus.LIVE, "live_at": datetime(2026, 11, 1, tzinfo=UTC)}
    return Adapter(**(values | more))


def make_case(**more: Any) -> Case:
    values = {
        "id": 7,
        "persona": "pip",
        "status": CaseStatus.CORRECTED,
        "question": "Who are you?",
        "bad_answer": "I am SmolLM.",
        "correction": "I am Pip.",
        "reason": "identity",
        "flagged_by": "T1/UMIA",
        "corrected_by": "T1/UMIA",
    }
    return Case(**(values | more))


def make_news(**more: Any) -> RunNews:
    values: dict[str, Any] = {
        "id": 3,
        "status": RunStatus.TRAINING,
        "requested_by": "T1/UADA",
        "wanted_by": "T1/UADA",
        "why": "retrain",
        "cancelled_by": None,
        "cases": 2,
        "progress": Progress("training"),
        "adapter": None,
        "parent": None,
        "decision": None,
        "error": None,
        "scores": (),
        "changed": (),
    }
    return RunNews(**(values | more))
