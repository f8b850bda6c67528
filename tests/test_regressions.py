"""What was once wrong in the core and the registry, and must not come back."""

import importlib
import logging
import math
import pickle
import sys

import numpy as np
import pytest
import torch

from vaehub import (
    DataError,
    Dataset,
    Factors,
    LatentModel,
    Losses,
    ModelParams,
    Network,
    Params,
    Posterior,
    TrainingDiverged,
    TrainParams,
    VaehubError,
)
from vaehub import generator as stream
from vaehub.analysis import accepts_arrays
from vaehub.core.params import parse
from vaehub.core.random import seeded_construction
from vaehub.registry import Model
from vaehub.registry.catalog import Registered
from vaehub.registry.discovery import discover
from vaehub.training.fit import fit


class Told(LatentModel):
    def __init__(self, spec, loss, dropout=0.0):
        super().__init__(ModelParams(latent_dim=1), Network(Params(), spec, 1, 1), spec)
        self.inside, self.dropout, self.told = torch.nn.Linear(spec.n_values, 1), torch.nn.Dropout(dropout), loss

    def encode(self, batch):
        return Posterior(self.inside(batch.x), None)

    def decode(self, z):
        return z

    def loss(self, batch, step):
        return self.told(self, batch, step)

    def prior_sample(self, n, generator):
        return torch.zeros(n, 1)


def constant(model, value):
    return Losses(0 * model.inside.bias.sum() + value, {})


def data(n=40, p=1, share=0.2):
    return Dataset(torch.rand(n, p, generator=stream(0, "x"))).with_validation(share, stream(0, "s"))


def train(loss, dataset=None, dropout=0.0, **params):
    dataset = dataset or data()
    with seeded_construction(0):
        model = Told(dataset.spec, loss, dropout)
    return model, fit(model, dataset, TrainParams(**params), seed=0).history


def test_nan_in_a_validation_pass_of_over_100_batches_names_the_validation_part():
    many = Dataset(torch.rand(110_000, 1), splits={"train": range(10), "validation": range(10, 110_000)})

    def loss(m, b, s):
        error = m.inside(b.x).square().mean()
        return Losses(error if m.training else error * math.nan, {})

    with pytest.raises(TrainingDiverged, match="on the validation split"):
        train(loss, many, epochs=1, batch_size=10)


def test_a_training_of_a_network_with_dropout_depends_on_its_seed_alone():
    def loss(m, b, s):
        return Losses((m.inside(m.dropout(b.x)) - 1).square().mean(), {})

    weights = []
    for unrelated in (1, 2):
        torch.manual_seed(unrelated)
        weights.append(train(loss, data(p=8), dropout=0.5, epochs=4, batch_size=8)[0].inside.weight)
    assert torch.equal(*weights)


def test_the_learning_rate_falls_for_a_constant_negative_loss_as_for_a_positive_one():
    rates = [
        [
            r.learning_rate
            for r in train(lambda m, b, s, c=c: Losses(0 * m.inside.bias.sum() + c, {}), epochs=6, lr_patience=1)[1]
        ]
        for c in (10.0, -10.0)
    ]
    assert rates[0] == rates[1]


def test_the_learning_rate_stays_while_the_loss_is_better_every_epoch():
    _, history = train(
        lambda m, b, s: Losses(0 * m.inside.bias.sum() + 100 - 1e-3 * s.epoch, {}), epochs=6, lr_patience=0
    )
    assert len({r.learning_rate for r in history}) == 1


def test_a_training_never_ends_well_with_weights_that_are_nan():
    def loss(m, b, s):
        return Losses((0 * m.inside(b.x)).sum().abs().sqrt() + 1, {})  # finite loss, NaN gradient

    with pytest.raises(TrainingDiverged):
        train(loss, data(share=0), epochs=1)


def test_batch_size_one_means_one():
    sizes = []

    def loss(m, b, s):
        sizes.append(len(b))
        return Losses(m.inside(b.x).square().mean(), {})

    train(loss, data(n=5, share=0), epochs=1, batch_size=1)
    assert sizes == [1] * 5


def test_a_single_number_as_array_keeps_its_shape():
    assert accepts_arrays(lambda x: x)(np.array(3.0)).shape == ()


def test_a_read_only_array_is_accepted_without_a_warning():
    x = np.ones(3)
    x.setflags(write=False)
    accepts_arrays(lambda x: x)(x)


def test_read_only_bytes_make_a_dataset_without_a_warning():
    Dataset(np.frombuffer(bytes(8), np.uint8).reshape(2, 4))


@pytest.mark.parametrize("rows", [range(9), [-1], np.array([False, True, True])])
def test_a_part_of_rows_that_are_not_there_is_refused(rows):
    with pytest.raises(DataError):
        Dataset(np.zeros((3, 2)), splits={"train": rows})


def test_labels_that_are_no_whole_numbers_are_refused():
    with pytest.raises(DataError):
        Dataset(np.zeros((2, 2)), labels=np.array([0.5, 1.7]))


def test_negative_labels_are_answered_with_what_is_wrong():
    with pytest.raises(DataError, match="-1"):
        Dataset(np.zeros((2, 2)), labels=np.array([0, -1]))


@pytest.mark.parametrize("classes", [torch.tensor([[0.5], [1.0]]), torch.tensor([[0], [1]], dtype=torch.int32)])
def test_factors_of_a_batch_are_int64(classes):
    try:
        found = Dataset(np.zeros((2, 2)), factors=Factors(("a",), (2,), classes)).batch(slice(None)).factors.dtype
    except DataError:
        return
    assert found == torch.int64


def test_seven_percent_of_a_hundred_are_seven():
    assert len(data(n=100, share=0.07).splits["validation"]) == 7


def test_a_failed_encoding_leaves_the_mode_as_it_was():
    class Broken(Told):
        def encode(self, batch):
            raise RuntimeError

    model = Broken(data().spec, None).train()
    with pytest.raises(RuntimeError):
        model.encode_all(data())
    assert model.training


def test_a_layer_frozen_in_evaluation_mode_stays_frozen():
    model = Told(data().spec, None).train()
    model.dropout.eval()
    model.encode_all(data())
    assert not model.dropout.training


class Needy(Params):
    width: int


def test_a_missing_parameter_is_not_said_to_be_all_the_others():
    with pytest.raises(VaehubError) as caught:
        parse(Needy, {}, owner="x")
    assert "'width' is {}" not in str(caught.value)


def test_an_error_survives_the_way_between_processes():
    assert pickle.loads(pickle.dumps(TrainingDiverged("m", epoch=1))).epoch == 1


def registered(target, params=None):
    return Registered(Model("m", target, "s", params=params), "theirs", "1.0")


def test_a_class_without_params_is_the_fault_of_its_package():
    with pytest.raises(VaehubError, match="fault of that package"):
        registered("collections:OrderedDict").load_params()


def test_params_that_are_none_are_the_fault_of_their_package():
    with pytest.raises(VaehubError, match="fault of that package"):
        registered("a:B", params="collections:OrderedDict").load_params()


def test_a_module_that_exits_is_the_fault_of_its_package(tmp_path, monkeypatch):
    (tmp_path / "exits.py").write_text("raise SystemExit(0)")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(VaehubError):
        registered("exits:A").load(object)


@pytest.fixture
def install(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    names = []

    def make(name, source, points=None, metadata=True):
        (tmp_path / f"{name}.py").write_text(source)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        if metadata:
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[vaehub]\n{points or f'{name} = {name}'}\n")
        names.append(name)
        importlib.invalidate_caches()

    yield make
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "source",
    [
        "raise ValueError('a\\nb')",
        "from vaehub.registry import hookimpl\n@hookimpl\ndef vaehub_trained(nonsense): ...\n",
    ],
)
def test_a_broken_plugin_is_warned_of_in_one_line(install, caplog, source):
    install("zz", source)
    with caplog.at_level(logging.WARNING):
        discover()
    [record] = caplog.records
    assert "\n" not in record.getMessage()


def test_an_entry_without_a_kind_is_told_apart(install):
    install(
        "zz",
        "from vaehub.registry import Entry, hookimpl\n@hookimpl\ndef vaehub_catalog(): return [Entry('a','b:C','s')]\n",
    )
    [failure] = [p.failure for p in discover().plugins if p.name == "zz"]
    assert "none of Model" in failure


def test_two_distributions_with_one_entry_point_are_both_seen(install, tmp_path):
    install("zz", "from vaehub.registry import hookimpl\n@hookimpl\ndef vaehub_catalog(): return []\n")
    install("yy", "", points="zz = zz")
    assert {p.distribution for p in discover().plugins} >= {"zz", "yy"}
