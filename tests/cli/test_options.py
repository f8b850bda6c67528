"""What options' texts mean."""

import pytest

from vaehub import VaehubError
from vaehub.cli.options import parse_duration


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1.5h", 5400), ("0.5s", 0.5)])
def test_a_time_is_understood(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "five", "-5m", "0", "nan", "inf", "5d"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(VaehubError, match="should be a time, such as 90s, 5m or 1.5h"):
        parse_duration(text)
