"""From names to classes."""

import subprocess
import sys

import pluggy
import pytest

from vaehub import LatentModel, Network, Params, VaehubError
from vaehub.registry import Dataset, Metric, Model, Study
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


def test_the_settings_of_trainings_stand_before_entries_of_the_same_name():
    found = catalog(Dataset("train", "a:A", "a dataset"))
    assert [each.title for each in found.find_all("train")] == ["settings 'train'", "dataset 'train'"]
    assert [each.title for each in found.find_all("ours:train")] == ["dataset 'train'"]
    assert [each.title for each in found.entries()] == ["dataset 'train'"]


def registered(target, params=None):
    return Registered(Model("m", target, "a model", params=params), "theirs", "1.0")


def test_the_class_is_imported_when_it_is_asked_for():
    from vaehub.plugins.models.vae.model import Vae

    assert registered("vaehub.plugins.models.vae.model:Vae").load(LatentModel) is Vae


@pytest.mark.parametrize("target", ["no_such_module:Thing", "vaehub.plugins.models.vae.model:NoSuchClass", "nonsense"])
def test_a_class_that_is_not_there_is_the_fault_of_its_package(target):
    with pytest.raises(
        VaehubError, match=f"model 'm' of theirs cannot be loaded from '{target}'.*a fault of that package"
    ):
        registered(target).load(LatentModel)


def test_a_class_of_another_contract_is_refused():
    with pytest.raises(VaehubError, match="Vae, which is no Network"):
        registered("vaehub.plugins.models.vae.model:Vae").load(Network)


def test_parameters_are_those_of_the_class():
    from vaehub.plugins.models.vae.params import VaeParams

    assert registered("vaehub.plugins.models.vae.model:Vae").load_params() is VaeParams


def test_parameters_named_in_the_manifest_do_not_load_the_class():
    assert registered("no_such_module:Thing", params="vaehub:Params").load_params() is Params


def test_every_built_in_names_the_parameters_that_its_class_has():
    for each in Catalog().entries():
        if each.distribution == "vaehub" and each.entry.has_params:
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
    with pytest.raises(AttributeError, match="attribute .*nonsense"):
        _ = vaehub.nonsense


def test_a_name_of_another_kind_is_no_answer():
    with pytest.raises(VaehubError, match="^unknown model 'relevance'; 'vaehub list model' shows all$"):
        catalog(Metric("relevance", "a:A", "a metric")).find("model", "relevance")


def test_two_near_names_are_both_told():
    names = catalog(Model("vae", "a:A", "one"), Model("ivae", "a:B", "two"), Model("nothing_like_it", "a:C", "three"))
    with pytest.raises(VaehubError, match="did you mean 'vae' or 'ivae'\\?|did you mean 'ivae' or 'vae'\\?"):
        names.find("model", "vvae")


def test_a_name_may_be_asked_for_with_its_distribution_though_nobody_disputes_it():
    assert catalog(Model("vae", "a:A", "a model")).find("model", "ours:vae").entry.target == "a:A"


def test_a_name_of_any_kind_may_be_asked_for_with_its_distribution():
    names = catalog(Model("vae", "a:A", "a model"))
    assert [each.title for each in names.find_all("ours:vae")] == ["model 'vae'"]
    with pytest.raises(VaehubError, match="unknown name 'theirs:vae'; did you mean 'vae'"):
        names.find_all("theirs:vae")


def test_entries_come_in_order_of_kind_and_name():
    names = catalog(
        Metric("b", "a:A", "one"), Dataset("z", "a:A", "two"), Metric("a", "a:A", "three"), Model("y", "a:A", "")
    )
    assert [each.title for each in names.entries()] == ["model 'y'", "dataset 'z'", "metric 'a'", "metric 'b'"]
    assert [each.title for each in names.entries("metric")] == ["metric 'a'", "metric 'b'"]


def test_names_of_different_kinds_are_in_no_conflict():
    assert list(catalog(Model("same", "a:A", "a model"), Metric("same", "a:B", "a metric")).conflicts()) == []


def test_what_is_no_class_is_refused():
    with pytest.raises(
        VaehubError, match="theirs is vaehub:task, which is no LatentModel; this is a fault of that pack"
    ):
        registered("vaehub:task").load(LatentModel)


def test_a_module_that_fails_is_the_fault_of_its_package(tmp_path, monkeypatch):
    (tmp_path / "module_that_fails.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        VaehubError, match=r"'module_that_fails:A': division by zero \(module_that_fails.py, line 1\); this"
    ) as caught:
        registered("module_that_fails:A").load(LatentModel)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("load", ["load", "load_params", "read"])
def test_a_module_that_panics_is_the_fault_of_its_package(tmp_path, monkeypatch, load):
    """Extensions in Rust raise what is no Exception."""
    (tmp_path / "module_that_panics.py").write_text("class PanicException(BaseException): ...\nraise PanicException")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = registered("module_that_panics:A")
    with pytest.raises(
        VaehubError,
        match=r"model 'm' of theirs cannot be .* 'module_that_panics:A': PanicException \(module_.*.py, line 2\); th",
    ):
        found.load(LatentModel) if load == "load" else getattr(found, load)()


def test_an_interruption_while_a_module_loads_is_one(tmp_path, monkeypatch):
    (tmp_path / "module_interrupted.py").write_text("raise KeyboardInterrupt")
    monkeypatch.syspath_prepend(str(tmp_path))
    for call in (registered("module_interrupted:A").load_params, registered("module_interrupted:a.toml").read):
        with pytest.raises(KeyboardInterrupt):
            call()


def test_parameters_that_are_not_there_are_the_fault_of_their_package():
    with pytest.raises(VaehubError, match="model 'm' of theirs cannot be loaded from 'vaehub:NoSuchParams'"):
        registered("vaehub:Network", params="vaehub:NoSuchParams").load_params()


def test_parameters_named_in_the_manifest_leave_the_module_of_the_class_alone(tmp_path, monkeypatch):
    (tmp_path / "heavy_module.py").write_text("class Thing: ...")
    (tmp_path / "light_module.py").write_text("import vaehub\nclass ThingParams(vaehub.Params): ...")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = registered("heavy_module:Thing", params="light_module:ThingParams").load_params()
    assert found.__name__ == "ThingParams"
    assert "heavy_module" not in sys.modules
    del sys.modules["light_module"]


def test_every_built_in_manifest_is_loaded_and_nothing_else_of_its_plugin():
    script = (
        "import sys; from vaehub.registry.discovery import discover;"
        "found = [each for each in discover().plugins if each.distribution == 'vaehub'];"
        "print(len(found) > 0, [each.failure for each in found if each.failure],"
        " [name for name in sys.modules for each in found if name.startswith(f'{each.module}.')])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "True [] []\n"


@pytest.mark.parametrize("module", ["vaehub", "vaehub.registry", "vaehub.registry.catalog"])
def test_importing_loads_nothing_heavy(module):
    script = (
        f"import sys, {module};"
        "heavy = 'torch', 'scipy', 'duckdb', 'h5py', 'sklearn', 'numpy', 'pyarrow', 'pandas', 'matplotlib';"
        "print([name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_every_built_in_file_is_there():
    for each in Catalog().entries():
        if each.distribution == "vaehub" and not each.entry.has_params:
            assert each.read(), each.title


def test_a_file_that_is_not_there_is_the_packages_fault():
    lost = Registered(Study("lost", "vaehub.plugins.ard:none.toml", "nothing"), "acme", "1.0")
    with pytest.raises(VaehubError, match="study 'lost' of acme cannot be read from 'vaehub.plugins.ard:none.toml'"):
        lost.read()
