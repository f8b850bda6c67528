"""Functions name the modules that they use, and no others."""

import copy

import torch
from torch import nn

from vaehub.adapters.callables import CallableModule

decoder = nn.Linear(3, 3)
"""A global of the name of an attribute below."""
used = nn.Linear(3, 3)


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.decoder = nn.Linear(2, 4)

    def decode(self, z):
        return self.decoder(z)


def test_an_attribute_is_no_global_of_its_name():
    vae = Vae()
    found = CallableModule(vae.decode)
    assert list(found.named) == [vae]
    copied = copy.deepcopy(found)
    assert all(mine is not theirs for mine in copied.modules() for theirs in (vae, decoder))
    assert list(CallableModule(lambda x: used(x)).named) == [used]
    torch.testing.assert_close(copied(torch.ones(1, 2)), found(torch.ones(1, 2)))
