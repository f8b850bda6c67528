"""Load a shuffled epoch of sprites in memory through PyTorch's DataLoader, and time batches."""

import json
import time

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from vaehub.plugins.datasets.sprites import kernels

N, BATCH, BATCHES = 20_000, 64, 200


class Images(Dataset):
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, row):
        return torch.from_numpy(self.images[row]).float()[None]


def main():
    rows = np.random.default_rng(0).permutation(737_280)[:N]
    images = kernels.render(np.stack(np.unravel_index(rows, kernels.SIZES), axis=1))
    batches = iter(DataLoader(Images(images), BATCH, shuffle=True))
    seconds = []
    for _ in range(BATCHES):
        before = time.perf_counter()
        next(batches)
        seconds.append(time.perf_counter() - before)
    print(json.dumps({"batch": float(np.median(seconds))}))


main()
