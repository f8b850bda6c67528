"""Structural similarity, pair by pair and of all pairs."""

import numpy as np
import pytest
import torch

from vaehub import VaehubError, generator
from vaehub.analysis import ssim, ssim_blocks, structural


def images(n=9, height=9, width=11, seed=0):
    return torch.rand(n, height, width, generator=generator(seed, "images"), dtype=torch.float64)


def of_two(a, b, window=7):
    """Return the index of two grey images, window by window: Wang et al. 2004, Eq. 13."""
    c1, c2, found = 0.01**2, 0.03**2, []
    for top in range(a.shape[0] - window + 1):
        for left in range(a.shape[1] - window + 1):
            p, q = (each[top : top + window, left : left + window].ravel() for each in (a, b))
            (var_p, cov), (_, var_q) = np.cov(p, q)
            luminance = (2 * p.mean() * q.mean() + c1) / (p.mean() ** 2 + q.mean() ** 2 + c1)
            found.append(luminance * (2 * cov + c2) / (var_p + var_q + c2))
    return np.mean(found)


def matrix(x, *options):
    found = torch.full((len(x), len(x)), torch.nan, dtype=torch.float64)
    for rows, columns, block in ssim_blocks(x, *options):
        found[rows, columns], found[columns, rows] = block, block.mT
    return found


@pytest.mark.parametrize("window", [3, 7])
def test_it_is_that_of_a_loop_over_windows_averaged_over_colours(window):
    x, y = images(6).reshape(3, 2, 9, 11), images(24, seed=1).reshape(3, 4, 2, 9, 11)
    found = ssim(x[:, None], y, window)
    expected = [
        [np.mean([of_two(y[i, k, c].numpy(), x[i, c].numpy(), window) for c in range(2)]) for k in range(4)]
        for i in range(3)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_a_copy_is_alike_even_if_it_is_flat():
    x = torch.stack([torch.zeros(1, 8, 8), torch.full((1, 8, 8), 0.3), torch.eye(8)[None]])
    assert (ssim(x, x) - 1).abs().max() < 1e-12


def test_its_gradient_leads_to_a_likeness():
    x = images(1)
    y = images(1, seed=1).requires_grad_()
    before = ssim(x, y)
    before.backward()
    assert float(ssim(x, (y + 0.1 * y.grad / y.grad.norm()).detach())) > float(before.detach())


def test_all_pairs_of_a_set_are_its_pairs():
    x = images()[:, None]
    torch.testing.assert_close(matrix(x[:, 0]), ssim(x[:, None], x), rtol=1e-10, atol=1e-10)


def test_all_pairs_of_a_set_with_colours_are_its_pairs():
    x = images(27).reshape(9, 3, 9, 11)
    torch.testing.assert_close(matrix(x), ssim(x[:, None], x), rtol=1e-10, atol=1e-10)
    assert torch.equal(matrix(x[:, :1]), matrix(x[:, 0]))


@pytest.mark.parametrize("shape", [(12, 12), (3, 12, 12)])
@pytest.mark.parametrize(("n", "values", "held"), [(36, 2_000, 2**28), (36, 2**19, 200_000), (14, 300, 1)])
@pytest.mark.parametrize("variant", ["windowed", "gaussian", "global"])
def test_tiles_of_any_size_cover_every_pair_once(variant, n, values, held, shape, monkeypatch):
    x = torch.rand((n, *shape), generator=generator(0, "images"), dtype=torch.float64)
    whole = matrix(x, variant)
    monkeypatch.setattr(structural, "VALUES_AT_ONCE", values)
    monkeypatch.setattr(structural, "HELD_BYTES", held)
    covered = torch.zeros(n, n)
    for rows, columns, _ in ssim_blocks(x, variant):
        covered[rows, columns] += 1
    assert (covered + covered.mT * (covered == 0) == 1).all()
    torch.testing.assert_close(matrix(x, variant), whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.rand(9, 9), r"images of shape \(n, h, w\), or \(n, c, h, w\) with colours, got shape \(9, 9\)"),
        (torch.rand(0, 9, 9), "got shape"),
        (torch.rand(3, 0, 9, 9), "got shape"),
        (torch.rand(3, 2, 9, 5), "a window of 7x7 does not fit images of 9x5"),
        (torch.rand(3, 5, 9), "a window of 7x7 does not fit images of 5x9"),
    ],
)
def test_what_has_no_index_is_refused(x, words):
    with pytest.raises(VaehubError, match=words):
        next(ssim_blocks(x))
