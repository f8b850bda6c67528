"""What the tests of pruned models share."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread():
    """Learn with one thread: matrices this small only wait for others, and longer the busier the machine is."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
