"""The contract of a feature extractor: what is expected of a stranger's, and what the user is told of a broken one."""

import pytest
import torch
from torch import nn

from vaehub import Batch, DataError, Params, VaehubError
from vaehub.features import FeatureExtractor, FeatureParams, WeightsParams
from vaehub.features.extractor import load_extractor
from vaehub.files import checksum

CPU = torch.device("cpu")


@pytest.fixture
def batch():
    return Batch(torch.rand(4, 1, 8, 8))


def extractor_of(function):
    """Return an extractor that makes features by a function."""

    class Made(FeatureExtractor):
        def __call__(self, batch):
            return function(batch.x)

    return load_extractor(Made, Params(), name="made", device=CPU)


def test_features_are_rows_without_gradients(batch):
    weight = torch.ones(8, requires_grad=True)
    found = extractor_of(lambda x: x * weight)(batch)
    assert torch.equal(found, batch.x.flatten(1))
    assert not found.requires_grad


def test_weights_that_are_drawn_are_the_same_ones_each_time_and_disturb_no_other(batch):
    class Drawn(FeatureExtractor):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.layer = nn.Linear(64, 3)

        def __call__(self, batch):
            return self.layer(batch.x.flatten(1))

    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        state = torch.random.get_rng_state()
        found.append(load_extractor(Drawn, Params(), name="drawn", device=CPU)(batch))
        assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(*found)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (
            lambda x: x.flatten(),
            r"'made' gives torch.float32 of shape \(256,\) for 4 observations; a tensor of real num",
        ),
        (lambda x: x[:3], r"'made' gives torch.float32 of shape \(3, 1, 8, 8\) for 4 observations"),
        (lambda x: x.flatten(1)[:, :0], r"'made' gives torch.float32 of shape \(4, 0\) for 4 observations"),
        (lambda x: x.to(torch.complex64), "'made' gives torch.complex64 of shape"),
        (lambda x: [1, 2, 3, 4], "'made' gives a list for 4 observations"),
        (lambda x: x @ torch.ones(5), r"extractor 'made' cannot take observations of shape \(1, 8, 8\): "),
    ],
)
def test_what_are_no_features_is_said_in_one_sentence(batch, function, words):
    with pytest.raises(VaehubError, match=words) as told:
        extractor_of(function)(batch)
    assert "\n" not in str(told.value)


def test_a_refusal_by_the_extractor_itself_is_passed_on(batch):
    def refuse(x):
        raise DataError("these are no photographs")

    with pytest.raises(DataError, match="^these are no photographs$"):
        extractor_of(refuse)(batch)


def test_an_extractor_that_cannot_be_made_is_named():
    class Broken(FeatureExtractor):
        def __init__(self, *arguments):
            raise RuntimeError("no such layer")

        def __call__(self, batch):
            raise AssertionError

    with pytest.raises(VaehubError, match="^feature extractor 'broken' cannot be made: .*no such layer"):
        load_extractor(Broken, Params(), name="broken", device=CPU)


def test_a_stored_training_is_looked_for_where_there_is_a_store():
    class Encoder(FeatureExtractor):
        def __call__(self, batch):
            return self.model_of("9b51")

    with pytest.raises(VaehubError, match="training '9b51' is looked for in a store, and there is none here"):
        Encoder(Params(), CPU).model_of("9b51")
    assert Encoder(Params(), CPU, str.upper).model_of("9b51") == "9B51"


# Files of weights


def test_weights_are_known_by_what_they_hold(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"weights")
    (tmp_path / "b.bin").write_bytes(b"weights")
    a, b = WeightsParams(weights=tmp_path / "a.bin"), WeightsParams(weights="b.bin")
    assert a.identity() == b.identity() == {"content": checksum(tmp_path / "a.bin", "sha256")}
    assert b.file() == tmp_path / "b.bin"


def test_an_extractor_looks_for_its_weights_where_it_knows(tmp_path):
    class Packaged(WeightsParams):
        @classmethod
        def find(cls, named):
            return named or tmp_path / "packaged.bin"

    (tmp_path / "packaged.bin").write_bytes(b"weights")
    params = Packaged()
    assert params.content == checksum(tmp_path / "packaged.bin", "sha256")
    (tmp_path / "packaged.bin").write_bytes(b"other weights")
    with pytest.raises(VaehubError, match=r"packaged.bin' have sha256:.* and had sha256:.*; put that file back"):
        params.file()


def test_weights_that_are_known_and_not_named_are_asked_for():
    assert WeightsParams().file() is None
    with pytest.raises(
        VaehubError, match="weights of sha256:0 are needed, and no file is named; set '-s metric.weights="
    ):
        WeightsParams(content="sha256:0").file()


# What identifies an extractor among the parameters of a metric


def test_options_and_revision_are_part_of_the_identity_only_where_there_are_any():
    assert FeatureParams().identity().keys() == {"features", "training", "module", "content"}
    found = FeatureParams(features="acme:patches", options={"side": 2}, extractor_revision=2).identity()
    assert (found["options"], found["extractor_revision"]) == ({"side": 2}, 2)
