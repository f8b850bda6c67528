"""Vectors that stand for layers: exact ones, sketches, and what SQL makes of them."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from vaehub import Dataset, Hub, VaehubError, generator, wrap
from vaehub.plugins.similarity.kernels import cka_sketch, gram_vector, linear_cka
from vaehub.plugins.similarity.signature import RepresentationSignature

QUICK = {"train.epochs": 1, "model.latent_dim": 3, "network.hidden": [8], "data.subset": 200}
ALIGNED = """
    select a.training, a.layer, b.training, b.layer, cka(a.signature, b.signature) as cka
    from signatures as a, signatures as b
    where a.measurement = '{a}' and b.measurement = '{b}'
    order by a.position, b.position
"""
seeds = st.integers(0, 10_000)


def sketch(x, size=4096, seed=0):
    return cka_sketch(x, size, generator(seed, "sketch"))


def related(seed, n=150):
    """Representations of the same observations, of few and of many columns, that share more or less."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 6))
    return [
        base[:, :1],
        base,
        np.tanh(base @ rng.normal(size=(6, 40))),
        np.maximum(base @ rng.normal(size=(6, 400)), 0),
        base @ rng.normal(size=(6, 10)) + rng.normal(size=(n, 10)),
        rng.normal(size=(n, 300)),
    ]


# Exact


@pytest.mark.parametrize(("one", "other"), ["XX", "XY", "XZ", "XW"])
def test_inner_products_of_gram_vectors_agree_with_published_code(oracles, one, other):
    oracle = np.load(oracles / "similarity.npz")
    found = float(gram_vector(oracle[one]) @ gram_vector(oracle[other]))
    assert found == pytest.approx(float(oracle[f"cka_{one}{other}"]), rel=1e-9)


def test_a_gram_vector_has_each_pair_of_observations_once():
    x = np.array([[0.0], [1.0], [5.0]])
    centred = x - 2
    gram = centred @ centred.T
    r = math.sqrt(2)
    expected = [gram[0, 0], r * gram[0, 1], r * gram[0, 2], gram[1, 1], r * gram[1, 2], gram[2, 2]]
    np.testing.assert_allclose(gram_vector(x), np.array(expected) / np.linalg.norm(gram), rtol=1e-12)


# Sketched


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_sketches_are_within_four_standard_errors(seed):
    representations = related(seed)
    sketches = [sketch(x, 1024, seed) for x in representations]
    for i, x in enumerate(representations):
        for j, y in enumerate(representations[:i]):
            exact = linear_cka(x, y)
            error = abs(float(sketches[i] @ sketches[j]) - exact)
            assert error <= 4.5 * (1 - exact**2 + 0.05) / math.sqrt(1024)


def test_errors_of_a_sketch_have_no_side():
    x, y = related(1)[1:3]
    found = np.array([float(sketch(x, 256, seed) @ sketch(y, 256, seed)) for seed in range(200)])
    exact = linear_cka(x, y)
    standard_error = found.std() / math.sqrt(len(found))
    assert abs(found.mean() - exact) <= 3 * standard_error + 2 / 256
    assert found.std() == pytest.approx((1 - exact**2) / math.sqrt(256), rel=0.35)


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_sketches_know_no_rotation_scale_or_shift(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(60, 5))
    rotation = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    moved = rng.uniform(0.01, 100) * x @ rotation + 10 * rng.normal(size=5)
    assert float(sketch(x, 512) @ sketch(moved, 512)) == pytest.approx(1, abs=1e-5)
    stretched = x * np.array([10.0, 1, 1, 1, 1])
    assert float(sketch(x, 512) @ sketch(stretched, 512)) < 0.95


def test_columns_in_blocks_give_the_same_sketch(monkeypatch):
    x = related(0)[3]
    whole = sketch(x, 512)
    monkeypatch.setattr("vaehub.plugins.similarity.sketches.BLOCK", 512)
    torch.testing.assert_close(sketch(x, 512), whole, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_sketch_has_the_size_asked_for_and_norm_one(size):
    found = sketch(related(0)[1], size)
    assert found.shape == (size,)
    assert found.dtype == np.float32
    assert float(np.linalg.norm(found)) == pytest.approx(1, rel=1e-6)


def test_observations_further_apart_than_their_number_matter_in_float32_too():
    x = torch.randn(100, 5, generator=generator(0, "x")) + 1000
    assert float(sketch(x, 1024) @ sketch(x.double() - 1000, 1024)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("vector", [gram_vector, sketch])
def test_of_a_constant_nothing_can_be_said(vector):
    assert torch.isnan(torch.as_tensor(vector(np.full((20, 3), 0.1)))).all()
    with pytest.raises(VaehubError, match="2 observations at least"):
        vector(np.zeros((1, 3)))


def test_a_sketch_of_nothing_is_refused():
    with pytest.raises(VaehubError, match="1 number at least, and 0 were asked for"):
        sketch(np.eye(3), 0)


# As a metric


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    return Hub.open(tmp_path_factory.mktemp("signatures") / "store", device="cpu")


@pytest.fixture(scope="module")
def recipes(hub):
    return tuple(hub.recipe("vae", dataset="digits", seed=seed, settings=QUICK) for seed in (0, 1))


def aligned(hub, one, other):
    rows = list(hub.sql(ALIGNED.format(a=one.id, b=other.id)))
    n = len(one["signature"].layers)
    return np.array([row[-1] for row in rows], dtype=float).reshape(n, -1)


def test_sql_compares_two_trainings_as_the_metric_of_pairs_does(hub, recipes):
    one, other = (hub.measure("representation_signature", recipe, settings={"size": 65536}) for recipe in recipes)
    exact = hub.measure("cka", recipes)
    layers = list(dict.fromkeys(exact["similarity"].keys["layer_a"]))
    assert list(one["signature"].layers) == layers
    found = aligned(hub, one, other)
    expected = exact["similarity"].columns["cka"].reshape(found.shape)
    # Noise is drawn in another way: what depends on it is not the same.
    still = [at for at, name in enumerate(layers) if name != "sampled" and not name.startswith("decoder")]
    np.testing.assert_allclose(found[np.ix_(still, still)], expected[np.ix_(still, still)], atol=0.02)


def test_grams_give_the_same_without_a_model(hub, recipes):
    one, other = (hub.measure("representation_signature", recipe) for recipe in recipes)
    exact = hub.measure("cka", recipes, settings={"layers": ["encoder_1", "mean"]})
    found = [
        [one[f"gram/{a}"].astype(float) @ other[f"gram/{b}"] for b in ("encoder_1", "mean")]
        for a in ("encoder_1", "mean")
    ]
    np.testing.assert_allclose(np.ravel(found), exact["similarity"].columns["cka"], rtol=1e-4)
    assert one["gram/mean"].shape == (200 * 201 // 2,)


def test_probes_do_not_depend_on_any_seed(hub, recipes):
    found = [hub.measure("representation_signature", recipes[0], seed=seed) for seed in (0, 5)]
    assert found[0]["signature"].space == found[1]["signature"].space
    np.testing.assert_array_equal(found[0]["signature"].vectors[:4], found[1]["signature"].vectors[:4])
    inputs = [hub.measure("representation_signature", recipe)["signature"].vectors[0] for recipe in recipes]
    np.testing.assert_array_equal(*inputs)


def test_noise_is_of_each_training_its_own(hub, recipes):
    """Or latents that say nothing would be alike in all of them."""
    data = hub.data("digits")

    def silent(scale):
        def encode(x):
            return torch.zeros(len(x), 3), torch.zeros(len(x), 3)

        encoder = nn.Module()
        encoder.weight = nn.Parameter(torch.tensor(scale))
        encoder.forward = encode
        return wrap(encoder=encoder, decoder=nn.Sequential(nn.Linear(3, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8))))

    one, other = (
        hub.measure("representation_signature", silent(scale), data=data, settings={"layers": ["sampled"]})
        for scale in (1.0, 2.0)
    )
    assert one["signature"].space == other["signature"].space
    assert abs(aligned(hub, one, other)[0, 0]) < 0.1


def test_other_probes_sizes_and_hashes_are_not_comparable(hub, recipes):
    usual = hub.measure("representation_signature", recipes[0])
    for settings_ in ({"size": 1024}, {"n_samples": 50}, {"probe_seed": 1}, {"split": "train"}):
        other = hub.measure("representation_signature", recipes[0], settings=settings_)
        assert np.isnan(aligned(hub, usual, other)).all(), settings_
        rows = hub.sql(ALIGNED.format(a=usual.id, b=other.id))
        assert {row[-1] for row in rows} == {None}


def test_a_constant_layer_is_nan_and_said_to_be_constant(hub):
    data = hub.data("digits")
    flat = nn.Flatten()
    ae = wrap(encoder=flat, decoder=nn.Unflatten(1, (1, 8, 8)))
    ae.spec = data.spec
    metric = RepresentationSignature(RepresentationSignature.Params(size=64, n_samples=100))
    constant = Dataset(torch.full((100, 1, 8, 8), 0.5))
    with torch.no_grad():
        found = metric.measure(ae, constant)
    assert np.isnan(found.signatures["signature"].vectors).all()
    assert found.tables["layers"].columns["is_constant"].all()


def test_without_exact_nothing_is_written_besides(hub, recipes):
    found = hub.measure("representation_signature", recipes[0], settings={"exact": False})
    assert not found.result.arrays
    assert found["signature"].vectors.shape == (7, 4096)
    assert found["layers"].columns["width"].tolist() == [64, 8, 3, 3, 3, 8, 64]


def test_an_unknown_layer_is_refused_before_training(hub):
    recipe = hub.recipe("vae", dataset="digits", seed=77, settings=QUICK)
    with pytest.raises(VaehubError, match="the model has no layer 'means', it has input, .* did you mean 'mean'"):
        hub.measure("representation_signature", recipe, settings={"layers": ["means"]})
    assert hub.store.training(recipe.id) is None
