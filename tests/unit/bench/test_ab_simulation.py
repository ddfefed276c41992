"""The simulation of canaries, on a few experiments: it uses the product's decision, and can be repeated."""

from bench.ab_simulation import Scenario, highest, simulate
from feedback.experiments import Rules
from trainer.evidence import Finding

RULES = Rules(share=0.5, margin=2.0, alpha=0.05, days=14)


def test_the_same_number_is_the_same_experiment() -> None:
    bad = Scenario("bad", 3.0)
    assert simulate(7, bad, 20, RULES) == simulate(7, bad, 20, RULES) != simulate(8, bad, 20, RULES)


def test_one_angry_person_misleads_a_test_of_answers_and_not_the_decision() -> None:
    courses = [simulate(number, Scenario("alike", 1.0, angry=True), 20, RULES) for number in range(30)]
    assert sum(one.naive for one in courses) > 20
    assert sum(one.finding is Finding.HARMFUL for one in courses) <= 4


def test_chance_explains_little_more_than_the_rate_itself() -> None:
    assert 0.05 < highest(0.05, 2000) < 0.066 < highest(0.05, 100)
