"""The network of FID beside torch-fidelity's."""

import numpy as np
import pytest
import torch

from vaehub.plugins.features.inception import InceptionV3, as_inception, load_inception

PUBLISHED_N_WEIGHTS = 21_785_568
"""Of convolutions and normalisations: 27,161,264 of torchvision's Inception v3, less its heads for classes."""


def waves(state):
    """Return weights by a formula, the same as the oracle's, scaled so that activations neither vanish nor grow."""
    made = {}
    for name, value in state.items():
        at = torch.arange(value.numel(), dtype=torch.float64)
        wave = torch.sin(at.square() * 0.37 + len(name)).reshape(value.shape)
        if name.endswith("conv.weight"):
            made[name] = (wave * (4 / value[0].numel()) ** 0.5).to(value)
        elif name.endswith(("bn.weight", "running_var")):
            made[name] = (1 + 0.3 * wave).to(value)
        else:
            made[name] = (0.1 * wave).to(value)
    return made


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A file like the published one, which also holds what makes classes and counts batches."""
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    made = waves(InceptionV3().state_dict())
    more = {
        "fc.weight": torch.zeros(8, 2048),
        "fc.bias": torch.zeros(8),
        "Mixed_7c.bn.num_batches_tracked": torch.ones(()),
    }
    torch.save(made | more, path)
    return path


def test_features_are_those_of_torch_fidelity(oracles, file):
    with np.load(oracles / "torch_fidelity.npz") as known:
        images, expected = torch.from_numpy(known["images"]), torch.from_numpy(known["inception"])
    with torch.no_grad():
        found = load_inception(file)(as_inception(images.float() / 255))
    assert expected.std(dim=0).mean() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_it_has_as_many_weights_as_the_published_network():
    state = InceptionV3().state_dict()
    assert sum(value.numel() for name, value in state.items() if "running" not in name) == PUBLISHED_N_WEIGHTS


def test_images_are_resized_as_tensorflow_1_does(oracles):
    with np.load(oracles / "torch_fidelity.npz") as known:
        found = 128 * as_inception(torch.from_numpy(known["images"]).float() / 255)[0] + 128
        np.testing.assert_allclose(found[0, 100], known["resized_row"], atol=1e-3)
        np.testing.assert_allclose(found[1, :, 200], known["resized_column"], atol=1e-3)


def test_images_become_bytes_of_three_channels():
    grey = torch.tensor([0.0, 0.5, 254.9 / 255, 1.0]).reshape(4, 1, 1, 1).expand(4, 1, 8, 8)
    found = as_inception(grey)
    assert found.shape == (4, 3, 299, 299)
    assert (128 * found[:, :, 0, 0] + 128).tolist() == [[level] * 3 for level in (0, 127, 254, 255)]


def test_every_byte_stays_what_it_was():
    levels = torch.arange(256, dtype=torch.uint8).reshape(256, 1, 1, 1)
    found = 128 * as_inception(levels.float() / 255)[:, 0, 0, 0] + 128
    assert found.tolist() == list(range(256))
