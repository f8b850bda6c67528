#!/usr/bin/env bash
# Versions: torchmetrics 1.9.0, scikit-image 0.26.0, pytorch-msssim 1.0.0, torch 2.13.0.
# Expected: SSIM with a Gaussian window of 1.5, the range given, agrees between the three to 1e-4.
# Seen: scikit-image and pytorch-msssim agree to 1e-6. torchmetrics averages over the border too, which it fills by reflection:
#     0.68 where the two have 0.29, on an image of 28 x 28. The larger the image, the smaller the difference.
# Matters: on MNIST a diversity of 1 - SSIM, or a reconstruction error by SSIM, from torchmetrics cannot be set beside a published
#     one that scikit-image made; the difference is larger than that between most models.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 torchmetrics==1.9.0 scikit-image==0.26.0 pytorch-msssim==1.0.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from pytorch_msssim import ssim
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure


def three(side: int) -> tuple[float, float, float]:
    first = torch.zeros(1, 1, side, side)
    second = torch.zeros(1, 1, side, side)
    first[..., 8 : side - 8, 10:14] = 1
    second[..., 8 : side - 8, 12:16] = 1
    a, b = first[0, 0].numpy(), second[0, 0].numpy()
    valid = structural_similarity(a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    padded = structural_similarity_index_measure(first, second, data_range=1.0, sigma=1.5)
    return float(padded), float(ssim(first, second, data_range=1.0)), float(valid)


for side in (28, 64, 256):
    print(side, "torchmetrics %.4f, pytorch-msssim %.4f, scikit-image %.4f" % three(side))
padded, windowed, valid = three(28)
assert abs(windowed - valid) < 1e-4
assert abs(padded - 0.6836) < 1e-3 and abs(valid - 0.2860) < 1e-3
PYTHON
