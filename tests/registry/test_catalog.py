"""From names to classes."""

import subprocess
import sys

import pluggy
import pytest

from vaehub import LatentModel, Network, Params, VaehubError
from vaehub.registry import Metric, Model
from vaehub.registry.catalog import Catalog, Registered
from vaehub.registry.discovery import Discovered, Plugin


def catalog(*entries, distribution="ours"):
    plugin = Plugin("p", distribution, "1.0", "p", entries)
    return Catalog(Discovered((plugin,), pluggy.PluginManager("vaehub")))


def test_a_name_is_found_in_its_kind():
    found = catalog(Model("same", "a:A", "a model"), Metric("same", "a:B", "a metric"))
    assert found.find("metric", "same").entry.summary == "a metric"
    assert [each.entry.kind for each in found.find_all("same")] == ["model", "metric"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("relevence", r"unknown metric 'relevence'; did you mean 'relevance'\? 'vaehub list metric' shows all"),
        ("zzz", "unknown metric 'zzz'; 'vaehub list metric' shows all"),
        ("other:relevance", "unknown metric 'other:relevance'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_ones(name, words):
    with pytest.raises(VaehubError, match=words):
        catalog(Metric("relevance", "a:A", "a metric")).find("metric", name)


def test_an_unknown_name_of_any_kind_is_answered_alike():
    with pytest.raises(VaehubError, match="unknown name 'relevence'; did you mean 'relevance'"):
        catalog(Metric("relevance", "a:A", "a metric")).find_all("relevence")


def registered(target, params=None):
    return Registered(Model("m", target, "a model", params=params), "theirs", "1.0")


def test_the_class_is_imported_when_it_is_asked_for():
    from vaehub.plugins.vae.model import Vae

    assert registered("vaehub.plugins.vae.model:Vae").load(LatentModel) is Vae


@pytest.mark.parametrize("target", ["no_such_module:Thing", "vaehub.plugins.vae.model:NoSuchClass", "nonsense"])
def test_a_class_that_is_not_there_is_the_fault_of_its_package(target):
    with pytest.raises(
        VaehubError, match=f"model 'm' of theirs cannot be loaded from '{target}'.*a fault of that package"
    ):
        registered(target).load(LatentModel)


def test_a_class_of_another_contract_is_refused():
    with pytest.raises(VaehubError, match="Vae, which is no Network"):
        registered("vaehub.plugins.vae.model:Vae").load(Network)


def test_parameters_are_those_of_the_class():
    from vaehub.plugins.vae.params import VaeParams

    assert registered("vaehub.plugins.vae.model:Vae").load_params() is VaeParams


def test_parameters_named_in_the_manifest_do_not_load_the_class():
    assert registered("no_such_module:Thing", params="vaehub:Params").load_params() is Params


def test_every_built_in_names_the_parameters_that_its_class_has():
    for each in Catalog().entries():
        if each.distribution == "vaehub":
            assert each.load(object).Params is each.load_params(), each.title


def test_manifests_load_nothing_heavy():
    script = (
        "import sys, vaehub, vaehub.registry; from vaehub.registry.catalog import Catalog; Catalog();"
        "print([name for name in ('torch', 'scipy', 'duckdb', 'h5py', 'sklearn') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_every_public_name_can_be_had():
    import vaehub

    assert all(getattr(vaehub, name) is not None for name in vaehub.__all__)
    assert set(vaehub.__all__) <= set(dir(vaehub))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = vaehub.nonsense
