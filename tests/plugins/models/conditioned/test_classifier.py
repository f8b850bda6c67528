"""The classifier."""

import pytest
import torch
from torch.nn import functional

from vaehub import Batch, Dataset, Factors, Hub, Step, TrainParams, VaehubError, generator
from vaehub.core.random import seeded_construction
from vaehub.plugins.models.conditioned.classifier import Classifier
from vaehub.plugins.models.conditioned.params import ClassifierParams
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams
from vaehub.training.ensemble import EnsembleMember, fit_together
from vaehub.training.fit import fit

SIZES = (3, 5)


@pytest.fixture
def data():
    classes = torch.stack([torch.arange(40) % size for size in SIZES], dim=1)
    x = torch.rand(40, 2, 4, 3, generator=generator(0, "x"))
    return Dataset(x, labels=torch.arange(40) % 4, factors=Factors(("shape", "size"), SIZES, classes))


def build(spec, **params):
    with seeded_construction(0):
        return Classifier(ClassifierParams(latent_dim=6, **params), Mlp(MlpParams(hidden=(8,)), spec, 6, 1), spec)


def batch_of(data):
    return data.batch(slice(0, len(data)))


def step():
    return Step(0, 0, generator(0, "noise"))


def test_there_is_a_head_for_each_factor_or_one_for_the_labels(data):
    assert [logits.shape for logits in build(data.spec).logits(batch_of(data))] == [(40, 3), (40, 5)]
    assert [logits.shape for logits in build(data.spec, target="labels").logits(batch_of(data))] == [(40, 4)]


def test_its_loss_is_the_sum_of_the_cross_entropies_of_its_heads(data):
    model, batch = build(data.spec), batch_of(data)
    losses = model.loss(batch, step())
    chances = [logits.softmax(dim=1) for logits in model.logits(batch)]
    truths = [batch.factors[:, [place]] for place in range(2)]
    entropies = [-p.gather(1, true).log().mean() for p, true in zip(chances, truths, strict=True)]
    torch.testing.assert_close(losses.total, entropies[0] + entropies[1])
    torch.testing.assert_close(losses.terms["cross_entropy"], losses.total)
    right = [(p.argmax(1, keepdim=True) == true).float().mean() for p, true in zip(chances, truths, strict=True)]
    torch.testing.assert_close(losses.terms["accuracy"], (right[0] + right[1]) / 2)


def test_heads_without_weights_guess(data):
    model = build(data.spec)
    for weight in model.heads.parameters():
        torch.nn.init.zeros_(weight)
    found = model.loss(batch_of(data), step()).total
    torch.testing.assert_close(found, torch.tensor([3.0, 5.0]).log().sum())


def test_it_encodes_one_number_for_each_latent(data):
    posterior = build(data.spec).encode_all(data)
    assert posterior.mu.shape == (40, 6)
    assert posterior.logvar is None


def test_its_optimiser_leaves_the_decoder_as_it_was(data):
    model, batch = build(data.spec), batch_of(data)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimiser = model.optimiser(0.01)
    model.loss(batch, step()).total.backward()
    optimiser.step()
    held = {id(weight) for group in optimiser.param_groups for weight in group["params"]}
    assert held.isdisjoint(map(id, model.network.decoder.parameters()))
    unchanged = {name for name, value in model.state_dict().items() if torch.equal(value, before[name])}
    assert unchanged == {name for name in before if name.startswith("network.decoder")}


def test_it_neither_decodes_nor_draws(data):
    model = build(data.spec)
    assert not model.decodes
    with pytest.raises(VaehubError, match="model 'classifier' has no decoder and gives no reconstructions; 'vae' and"):
        model.decode(torch.zeros(2, 6))
    with pytest.raises(VaehubError, match="model 'classifier' has no prior to draw from"):
        model.prior_sample(2, generator(0))


def test_data_with_neither_labels_nor_factors_are_refused(data):
    words = "model 'classifier' needs labels or factors for its classes, and these data have neither; 'sprites' and"
    with pytest.raises(VaehubError, match=words):
        build(Dataset(data.x).spec)


def test_data_without_what_was_asked_for_are_refused(data):
    words = "model 'classifier' with target 'labels' needs data with labels, and these have factors only; '-s model.tar"
    with pytest.raises(VaehubError, match=words):
        build(Dataset(data.x, factors=data.factors).spec, target="labels")


def test_observations_without_classes_are_encoded_but_have_no_loss(data):
    model = build(data.spec)
    assert len(model.encode(Batch(data.x)).mu) == 40
    with pytest.raises(VaehubError, match="model 'classifier' needs the factors of every observation, and these"):
        model.loss(Batch(data.x), step())


def test_it_beats_chance_on_digits(tmp_path):
    hub = Hub.open(tmp_path / "store", device="cpu")
    recipe = hub.recipe("classifier", settings={"train.epochs": 4})
    assert hub.train(recipe).status == "done"
    epochs = hub.store.epochs(recipe.id)
    assert epochs[-1]["train"]["cross_entropy"] < epochs[0]["train"]["cross_entropy"]
    # One in ten digits is right by chance.
    assert epochs[-1]["validation"]["accuracy"] > 0.7


def test_it_learns_the_factors_of_sprites(tmp_path):
    hub = Hub.open(tmp_path / "store", device="cpu")
    settings = {"data.subset": 600, "data.size": 16, "train.epochs": 4, "network.hidden": [64]}
    recipe = hub.recipe("classifier", dataset="sprites", settings=settings)
    assert hub.train(recipe).status == "done"
    losses = [epoch["train"]["total"] for epoch in hub.store.epochs(recipe.id)]
    data = hub.model(recipe)[1]
    chance = torch.tensor(data.spec.factor_sizes).float().log().sum()
    assert losses[-1] < losses[0]
    assert losses[-1] < chance


def test_trained_together_it_is_as_one_by_one(data):
    params = TrainParams(epochs=3, batch_size=16)
    parted = data.with_validation(0.2, generator(0, "validation"))
    together = fit_together([EnsembleMember(build(data.spec), parted, seed) for seed in (0, 1)], params)
    alone = [fit(build(data.spec), parted, params, seed=seed) for seed in (0, 1)]
    for one, other in zip(together, alone, strict=True):
        for found, expected in zip(one.history, other.history, strict=True):
            assert found.losses["train"] == pytest.approx(expected.losses["train"], rel=1e-4)


def test_cross_entropy_is_that_of_pytorch(data):
    model, batch = build(data.spec, target="labels"), batch_of(data)
    expected = functional.cross_entropy(model.logits(batch)[0], batch.labels)
    torch.testing.assert_close(model.loss(batch, step()).total, expected)
