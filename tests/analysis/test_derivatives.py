"""Derivatives of decoders of every kind, against automatic differentiation in float64 one observation at a time."""

import copy
import logging

import pytest
import torch
from derivative_decoders import LATENT_DIM, MODULES, TOLERANCE, built, latents, reference
from torch import nn

import vaehub
from vaehub import Dataset, WorkFailed
from vaehub import generator as stream
from vaehub.analysis import Derivatives, jacobian
from vaehub.analysis.derivatives import TWICE
from vaehub.core.random import seeded_construction
from vaehub.plugins.ard.kernels import relevance_weights


@pytest.mark.parametrize("kind", MODULES)
def test_derivatives_are_those_of_automatic_differentiation_in_double(kind):
    z = latents()
    before = z.clone()
    found = jacobian(built(kind), z, at_once=8)
    wanted = reference(kind, z)
    method = MODULES[kind][1]
    assert found.method == method
    error = (found.values - wanted).norm() / wanted.norm()
    assert error < TOLERANCE.get(method, 2e-6)
    # The stated error is about as large as the true one.
    assert error < 10 * found.error + 1e-6
    assert found.error < 1e-2
    assert torch.equal(z, before)


@pytest.mark.parametrize("kind", ["relu", "transformer layer", "lstm", "grid sample", "in place"])
def test_the_number_of_derivatives_at_a_time_changes_no_result(kind):
    whole, parts = (jacobian(built(kind), latents(), at_once=at_once).values for at_once in (1000, 1))
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-6)


def settings():
    return (
        torch.backends.mha.get_fastpath_enabled(),
        torch.backends.cuda.flash_sdp_enabled(),
        torch.backends.cuda.mem_efficient_sdp_enabled(),
        torch.backends.mkldnn.enabled,
        torch.backends.cudnn.enabled,
        torch._C._get_graph_executor_optimize(),
        torch.is_grad_enabled(),
    )


@pytest.mark.parametrize("kind", ["relu", "lstm", "many distances", "out of PyTorch, in float32"])
def test_settings_of_pytorch_and_its_random_state_are_left_alone(kind):
    before, state = settings(), torch.get_rng_state()
    jacobian(built(kind), latents())
    assert settings() == before
    assert torch.equal(torch.get_rng_state(), state)


def test_no_gradient_is_left_in_the_weights():
    for kind in ("distances", "grid sample"):
        module = built(kind)
        jacobian(module, latents())
        assert all(weight.grad is None and weight.requires_grad for weight in module.parameters())


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("kind", ["relu", "transformer layer"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_asked_again_and_again_keeps_its_derivatives(kind, warm):
    z, wanted = latents(), reference(kind, latents())
    module = torch.jit.script(built(kind))
    for _ in range(4 if warm else 0):
        module(z)  # with gradients, as in a training, after which forward mode gives 0
    for _ in range(4):
        found = jacobian(module, z, at_once=8)
        assert found.method in ("forward mode", TWICE)
        assert (found.values - wanted).norm() < 2e-6 * wanted.norm()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_forward_mode_of_a_torchscript_decoder_that_has_been_used_is_not_trusted():
    z, module = latents(), torch.jit.script(built("relu"))
    for _ in range(4):
        module(z)
    tangent = torch.func.jvp(module, (z,), (torch.ones_like(z),))[1]
    if bool(tangent.any()):
        pytest.skip("this version of PyTorch gives right derivatives")
    assert jacobian(module, z).method == TWICE


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_decoders_have_the_derivatives_of_the_plain_ones(backend):
    z, wanted = latents(), reference("transformer layer", latents())
    module = torch.compile(built("transformer layer"), backend=backend)
    with torch.no_grad():
        module(z)
    for _ in range(2):
        found = jacobian(module, z)
        assert found.method == "forward mode"
        assert (found.values - wanted).norm() < 2e-6 * wanted.norm()


def test_a_decoder_of_half_precision_has_derivatives():
    z, module = latents().bfloat16(), built("relu").bfloat16()
    found = jacobian(module, z)
    assert found.method == "forward mode"
    wanted = jacobian(copy.deepcopy(module).double(), z.double()).values
    assert (found.values - wanted).norm() < 0.05 * wanted.norm()


class Forgetful(torch.autograd.Function):
    """Passes values on, and of derivatives all but the last latent's, in both modes."""

    generate_vmap_rule = True

    @staticmethod
    def forward(z):
        return z.clone()

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def jvp(ctx, tangent):
        return tangent * (torch.arange(LATENT_DIM) < LATENT_DIM - 1)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * (torch.arange(LATENT_DIM) < LATENT_DIM - 1)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("strength", [0.05, 1.0])
def test_one_lost_latent_among_others_is_noticed(scale, strength):
    """However weak it is beside the others, and whatever the units of what is decoded and of the latents."""
    body = built("relu")

    def decode(z):
        weights = torch.tensor([1.0, 1.0, 1.0, strength])
        return scale * body(Forgetful.apply(z) / scale * weights)

    def whole(z):
        return scale * body(z / scale * torch.tensor([1.0, 1.0, 1.0, strength]))

    z = scale * latents()
    found, wanted = jacobian(decode, z), jacobian(whole, z)
    assert wanted.method == "forward mode"
    assert found.method.startswith("central differences")
    assert (found.values - wanted.values).norm() < 0.02 * wanted.values.norm()


def test_a_decoder_that_ignores_all_latents_has_no_derivatives_but_zero():
    found = jacobian(lambda z: torch.ones(len(z), 7), latents())
    assert found.method == "forward mode"
    assert not found.values.any()


@pytest.mark.parametrize("offset", [0.0, 1e3])
@pytest.mark.parametrize("slope", [1e-9, 1e-4, 1e4])
def test_decoders_that_hardly_change_or_change_much_are_trusted(slope, offset):
    body = built("relu")
    found = jacobian(lambda z: offset + slope * body(z), latents())
    assert found.method == "forward mode"


@pytest.mark.parametrize("frequency", [1.0, 30.0, 1000.0])
def test_decoders_that_oscillate_are_trusted(frequency):
    assert jacobian(lambda z: torch.sin(frequency * z), latents()).method == "forward mode"


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("width", [16, 300])
def test_networks_with_kinks_are_trusted_at_a_single_place_too(seed, width):
    with seeded_construction(seed):
        body = nn.Sequential(
            nn.Linear(LATENT_DIM, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.LeakyReLU(),
            nn.Linear(width, width),
            nn.Hardtanh(),
            nn.Linear(width, 50),
        ).eval()
    for n in (1, 8):
        assert jacobian(body, torch.randn(n, LATENT_DIM, generator=stream(seed))).method == "forward mode"


def test_a_random_decoder_is_refused_in_words():
    with pytest.raises(WorkFailed, match="gives other values each time for the same latents.*without noise$"):
        jacobian(lambda z: z + torch.randn_like(z), latents())


def test_a_decoder_that_changes_in_jumps_is_refused_in_words():
    """Its backward pass lets derivatives through, as that of vector quantisation does."""

    class Straight(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.round()

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    with pytest.raises(WorkFailed, match="the decoder changes in jumps and is constant between them"):
        jacobian(lambda z: Straight.apply(3 * z), latents())


def test_a_decoder_that_cannot_decode_is_refused_without_the_words_of_pytorch():
    with pytest.raises(WorkFailed, match="^the derivatives of the decoder cannot be computed: .* has some$") as refusal:
        jacobian(nn.Linear(LATENT_DIM + 1, 3), latents())
    assert "mat1" not in str(refusal.value)
    assert "mat1" in str(refusal.value.__cause__)


def test_differences_say_so(caplog):
    with caplog.at_level(logging.WARNING):
        jacobian(built("many distances"), latents())
    assert "they were computed by central differences in float64, with a relative error of about" in caplog.text


def wrapped(decoder, side=3):
    with seeded_construction(1):
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(side * side, LATENT_DIM))
    return vaehub.wrap(encoder=encoder, decoder=decoder)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_healthy_torchscript_model_is_never_stored_as_collapsed(tmp_path):
    data = Dataset(torch.randn(50, 9, generator=stream(0, "x")))
    hub = vaehub.Hub.open(tmp_path)
    wanted = hub.measure("relevance", wrapped(built("relu")), data=data).result
    decoder = torch.jit.script(built("relu"))
    for _ in range(3):
        decoder(latents())
    scripted = wrapped(decoder)
    found = hub.measure("relevance", scripted, data=data).result
    assert found.scalars["n_active"] == wanted.scalars["n_active"] > 0
    assert found.vectors["relevance"].values == pytest.approx(wanted.vectors["relevance"].values, rel=1e-5)


def test_a_result_without_forward_mode_says_how_derivatives_were_computed(tmp_path):
    data = Dataset(torch.randn(50, 9, generator=stream(0, "x")))
    hub = vaehub.Hub.open(tmp_path)
    found = hub.measure("relevance", wrapped(built("a function of the user's own")), data=data).result
    usual = hub.measure("relevance", wrapped(built("relu")), data=data).result
    table = found.tables["derivatives"]
    assert table.keys["method"] == (TWICE,)
    assert 0 < table.columns["relative_error"][0] < 1e-6
    assert "derivatives" not in usual.tables


def test_weights_know_the_way_of_derivatives_that_they_are_given():
    derivatives = Derivatives(built("grid sample"))
    weights = relevance_weights(derivatives, latents())
    wanted = reference("grid sample", latents()).square().mean(dim=0).sum(dim=0)
    torch.testing.assert_close(weights, wanted, rtol=1e-5, atol=0)
    assert derivatives.method == TWICE
