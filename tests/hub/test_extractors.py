"""A stranger's feature extractor, from a name among a metric's parameters to features."""

from pathlib import Path
from typing import Annotated

import pluggy
import pytest
import torch

from vaehub import Batch, Field, Params, StoredTraining, VaehubError
from vaehub.features import FeatureExtractor, FeatureParams, WeightsParams
from vaehub.files import checksum
from vaehub.hub.extractors import Extractors, with_identities
from vaehub.registry import Features
from vaehub.registry.catalog import Catalog
from vaehub.registry.discovery import Discovered, Plugin

HERE = __name__


class Rows(FeatureExtractor):
    """The first rows of an image."""

    class Params(Params):
        n: int = Field(2, gt=0, description="rows")

    def __call__(self, batch):
        return batch.x[:, :, : self.params.n]


class Weighed(FeatureExtractor):
    class Params(WeightsParams):
        encoder: Annotated[str | None, StoredTraining()] = None

    def __call__(self, batch):
        return batch.x * float(self.params.file().read_text())


def catalog(*plugins):
    found = [Plugin("p", distribution, "1.0", "p", entries) for distribution, *entries in plugins]
    return Catalog(Discovered(tuple(found), pluggy.PluginManager("vaehub")))


def rows(**more):
    return Features("rows", f"{HERE}:Rows", "first rows", **more)


ACME = catalog(("acme", rows(), Features("weighed", f"{HERE}:Weighed", "weighed")))


def named(among=ACME, find=str, **settings):
    return with_identities(among, FeatureParams(**settings), find, owner="metric 'any'")


def made(params, among=ACME):
    return Extractors(among, None)(params, torch.device("cpu"))


def test_an_extractor_is_given_its_options():
    x = torch.rand(3, 1, 4, 4)
    for options, n in ((None, 2), ({"n": 3}, 3)):
        assert torch.equal(made(named(features="rows", options=options))(Batch(x)), x[:, :, :n].flatten(1))


def test_an_extractor_is_identified_by_distribution_and_by_all_of_its_options():
    plain, same = named(features="rows"), named(features="acme:rows", options={"n": 2})
    assert plain.identity() == same.identity()
    assert (plain.features, plain.options) == ("acme:rows", {"n": 2})
    assert named(features="rows", options={"n": 3}).identity() != plain.identity()
    # What is stored identifies the same extractor again.
    assert named(**plain.identity()) == plain


def test_a_raised_revision_is_another_identity():
    second = catalog(("acme", rows(revision=2)))
    assert named(second, features="rows").identity() != named(features="rows").identity()
    with pytest.raises(
        VaehubError, match="'rows' is installed in revision 1, and metric 'any' is asked with revision 2"
    ):
        named(**named(second, features="rows").identity())


def test_a_name_that_two_claim_is_asked_for_with_its_distribution():
    others = catalog(("one", rows()), ("acme", rows()))
    with pytest.raises(VaehubError, match="features 'rows' is claimed by .*; ask for 'one:rows' or 'acme:rows'"):
        named(others, features="rows")


def test_a_name_of_ours_is_ours_whoever_else_claims_it():
    both = catalog(("acme", rows()), ("vaehub", rows()))
    assert named(both, features="rows").features == "rows"
    assert named(both, features="acme:rows").features == "acme:rows"
    assert named(both, features="vaehub:rows").features == "rows"
    assert made(named(both, features="vaehub:rows"), both)(Batch(torch.rand(3, 1, 4, 4))).shape == (3, 8)


def test_weights_of_a_strangers_extractor_are_known_by_what_they_hold():
    Path("two.txt").write_text("2")
    params = named(features="weighed", weights="two.txt")
    assert params.content == checksum(Path("two.txt"), "sha256")
    assert params.incidental() == {"weights": str(Path("two.txt").resolve())}
    x = torch.rand(3, 2)
    assert torch.equal(made(params)(Batch(x)), 2 * x)


def test_a_training_among_the_options_is_known_by_its_whole_id():
    params = named(find={"9b": "9b51"}.__getitem__, features="weighed", options={"encoder": "9b"})
    assert params.options == {"encoder": "9b51"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"features": "row"}, r"unknown features 'row'; did you mean 'rows'\? 'vaehub list features' shows all"),
        (
            {"features": "rows", "options": {"n": 0}},
            "metric 'any' with features 'rows' was given .* 'n' is 0 and should",
        ),
        ({"features": "rows", "options": {"m": 0}}, "'m' is not one of its parameters, .*n"),
        (
            {"features": "rows", "weights": "w.pt"},
            "'weights' is 'w.pt', and 'features' is 'rows', which takes no 'weights'",
        ),
        ({"features": "weighed", "weights": "w.pt"}, "there is no file '.*w.pt', which 'weights' names"),
    ],
)
def test_what_does_not_fit_the_extractor_is_refused(settings, words):
    with pytest.raises(VaehubError, match=words):
        named(**settings)


def test_what_is_no_extractor_is_the_fault_of_its_package():
    wrong = catalog(("acme", Features("rows", "vaehub:Hub", "no extractor", params="vaehub:Params")))
    with pytest.raises(VaehubError, match="features 'rows' of acme is vaehub:Hub, which is no FeatureExtractor"):
        made(named(wrong, features="rows"), wrong)
