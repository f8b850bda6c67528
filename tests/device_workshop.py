"""Small trainings and measurements of every model and metric, on any device, without a store."""

from contextlib import nullcontext

import numpy as np
import torch
from pretended_device import pretended

from vaehub import Dataset, Factors, Hub, generator
from vaehub.core.metric import Metric
from vaehub.hub.builder import Builder
from vaehub.hub.requests import metric_of
from vaehub.training.fit import fit

SETTINGS = {"network.hidden": [12], "model.latent_dim": 3, "train.batch_size": 60, "train.epochs": 1}
MODELS = {
    "ae": {},
    "vae": {},
    "beta_vae": {},
    "annealed_vae": {},
    "factor_vae": {"model.discriminator_width": 20},
    "beta_tc_vae": {},
    "dip_vae_i": {},
    "dip_vae_ii": {},
    "ivae": {},
    "ard": {"model.prior": "student_t"},
    "rae": {},
    "wae": {},
    "linear_vae": {},
    "classifier": {},
    "geco_l0_arm": {},
    "mask_aae": {"model.critic_hidden": [8], "model.critic_steps": 1},
}
FEW = {"n_samples": 100}
METRICS = {
    "beta_vae_score": {"n_train": 50, "n_test": 50, "n_pairs": 4},
    "conditioned_response_matrix": FEW,
    "dci": {"n_train": 80, "n_test": 50},
    "dependence": FEW,
    "downstream_probe": {"n_train": 80, "n_test": 50, "classifiers": ["trees"], "subsets": ["all"]},
    "elbo": {},
    "embedding_diversity": FEW,
    "factor_vae_score": {"n_votes": 50, "n_test_votes": 50, "group_size": 8},
    "frechet_distance": FEW,
    "information_plane": FEW,
    "input_similarity": FEW,
    "interpolation": {"n_pairs": 4},
    "intervention": {**FEW, "n_bootstrap": 10},
    "intervention_diversity": {"n_samples": 20},
    "intervention_tradeoff": {**FEW, "n_images": 10},
    "intrinsic_dimension_gride": {**FEW, "max_order": 8},
    "intrinsic_dimension_mle": FEW,
    "intrinsic_dimension_twonn": FEW,
    "irs": FEW,
    "joint_intervention": FEW,
    "kernel_distance": {**FEW, "subset_size": 50, "n_subsets": 3},
    "latent_correlation": FEW,
    "latent_path": {**FEW, "size": 6, "n_frames": 4, "latents": [0, 1]},
    "latent_response_matrix": FEW,
    "latent_scatter": FEW,
    "latent_traces": FEW,
    "mig": FEW,
    "modularity": FEW,
    "precision_recall": {**FEW, "n_clusters": 5, "n_clusterings": 2},
    "prior_samples": {"n": 4},
    "rate_distortion": {"n_batch": 100},
    "reconstruction_error": {},
    "reconstructions": {"n": 4},
    "relevance": {"n_samples": 10},
    "representation_dimension": FEW,
    "representation_signature": FEW,
    "response_field": {**FEW, "size": 5, "n_rest": 3, "n_decoded": 2},
    "sap": {"n_train": 80, "n_test": 50},
    "ssim_diversity": {"n_samples": 20},
    "structure_preservation_index": FEW,
    "structure_score": {**FEW, "n_draws": 50, "n_repeats": 2, "n_permutations": 10},
    "traversal": FEW,
    "variable_types": FEW,
    "linear_vae_theory": {},
    "linear_ivae_theory": FEW,
    "cka": FEW,
    "layer_similarity": FEW,
    "procrustes": FEW,
    "variance_similarity": FEW,
}
OTHER_MODELS = {"linear_vae_theory": "linear_vae", "linear_ivae_theory": "ivae"}
SEARCHES = {"elbow", "fondue", "fondue_beta", "fondue_ib", "fondue_ide", "relevant_dimension"}


class Workshop:
    """Trains and measures without a store, on the CPU or on what pretends to be a device."""

    def __init__(self, folder):
        self.folder = folder
        self.hub = Hub.open(folder / "store", device="cpu")
        rng = np.random.default_rng(0)
        factors = np.stack(np.unravel_index(rng.integers(0, 24, 120), (2, 3, 4)), axis=1)
        x = rng.random((120, 1, 8, 8), dtype=np.float32) / 2 + (factors @ [6, 2, 1])[:, None, None, None] / 40
        known = Factors(("a", "b", "c"), (2, 3, 4), torch.from_numpy(factors))
        self.data = Dataset(x.astype(np.float32), labels=factors[:, 1], factors=known)
        # Linear models have Gaussian likelihoods, which are those of data beyond [0, 1].
        self.vectors = Dataset(6 * self.data.x.flatten(1) - 3, labels=factors[:, 1], factors=known)
        self.builder = Builder(self.hub.catalog, self.hub.store, "cpu")
        self.known = {}

    def trained(self, place, model, network="mlp", seed=0):
        """Return a model that was trained there, its data, and the losses of its epoch."""
        if (key := (place, model, network, seed)) not in self.known:
            settings = SETTINGS | MODELS[model]
            if network == "linear":
                del settings["network.hidden"]
                settings |= {"model.likelihood": "gaussian"} if model == "ivae" else {}
            given = self.vectors if network == "linear" else self.data
            recipe = self.hub.recipe(model, network=network, dataset=given, seed=seed, settings=settings)
            data = self.builder.load(recipe.dataset).with_validation(0.1, generator(seed, "validation split"))
            built = self.builder.build(recipe, data)
            with at(place) as device:
                fitted = fit(built.to(device), data, recipe.train, seed=seed)
            self.known[key] = built.requires_grad_(False), data, [epoch.losses for epoch in fitted.history]
        return self.known[key]

    def measured(self, place, name):
        """Return what a metric measures there."""
        entry, component = metric_of(self.hub.catalog, name, METRICS[name], lambda prefix: prefix)
        metric = self.builder.metric(component, Metric, 0)
        model = OTHER_MODELS.get(name, "vae")
        network = "linear" if name in OTHER_MODELS else "mlp"
        seeds = (0, 1) if entry.subject == "pair" else (0,)
        models = [self.trained(place, model, network, seed)[0] for seed in seeds]
        data = self.trained(place, model, network)[1]
        with at(place):
            if entry.subject == "dataset":
                return values_of(metric.measure(data))
            metric.check(*models, data)
            return values_of(metric.measure(*models, data))


def at(place):
    """Return a context in which the place is a device: pretended, if it is given by name, or one that is there."""
    if isinstance(place, torch.device):
        return nullcontext(place)
    return nullcontext(torch.device("cpu")) if place == "cpu" else pretended(place)


def values_of(result):
    found = {name: np.array(value) for name, value in result.scalars.items()}
    found |= {name: vector.values for name, vector in result.vectors.items()}
    found |= {f"{name}.{key}": column for name, table in result.tables.items() for key, column in table.columns.items()}
    return found | dict(result.arrays)
