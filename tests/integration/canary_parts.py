"""What the stories of canaries start from: one that is out, and people of either arm who ask."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

from sqlalchemy.orm import Session

from feedback import adapters, answers, experiments, runs
from feedback.answers import Outcome, Question
from feedback.experiments import Rules
from feedback.models import Answer, Experiment
from feedback.states import AdapterStatus, AnswerStatus, Arm, RunStatus
from feedback.votes import Person
from serving.routing import arm_of, route_answer
from settings import ServingSettings
from tests.integration.test_record import finish_run
from tests.integration.test_record_training import ADA, approved
from tests.integration.test_serving_routing import make_adapter

RULES = Rules(share=0.5, margin=2.0, alpha=0.05, days=14)
CANARY = "pip-v2-11111111"
STAMPS = count(1000)


def somebody(arm: Arm, number: int = 0) -> Person:
    """A person of that arm; another for another number."""
    crowd = (Person("T1", f"U{index:03}") for index in count())
    return [one for one, _ in zip(_in_arm(crowd, arm), range(number + 1), strict=False)][number]


def _in_arm(crowd: Iterator[Person], arm: Arm) -> Iterator[Person]:
    return (one for one in crowd if arm_of(CANARY, one, RULES.share) is arm)


def canary_out(session: Session, *more: str) -> Experiment:
    """A first version is live; the second, with a case of its own, or with more, is a canary."""
    finish_run(session, runs.start(session, "pip", "base", 1, by=ADA), 1)
    for question in ("Lunch?", *more):
        approved(session, question)
    run = runs.start(session, "pip", "base", 1, by=ADA)
    for stage in ("paraphrasing", "building", "training", "probing", "deploying"):
        runs.advance(session, run.id, RunStatus(stage))
    live = adapters.live(session, "pip")
    assert live is not None
    candidate = make_adapter(CANARY, 2, AdapterStatus.CANDIDATE)
    candidate.run_id, candidate.parent_id = run.id, live.id
    session.add(candidate)
    session.flush()
    return experiments.start(session, run, candidate, live, RULES, why="the gate said yes")


def ask(session: Session, person: Person, thread: str = "", text: str = "Lunch?") -> Answer:
    """A question in a thread of its own, or in this one."""
    ts = f"{next(STAMPS)}.0"
    question = Question("pip", "T1", "C1", thread or ts, ts, person.user_id, person.team_id, text)
    answer_id = answers.take_question(session, question, lease=timedelta(minutes=1))
    assert answer_id is not None
    return answers.get(session, answer_id)


def answered(session: Session, person: Person, settings: ServingSettings) -> Answer:
    answer = ask(session, person)
    route_answer(session, answer, settings)
    answers.finish(session, answer.id, Outcome(AnswerStatus.ANSWERED, text="At noon."))
    return answer
