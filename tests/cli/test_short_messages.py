"""Messages quote at most 80 letters of what was typed."""

import pytest

from vaehub.cli.main import shortened

LONG = "x" * 3000
NO_UNICODE = "ab \udcff" * 200


@pytest.mark.parametrize(
    ("message", "typed"),
    [
        (f"unknown metric {LONG!r}; 'vaehub list metric' shows all", [LONG]),
        (f"setting 'model.{LONG}' is none", ["--set", f"model.{LONG}=1"]),
        (f"Table with name {LONG} does not exist!", [f"select 1 from {LONG}"]),
        (f"{'é ' * 200!r} is no setting", ["é " * 200]),
        (f"{NO_UNICODE!r} is no setting", [NO_UNICODE]),
    ],
)
def test_what_was_typed_is_shortened(message, typed):
    found = shortened(message, typed)
    assert len(found) < 200
    assert "…" in found


def test_what_was_not_typed_stays_as_it_is():
    message = f"/a/{'long' * 30}/path is missing; see {'y' * 200}"
    assert shortened(message, ["show", "abc"]) == message


def test_short_things_stay_as_they_are():
    assert shortened("unknown metric 'relevence'", ["relevence"]) == "unknown metric 'relevence'"
