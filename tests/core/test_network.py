"""What every network has from its contract."""

import torch

from vaehub import DataSpec, LatentModel, Losses, ModelParams, Network, Params, Posterior


class Pair(Network):
    def __init__(self, params, spec, latent_dim, n_statistics):
        super().__init__(params, spec, latent_dim, n_statistics)
        self.encoder = torch.nn.Linear(spec.n_values, n_statistics * latent_dim)
        self.decoder = torch.nn.Linear(latent_dim, spec.n_values)


class OnPair(LatentModel):
    def encode(self, batch):
        return Posterior.split(self.network.encoder(batch.x))

    def decode(self, z):
        return self.network.decoder(z)

    def loss(self, batch, step):
        error = (self.decode(self.encode(batch).mu) - batch.x).square().mean()
        return Losses(error, {"reconstruction": error})

    def prior_sample(self, n, generator):
        return torch.randn(n, self.latent_dim, generator=generator)


def test_a_network_is_learned_and_kept_with_the_model_on_top_of_it():
    spec = DataSpec((6,), True)
    network = Pair(Params(), spec, 3, 2)
    model = OnPair(ModelParams(latent_dim=3), network, spec)
    assert {id(weight) for weight in network.parameters()} <= {id(weight) for weight in model.parameters()}
    assert {f"network.{name}" for name in network.state_dict()} <= set(model.state_dict())


def test_a_network_knows_what_it_was_built_for():
    network = Pair(Params(), DataSpec((2, 3, 4), True), 5, 2)
    assert network.encoder(torch.zeros(7, 24)).shape == (7, network.latent_dim * network.n_statistics)
    assert network.decoder(torch.zeros(7, network.latent_dim)).shape == (7, network.spec.n_values)
