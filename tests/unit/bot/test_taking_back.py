"""What an admin reads before a case is taken back."""

from bot.taking_back import window
from feedback.lineage import Origin
from feedback.models import Adapter, Case
from feedback.states import CaseStatus
from feedback.taking_back import Consequences


def told(again: int) -> str:
    case = Case(id=7, question="Guest wifi?", correction="HarborGuest.", status=CaseStatus.MENDED)
    learned = tuple(Case(id=number) for number in range(8, 8 + again))
    origin = Origin(Adapter(name="pip-v3-a"), Adapter(name="pip-v1-a"), learned, (7,))
    return str(window(Consequences((case,), (), (7,), origin, None, (), None), 7, "/mend"))


def test_how_much_of_what_was_learned_since_is_forgotten_for_a_while_is_told() -> None:
    assert "Nothing was learned since." in told(0)
    assert "What was learned since is taught again (50 cases)." in told(50)
    assert "Of the 300 cases learned since it teaches 50 again and forgets the others, until the next" in told(300)
