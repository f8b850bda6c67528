"""What the tests of single plots share."""

import torch

from vaehub import Dataset, wrap

METRICS = ["reconstructions", "prior_samples", "interpolation", "latent_scatter", "traversal"]
DECODING = [metric for metric in METRICS if metric != "latent_scatter"]
QUICK = {"model.latent_dim": 4, "train.epochs": 2}
# Batches of other sizes are multiplied in another order.
CLOSE = {"rtol": 1e-4, "atol": 1e-6}


def decode(model, z):
    with torch.no_grad():
        return model.decode(torch.as_tensor(z, dtype=torch.float32)).numpy()


def means(model, x):
    return model.encode_all(Dataset(x)).mu.numpy()


def identity(data):
    model = wrap(encoder=torch.nn.Identity(), decoder=torch.nn.Identity())
    model.meet(data.batch(slice(0, 2)), data.spec)
    return model
