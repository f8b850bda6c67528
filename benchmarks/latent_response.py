"""The latent response matrix against plain forward passes, and a mean response field.

The network is the paper's, with 64x64 colour images. One side computes the matrix of 24 latents: each draw passes
through decoder and encoder 25 times, with intervened copies made on the way. The other side decodes and encodes as many
images in batches of the same size, prepared beforehand. Speed does not depend on the number of images, so 200 draws are
timed instead of 5,000, unless ``--full`` is given; peak memory is counted beyond the model and one batch. The field has
100 x 100 points, each a mean over 64 draws of the other latents, of a small network.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.measure import Options, Row, in_turn
from vaehub import Batch, DataSpec, LatentModel, generator
from vaehub.plugins.latent_response.kernels import grid_axes, marginal_draws, response_field, response_matrix
from vaehub.plugins.latent_response.responses import codes_at_once, responding, response_posterior
from vaehub.plugins.models.vae.model import Vae
from vaehub.plugins.models.vae.params import VaeParams
from vaehub.plugins.networks.convolutions.params import ConvResponseParams
from vaehub.plugins.networks.convolutions.response import ConvResponse
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams

LATENTS, N, SAMPLE, ROUNDS = 24, 5000, 200, 3
SIZE, N_REST = 100, 64
COLOUR, GREY = DataSpec((3, 64, 64), True), DataSpec((1, 28, 28), True)
MIB = 1024


def rows(options: Options) -> Iterator[Row]:
    """Measure the matrix against forward passes, and the field."""
    params = VaeParams(latent_dim=LATENTS)
    # The field first, because an earlier and greater peak of memory would hide its own.
    plane = Vae(params, Mlp(MlpParams(), GREY, LATENTS, 2), GREY).eval().requires_grad_(False)
    before = _peak()
    seconds = _field(plane)
    what = f"mean response field, {SIZE} x {SIZE} points, {N_REST} draws of the rest"
    yield Row(what, seconds, None, "s", None, "")
    yield Row(f"{what}: peak beyond the model", _peak() - before, None, "MiB", None, "under 200 MiB")
    model = Vae(params, ConvResponse(ConvResponseParams(), COLOUR, LATENTS, 2), COLOUR).eval().requires_grad_(False)
    z = torch.randn(N if options.full else SAMPLE, LATENTS, dtype=torch.float64, generator=generator(0, "benchmark"))
    v = marginal_draws(z, generator(0, "replacements"))
    response_posterior(model, z[: codes_at_once(COLOUR)])
    before = _peak()
    ours, theirs = in_turn(ROUNDS, lambda: _matrix(model, z, v), lambda: _plain(model, z.repeat(1 + LATENTS, 1)))
    what = f"latent response matrix, {LATENTS} latents, {len(z)} draws"
    wanted = "at least 0.8 times"
    yield Row(
        f"{what} / forward passes", ours["rate"], theirs["rate"], "images/s", ours["rate"] / theirs["rate"], wanted
    )
    yield Row(f"{what}: peak beyond one batch", _peak() - before, None, "MiB", None, "under 100 MiB")


def _matrix(model: LatentModel, z: Tensor, v: Tensor) -> dict[str, float]:
    n = len(z) * (1 + LATENTS)
    started = time.perf_counter()
    with responding(model, "responses", n) as respond:
        response_matrix(respond, z, v, codes_at_once(COLOUR))
    return {"rate": n / (time.perf_counter() - started)}


@torch.no_grad()
def _plain(model: LatentModel, z: Tensor) -> dict[str, float]:
    blocks = torch.split(z.float(), codes_at_once(COLOUR))
    started = time.perf_counter()
    for block in blocks:
        model.encode(Batch(model.decode(block)))
    return {"rate": len(z) / (time.perf_counter() - started)}


def _field(model: LatentModel) -> float:
    first, second = grid_axes((-2, 2, -2, 2), SIZE, SIZE)
    rest = torch.randn(N_REST, LATENTS, generator=generator(0, "rest"))
    started = time.perf_counter()
    with responding(model, "response field", N_REST * SIZE**2) as respond:
        response_field(respond, first, second, rest, at_once=codes_at_once(GREY))
    return time.perf_counter() - started


def _peak() -> float:
    """Return the peak memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
