"""What several metrics of responses refuse, and show, alike."""

import pytest
import torch
from torch import nn

from vaehub import Dataset, VaehubError, generator, wrap

ALL = {"split": "all"}
QUICK = {"model.latent_dim": 4, "train.epochs": 3}
SMALL = {"size": 15, "n_decoded": 4}
PLANE = {"model.latent_dim": 2, "train.epochs": 3}


@pytest.mark.parametrize("metric", ["latent_response_matrix", "structure_score", "response_field", "latent_path"])
def test_models_that_cannot_respond_are_refused_before_training(hub, metric):
    with pytest.raises(VaehubError, match=rf"metric '{metric}' needs a model with a decoder"):
        hub.run("classifier", metric, settings=QUICK)
    with pytest.raises(VaehubError, match="of which no factors or labels are known, and this model cannot"):
        hub.run("ivae", metric, settings={**QUICK, "metric.split": "all"})
    assert not hub.store.exists


@pytest.mark.parametrize(
    ("metric", "more", "remedy"),
    [
        ("structure_score", {}, "'vae' has one"),
        ("latent_response_matrix", {"source": "prior"}, "'-s metric.source=posterior' needs none"),
        ("response_field", {"source": "prior"}, "'-s metric.source=posterior' needs none"),
    ],
)
def test_models_without_a_prior_are_refused_where_one_is_drawn_from(hub, perfect, data, metric, more, remedy):
    def without(n, random):
        raise VaehubError("model 'mine' has no prior")

    perfect.prior_sample = without
    with pytest.raises(VaehubError, match=f"'{metric}' draws from the prior: model 'mine' has no prior; {remedy}"):
        hub.measure(metric, perfect, data=data, settings={**ALL, **more})


@pytest.mark.parametrize("metric", ["response_field", "latent_path"])
def test_a_grid_of_one_point_or_without_extent_is_refused(hub, metric):
    with pytest.raises(VaehubError, match=r"was given a grid of 1 x 1 points, and needs at least 2 along each axis"):
        hub.run("vae", metric, settings={**PLANE, "metric.size": 1})
    with pytest.raises(VaehubError, match=r"the extent 2, -2, -2, 2, which does not rise"):
        hub.run("vae", metric, settings={**PLANE, "metric.extent": [2, -2, -2, 2]})
    assert not hub.store.exists


@pytest.mark.parametrize("n_values", [2, 3, 5])
def test_plots_of_vectors_show_what_can_be_shown(shared, n_values):
    x = torch.randn(300, n_values, generator=generator(0, "x"))
    model = wrap(encoder=nn.Linear(n_values, 2), decoder=nn.Linear(2, n_values))
    field = shared.measure("response_field", model, data=Dataset(x), settings={**ALL, **SMALL})
    is_shown = any("decodes to" in axes.get_title() for axes in shared.figure(field.id).axes)
    path = shared.measure("latent_path", model, data=Dataset(x), settings={**ALL, "size": 12, "extent": [-9, 9, -9, 9]})
    lines = any("decode to" in axes.get_title() for axes in shared.figure(path.id).axes)
    assert is_shown == lines == (n_values < 5)
