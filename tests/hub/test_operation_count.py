"""Operations are counted as PyTorch counts them, without its compiler."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import vaehub
from vaehub import Dataset
from vaehub.hub.operation_count import OperationCount


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)

    def forward(self, x):
        return self.layer(x.reshape(len(x), -1, 8))


MODULES = {
    "dense": lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.ReLU(), nn.Linear(10, 3)),
    "convolutions": lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, momentum=0.0), nn.ConvTranspose2d(4, 1, 4, stride=2)
    ),
    "recurrent": lambda: nn.Sequential(nn.Flatten(0, 1), nn.GRU(8, 5, batch_first=True)),
    "attention": Attention,
    "none": nn.Flatten,
}


@pytest.mark.parametrize("name", MODULES)
@torch.no_grad()
def test_they_are_those_that_pytorch_counts(name):
    # In evaluation mode, attention is one fused operation, which neither counts.
    module, x = MODULES[name](), torch.rand(2, 1, 8, 8)
    with FlopCounterMode(display=False) as theirs:
        expected = module(x)
    with OperationCount() as ours:
        found = module(x)
    assert ours.total == theirs.get_total_flops()
    assert (ours.total > 0) == (name != "none")
    if isinstance(found, torch.Tensor):
        assert torch.equal(found, expected)


def test_an_encoder_may_answer_with_a_weight_of_its_own(hub):
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.mean, self.logvar = nn.Linear(64, 3), nn.Parameter(torch.zeros(3))

        def forward(self, x):
            return self.mean(x.flatten(1)), self.logvar.expand(len(x), -1)

    encoder = Shared()
    hub.take(vaehub.wrap(encoder=encoder, scale="logvar"), Dataset(torch.rand(60, 64)))
    assert encoder.logvar.requires_grad
