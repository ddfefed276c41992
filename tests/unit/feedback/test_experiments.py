"""Which adapters some people try first."""

import pytest

from feedback.experiments import Rules, tried_first
from feedback.models import Adapter

LIVE, OLDER = Adapter(id=2), Adapter(id=1)


@pytest.mark.parametrize(
    ("share", "parent", "live", "expected"),
    [
        (0.5, LIVE, LIVE, True),
        (0.0, LIVE, LIVE, False),  # it is switched off
        (0.5, None, None, False),  # the first of all
        (0.5, OLDER, LIVE, False),  # made without what was taken back since
        (0.5, None, LIVE, False),  # the same, when every version had it
    ],
)
def test_only_what_goes_on_from_the_live_adapter_is_tried_first(
    share: float, parent: Adapter | None, live: Adapter | None, expected: bool
) -> None:
    assert tried_first(Rules(share, 2.0, 0.05, 14), parent, live) is expected
