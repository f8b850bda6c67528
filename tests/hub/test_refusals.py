"""What metrics need, and the sentence that refuses what lacks it."""

import pytest
import torch
from plain_models import Plain

from vaehub import (
    DataError,
    Dataset,
    DatasetMetric,
    Factors,
    Hub,
    ModelMetric,
    Needs,
    PairMetric,
    RecipeMetric,
    Result,
    SampleParams,
    VaehubError,
)
from vaehub.hub.refusals import refuse


class Asked(ModelMetric[SampleParams]):
    def check(self, model, data):
        raise VaehubError("the hook was reached")

    def measure(self, model, data):
        return Result()


def refuse_needs(model, data, needs, **params):
    kind = type("Asked", (Asked,), {"needs": needs})
    refuse(kind(SampleParams(**params), name="mine"), model, data)


def detached(z):
    """Leave PyTorch on the way, and so have no derivatives."""
    return torch.from_numpy(z.numpy()[:, [0, 0, 0, 0]])


def noisy(z):
    return z[:, [0, 0, 0, 0]] + torch.randn(len(z), 4)


def rounded(z):
    return z[:, [0, 0, 0, 0]].round().long()


def broken(z):
    raise RuntimeError("the tubes are cold")


@pytest.fixture
def data():
    return Dataset(torch.rand(9, 4), splits={"train": range(6), "test": range(6, 9)})


@pytest.mark.parametrize(
    ("model", "needs", "sentence"),
    [
        ({}, {"decoder": True}, "needs a model with a decoder, and this one has none; 'vae' has"),
        ({}, {"derivatives": True}, "needs a model with a decoder, and this one has none; 'vae' has"),
        ({}, {"variances": True}, "needs a model with posterior variances, and this one has none; 'vae' has"),
        ({}, {"learned_prior": True}, "needs a model with a learned prior, and this one has none; 'ard' has"),
        ({"prior": False}, {"prior": True}, "draws from the prior: this model has no prior; 'vae' has one"),
        ({"needs_labels": True}, {"x_only": True}, "and this model cannot: labels are needed; 'vae' can"),
        ({}, {"latents": 3}, "needs at least 3 latents, and this model has 2; '-s model.latent_dim=3' is enough"),
    ],
)
def test_a_model_that_lacks_something_is_refused(data, model, needs, sentence):
    with pytest.raises(VaehubError, match=f"^metric 'mine' .*{sentence}$"):
        refuse_needs(Plain(**model), data, Needs(**needs))


@pytest.mark.parametrize(
    ("decoder", "sentence"),
    [
        (noisy, "gives other values each time for the same latents; let it give the mean, without noise"),
        (rounded, "gives torch.int64; a decoder that gives the mean as real numbers has some"),
        (broken, "cannot decode: the tubes are cold; a decoder that takes one vector of latents can"),
    ],
)
def test_a_decoder_without_derivatives_is_refused_and_modes_are_left_alone(data, decoder, sentence):
    model = Plain(decoder=decoder).train()
    with pytest.raises(
        VaehubError, match=f"metric 'mine' needs the derivatives of the decoder, and this one {sentence}"
    ):
        refuse_needs(model, data, Needs(derivatives=True))
    assert model.training


def test_a_decoder_that_pytorch_does_not_differentiate_is_not_refused(data):
    with pytest.raises(VaehubError, match="the hook was reached"):
        refuse_needs(Plain(decoder=detached), data, Needs(derivatives=True))


@pytest.mark.parametrize(
    ("observations", "needs", "params", "sentence"),
    [
        (
            (6, 4),
            {"observations": 7},
            {},
            "needs at least 7 observations, and got 6: the split 'train' has 6, .* 1000; '-s",
        ),
        ((6, 4), {"observations": 7}, {"split": "all"}, "the split 'all' has 6, and n_samples is 1000; take more data"),
        (
            (6, 4),
            {"observations": 4},
            {"n_samples": 3},
            "got 3: .* has 6, and n_samples is 3; raise '-s metric.n_samples=…'",
        ),
        ((2, 4), {"more_than_latents": True}, {}, "needs more observations than the 2 latents, and got 2"),
        ((6, 4), {"distinct": True}, {}, "needs observations that differ, and all 6 of the split 'train' are copies"),
        ((6, 4), {"labels": True}, {}, "needs data with labels, and these have none; 'digits' has"),
        (
            (6, 4),
            {"factors": True},
            {},
            "needs data with known factors of variation, and these have none; 'sprites' has",
        ),
        ((6, 4), {"classes": True}, {}, "needs labels or factors, and these data have neither"),
        ((6, 4), {"images": True}, {}, r"needs images, and these observations have shape \(4,\)"),
        (
            (6, 3, 8, 8),
            {"channels": 1},
            {},
            r"needs grey images, and these have shape \(3, 8, 8\); '-s data.channels=1'",
        ),
        ((6, 1, 8, 8), {"channels": 3}, {}, "needs images with colours"),
        ((6, 1, 8, 6), {"side": 7}, {}, r"needs images of at least 7x7, and these have shape \(1, 8, 6\)"),
    ],
)
def test_data_that_lack_something_are_refused(observations, needs, params, sentence):
    data = Dataset(torch.zeros(observations))
    data = data if "split" in params else Dataset(data.x, splits={"train": range(len(data))})
    with pytest.raises(DataError, match=f"^metric 'mine' .*{sentence}"):
        refuse_needs(Plain(), data, Needs(**needs), **params)


def test_a_split_that_the_data_have_not_is_refused(data):
    with pytest.raises(DataError, match="'mine' was asked for the split 'validation': .* there is train, test, all"):
        refuse_needs(Plain(), data, Needs(), split="validation")


def test_whatever_is_there_passes_and_the_hook_comes_last():
    x = torch.rand(9, 1, 8, 8)
    factors = Factors(("a",), (3,), torch.arange(9)[:, None] % 3)
    labels = torch.arange(9) % 2
    data = Dataset(x, labels=labels, factors=factors, splits={"train": range(9)})
    model = Plain(logvar=0.0, decoder=torch.square, needs_labels=False)
    every = Needs(
        decoder=True,
        derivatives=True,
        variances=True,
        prior=True,
        x_only=True,
        latents=2,
        observations=9,
        more_than_latents=True,
        distinct=True,
        labels=True,
        factors=True,
        classes=True,
        images=True,
        channels=1,
        side=8,
    )
    with pytest.raises(VaehubError, match="the hook was reached"):
        refuse_needs(model, data, every)


def test_the_end_of_a_sentence_can_be_that_of_the_metric(data):
    needs = Needs(learned_prior=True, decoder=True, instead={"learned_prior": "'auto' works for all"})
    with pytest.raises(VaehubError, match="this one has none; 'auto' works for all$"):
        refuse_needs(Plain(decoder=torch.square), data, needs)
    with pytest.raises(ValueError, match="names what no metric needs: prior_variance"):
        Needs(instead={"prior_variance": "…"})


def test_needs_may_depend_on_parameters(data):
    class Sized(Asked):
        @property
        def needs(self):
            return Needs(observations=100 if self.params.split == "test" else 1)

    with pytest.raises(VaehubError, match="the hook was reached"):
        refuse(Sized(SampleParams()), Plain(), data)
    with pytest.raises(DataError, match="metric 'sized' needs at least 100 observations, and got 3"):
        refuse(Sized(SampleParams(split="test")), Plain(), data)


def test_data_alone_are_refused_too():
    class Alone(DatasetMetric[SampleParams]):
        needs = Needs(observations=2)

        def measure(self, data):
            return Result()

    with pytest.raises(DataError, match="metric 'alone' needs at least 2 observations, and got 1"):
        refuse(Alone(SampleParams()), Dataset(torch.zeros(1, 2)))


def test_both_models_of_a_pair_are_looked_at(data):
    class Both(PairMetric[SampleParams]):
        needs = Needs(latents=2)

        def measure(self, a, b, data):
            return Result()

    asked = Both(SampleParams())
    refuse(asked, Plain(2), Plain(3), data)
    for pair in ((Plain(1), Plain(2)), (Plain(2), Plain(1))):
        with pytest.raises(VaehubError, match="metric 'both' needs at least 2 latents"):
            refuse(asked, *pair, data)
    with pytest.raises(DataError, match=r"the first takes shape \(4,\) and the second \(5,\)"):
        refuse(asked, Plain(2), Plain(2, 5), data)


def test_a_recipe_without_the_parameter_that_is_varied_is_refused(tmp_path):
    class Varied(RecipeMetric[SampleParams]):
        needs = Needs(varies="beta")

        def measure(self, recipe, runner):
            return Result()

    hub = Hub.open(tmp_path / "store", device="cpu")
    recipe = hub.recipe("vae", dataset="digits")
    data = Dataset(torch.zeros(3, 4))
    with pytest.raises(VaehubError, match="'varied' varies 'model.beta', and model 'vae' has no .*; 'beta_vae' has"):
        refuse(Varied(SampleParams()), recipe, Plain(), data)
