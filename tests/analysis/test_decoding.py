"""What latent vectors decode to."""

import pytest
import torch

from vaehub import WorkFailed
from vaehub.analysis import decode


class Inverse:
    """All that decoding asks of a model."""

    device = torch.device("cpu")

    def decode(self, z):
        return torch.stack([z, 1 / z], dim=1)


@pytest.fixture
def model():
    return Inverse()


@pytest.mark.parametrize("shape", [(5, 2), (3, 5, 2), (2, 1, 3, 2)])
@pytest.mark.parametrize("at_once", [1, 4, 100])
def test_any_number_of_axes_is_decoded_in_blocks(model, shape, at_once):
    z = torch.rand(shape, dtype=torch.float64) + 1
    found = decode(model, z, at_once=at_once)
    torch.testing.assert_close(found, torch.stack([z, 1 / z], dim=-2).float())


def test_values_that_are_none_fail_with_the_reason(model):
    with pytest.raises(WorkFailed, match="decodes 1 of 3 latent vectors to NaN or infinite values"):
        decode(model, torch.tensor([[1.0, 1.0], [0.0, 1.0], [1.0, 2.0]]))


def test_a_decoder_that_works_in_place_leaves_the_vectors_as_they_were():
    class InPlace(Inverse):
        def decode(self, z):
            return z.mul_(2)

    z = torch.rand(5, 2)
    before = z.clone()
    assert torch.equal(decode(InPlace(), z), 2 * before)
    assert torch.equal(z, before)
