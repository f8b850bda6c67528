"""A file that is altered at random is read or refused in a sentence, whatever its format."""

import re

import pytest
from altered import MAKERS, in_a_process

pytestmark = pytest.mark.slow
N = 20


@pytest.mark.parametrize("name", MAKERS)
def test_an_altered_file_is_read_or_refused_in_a_sentence(name):
    code, figures, wrong = in_a_process(name, N, seed=20261128)
    assert code == 0, wrong
    counts = {kind: int(n) for kind, n in re.findall(r"'([\w ]+)': (\d+)", figures)}
    assert counts.keys() <= {"read", "refused"}, wrong
    assert sum(counts.values()) == N
