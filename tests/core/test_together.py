"""Seeds trained together come to what each would come to alone."""

import pytest
import torch
from checkpoints import Interrupted, Memory
from torch import nn

from vaehub import Dataset, LatentModel, Losses, ModelParams, Network, Params, Posterior, TrainParams
from vaehub import generator as stream
from vaehub.core.errors import TrainingDiverged
from vaehub.core.random import seeded_construction
from vaehub.core.together import CannotBeBatched, EnsembleMember, fit_together
from vaehub.core.training import fit

PARAMS = TrainParams(epochs=3, batch_size=16, learning_rate=0.01)
SEEDS = (0, 1, 2)


class Sampling(LatentModel):
    """Draws twice in a loss, in two ways, and normalises batches."""

    def __init__(self, spec):
        super().__init__(ModelParams(latent_dim=2), Network(Params(), spec, 2, 2), spec)
        self.network.encoder = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))
        self.network.decoder = nn.Linear(2, 4)

    def encode(self, batch):
        return Posterior.split(self.network.encoder(batch.x))

    def decode(self, z):
        return self.network.decoder(z)

    def loss(self, batch, step):
        posterior = self.encode(batch)
        z = posterior.sample(step.generator)
        prior = torch.randn(z.shape, generator=step.generator)
        error = (self.decode(z) - batch.x).square().sum(1).mean()
        return Losses(error + 0.1 * (z * prior).sum(1).mean(), {"reconstruction": error}, omitted=1.5)

    def prior_sample(self, n, generator):
        return torch.randn(n, 2, generator=generator)


class Dropping(Sampling):
    def __init__(self, spec):
        super().__init__(spec)
        self.network.encoder = nn.Sequential(nn.Linear(4, 4), nn.Dropout())


class Deciding(Sampling):
    def loss(self, batch, step):
        losses = super().loss(batch, step)
        return losses if float(losses.total.detach()) > 0 else Losses(losses.total * 2, losses.parts)


class Fragile(Sampling):
    """Becomes NaN in its second epoch, if told so by a buffer."""

    def __init__(self, spec):
        super().__init__(spec)
        self.register_buffer("poison", torch.ones(()))

    def epoch_started(self, epoch):
        if epoch.index == 1 and bool(self.poison < 1):
            self.poison.fill_(float("nan"))

    def loss(self, batch, step):
        losses = super().loss(batch, step)
        return Losses(losses.total * self.poison, losses.parts)


def data(seed, n=70):
    x = torch.randn(n, 4, generator=stream(9, "x"))
    return Dataset(x).with_validation(0.2, stream(seed, "split"))


def made(seed, kind=Sampling):
    with seeded_construction(seed):
        return kind(data(seed).spec)


def members(kind=Sampling, **more):
    return [EnsembleMember(made(seed, kind), data(seed), seed, **more) for seed in SEEDS]


def values(model):
    return torch.cat([value.double().flatten() for value in model.state_dict().values()])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_each_comes_to_what_it_comes_to_alone(precision):
    params = TrainParams(**{**PARAMS.model_dump(), "precision": precision})
    together = members()
    found = fit_together(together, params)
    for member, fitted in zip(together, found, strict=True):
        alone = made(member.seed)
        expected = fit(alone, data(member.seed), params, seed=member.seed)
        # Batched products add up in another order; in bfloat16 that can move the last of 8 bits.
        close = {"rtol": 1e-4, "atol": 1e-5} if precision == "float32" else {"rtol": 0.05, "atol": 0.02}
        torch.testing.assert_close(values(member.model), values(alone), **close)
        for ours, theirs in zip(fitted.history, expected.history, strict=True):
            assert ours.losses["validation"]["total"] == pytest.approx(theirs.losses["validation"]["total"], rel=0.02)
        assert "trained together with seeds 0, 1, 2" in fitted.notes


def test_the_same_seeds_give_the_same_bits():
    first, second = members(), members()
    fit_together(first, PARAMS)
    fit_together(second, PARAMS)
    assert all(torch.equal(values(a.model), values(b.model)) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(("kind", "reason"), [(Dropping, "random"), (Deciding, "data-dependent|item")])
def test_what_cannot_be_batched_is_refused_before_anything_is_learned(kind, reason):
    asked = members(kind)
    before = [values(each.model) for each in asked]
    with pytest.raises(CannotBeBatched, match=reason):
        fit_together(asked, PARAMS)
    assert all(torch.equal(values(each.model), kept) for each, kept in zip(asked, before, strict=True))


def test_one_that_fails_does_not_stop_the_others():
    asked = members(Fragile)
    asked[1].model.poison.fill_(0.5)
    found = fit_together(asked, PARAMS)
    assert isinstance(found[1], TrainingDiverged)
    assert "epoch 2" in str(found[1])
    for index in (0, 2):
        assert len(found[index].history) == PARAMS.epochs
        assert bool(torch.isfinite(values(asked[index].model)).all())


def test_on_the_way_snapshots_are_those_of_shorter_trainings():
    taken = {}

    def keep(seed):
        return {2: lambda model, fitted: taken.update({seed: (values(model), len(fitted.history))})}

    fit_together([EnsembleMember(made(seed), data(seed), seed, snapshots=keep(seed)) for seed in SEEDS], PARAMS)
    shorter = members()
    fit_together(shorter, TrainParams(**{**PARAMS.model_dump(), "epochs": 2}))
    for member in shorter:
        assert torch.equal(taken[member.seed][0], values(member.model))
        assert taken[member.seed][1] == 2


def test_interrupted_and_resumed_they_end_with_the_same_bits():
    def interrupt(record):
        if record.index == 1:
            raise Interrupted

    memories = {seed: Memory() for seed in SEEDS}
    stopped = [
        EnsembleMember(made(seed), data(seed), seed, memories[seed], interrupt if seed == SEEDS[-1] else None)
        for seed in SEEDS
    ]
    with pytest.raises(Interrupted):
        fit_together(stopped, PARAMS)
    resumed = [EnsembleMember(made(seed), data(seed), seed, memories[seed]) for seed in SEEDS]
    fit_together(resumed, PARAMS)
    whole = members()
    fit_together(whole, PARAMS)
    assert all(torch.equal(values(a.model), values(b.model)) for a, b in zip(resumed, whole, strict=True))


def test_states_of_different_epochs_are_not_mixed():
    memories = {seed: Memory() for seed in SEEDS}
    fit(made(0), data(0), TrainParams(**{**PARAMS.model_dump(), "epochs": 2}), seed=0, checkpoint=memories[0])
    fit(made(1), data(1), PARAMS, seed=1, checkpoint=memories[1])
    asked = [EnsembleMember(made(seed), data(seed), seed, memories[seed]) for seed in SEEDS]
    fit_together(asked, PARAMS)
    whole = members()
    fit_together(whole, PARAMS)
    assert all(torch.equal(values(a.model), values(b.model)) for a, b in zip(asked, whole, strict=True))


def test_what_a_batched_program_does_without_is_said():
    asked = TrainParams(**{**PARAMS.model_dump(), "epochs": 1, "compile": True})
    found = fit_together(members(), asked)
    assert "'train.compile' changes nothing where seeds are trained together" in found[0].notes
