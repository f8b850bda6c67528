"""The page on plugins says of hooks and of kinds what the code has."""

import re
from pathlib import Path

from vaehub.registry.lawfulness import hook_arguments
from vaehub.scaffold import KINDS

PAGE = (Path(__file__).parent.parent / "docs" / "plugins.md").read_text()


def test_the_table_of_hooks_has_each_with_its_arguments():
    rows = re.findall(r"^\| `(vaehub_\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    told = {name: tuple(re.findall(r"`(\w+)`", arguments)) for name, arguments in rows}
    assert told == hook_arguments()


def test_all_kinds_that_can_be_begun_are_named():
    [named] = re.findall(r"`--kind` takes any of (.*)\.", PAGE)
    assert re.findall(r"`(\w+)`", named) == list(KINDS)
