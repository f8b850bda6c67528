"""Finding plugins: each on its own, failures kept as values."""

import importlib
import logging
import sys
from textwrap import dedent

import pytest

from vaehub import VaehubError
from vaehub.registry.catalog import Catalog
from vaehub.registry.discovery import discover

GOOD = """
    from vaehub.registry import Metric, hookimpl

    @hookimpl
    def vaehub_catalog():
        return [Metric("{name}_metric", "{name}_work:Work", "a metric")]
"""

# What extensions in Rust raise when they panic derives from BaseException.
PANIC = """
class PanicException(BaseException): ...

raise PanicException("called `Option::unwrap()` on a `None` value")
"""


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Make installed distributions of a module each, without a package index."""
    made = []
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name, manifest, project=None, value=None):
        (tmp_path / f"{name}.py").write_text(dedent(manifest))
        info = tmp_path / f"{project or name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project or name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[vaehub]\n{name} = {value or name}\n")
        made.append(name)
        importlib.invalidate_caches()
        return tmp_path

    yield make
    for name in made:
        sys.modules.pop(name, None)


def plugins():
    return {each.name: each for each in discover().plugins}


def test_an_installed_plugin_is_found_with_its_distribution_and_version(distribution):
    distribution("good", GOOD.format(name="good"), project="good-project")
    found = plugins()["good"]
    assert (found.distribution, found.version, found.failure) == ("good-project", "1.0", None)
    assert [entry.name for entry in found.entries] == ["good_metric"]


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ("import nobody_has_this", "No module named 'nobody_has_this'"),
        ("raise SystemExit('enough')", "enough"),
        (PANIC, "called `Option::unwrap()` on a `None` value"),
        ("class Silent(BaseException): ...\nraise Silent", "Silent"),
        (
            """
            from vaehub.registry import hookimpl
            @hookimpl
            def vaehub_catalog(): raise GeneratorExit("a catalog that leaves")
            """,
            "a catalog that leaves",
        ),
        ("def (", "invalid syntax"),
        (
            """
            from vaehub.registry import hookimpl
            @hookimpl
            def vaehub_catalog(): raise RuntimeError("no catalog today")
            """,
            "no catalog today",
        ),
        (
            """
            from vaehub.registry import hookimpl
            @hookimpl
            def vaehub_catalog(): return ["ard"]
            """,
            "vaehub_catalog holds 'ard', which is none of Model",
        ),
        (
            """
            from vaehub.registry import Model, hookimpl
            @hookimpl
            def vaehub_catalog(): return [Model("twin", "a:A", "one"), Model("twin", "a:B", "two")]
            """,
            "declares model 'twin' twice",
        ),
        (
            """
            from vaehub.registry import hookimpl
            @hookimpl
            def vaehub_catalogue(): return []
            """,
            "unknown hook 'vaehub_catalogue'",
        ),
        (
            """
            from vaehub.registry import hookimpl
            @hookimpl
            def vaehub_catalog(): return None
            """,
            "vaehub_catalog returns None, and it returns a list of entries",
        ),
        (
            """
            from vaehub.registry import hookimpl
            @hookimpl
            def vaehub_catalog(): return []
            @hookimpl
            def vaehub_trained(training): ...
            """,
            "hook 'vaehub_trained' asks for 'training'; its arguments are training_id, status, seconds, recipe, error",
        ),
    ],
)
def test_a_broken_plugin_is_kept_with_its_reason_and_takes_nothing_along(distribution, caplog, manifest, reason):
    distribution("bad", manifest)
    distribution("zgood", GOOD.format(name="zgood"))
    with caplog.at_level(logging.WARNING):
        found = plugins()
    assert reason in found["bad"].failure
    assert "Traceback" in found["bad"].details
    assert found["bad"].entries == ()
    assert found["zgood"].failure is None
    assert found["ard"].failure is None
    [record] = caplog.records
    assert record.getMessage().startswith("plugin 'bad' of bad was not loaded: ")


def test_an_interruption_while_plugins_load_is_one(distribution):
    distribution("slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        plugins()


def test_a_broken_plugin_hears_of_no_event(distribution, caplog):
    distribution(
        "bad",
        """
        from vaehub.registry import hookimpl
        @hookimpl
        def vaehub_catalog(): raise RuntimeError
        @hookimpl
        def vaehub_trained(training_id, status, seconds): raise AssertionError("a broken plugin was called")
        """,
    )
    assert (
        discover().manager.hook.vaehub_trained(training_id="a", status="done", seconds=1.0, recipe={}, error=None) == []
    )


def test_only_the_named_plugins_are_loaded(monkeypatch):
    monkeypatch.setenv("VAEHUB_PLUGINS", "ard, digits")
    assert set(plugins()) == {"ard", "digits"}


def test_a_named_plugin_that_is_not_installed_is_an_error(monkeypatch):
    monkeypatch.setenv("VAEHUB_PLUGINS", "ard,digit")
    with pytest.raises(VaehubError, match=r"VAEHUB_PLUGINS names plugin 'digit', .* did you mean 'digits'"):
        discover()


def twins(distribution):
    for name in ("one", "two"):
        distribution(
            name,
            f"""
            from vaehub.registry import Metric, hookimpl
            @hookimpl
            def vaehub_catalog(): return [Metric("shared", "{name}_work:Work", "of {name}")]
            """,
            project=f"{name}-project",
        )
    return Catalog()


def test_a_name_claimed_twice_is_an_error_that_names_both(distribution):
    with pytest.raises(VaehubError, match=r"metric 'shared' is claimed by one-project and two-project; ask for"):
        twins(distribution).find("metric", "shared")


def test_a_name_claimed_twice_can_be_asked_for_by_distribution(distribution):
    assert twins(distribution).find("metric", "two-project:shared").entry.summary == "of two"


def test_conflicts_are_listed(distribution):
    assert list(twins(distribution).conflicts()) == [("metric", "shared", ["one-project", "two-project"])]


def test_two_distributions_may_share_the_name_of_an_entry_point(distribution, tmp_path):
    folder = distribution("same", GOOD.format(name="same"), project="first")
    info = folder / "second-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: second\nVersion: 1.0\n")
    (folder / "other.py").write_text(dedent(GOOD.format(name="other")))
    (info / "entry_points.txt").write_text("[vaehub]\nsame = other\n")
    importlib.invalidate_caches()
    found = {each.distribution: each.failure for each in discover().plugins if each.name == "same"}
    sys.modules.pop("other", None)
    assert found == {"first": None, "second": None}


def test_plugins_come_in_order_of_their_names(distribution):
    for name in ("zeta", "alpha"):
        distribution(name, GOOD.format(name=name))
    names = [each.name for each in discover().plugins]
    assert names == sorted(names)
    assert {"alpha", "zeta", "ard"} <= set(names)


def test_finding_plugins_imports_nothing_that_they_name(distribution):
    distribution("good", GOOD.format(name="good"))
    assert plugins()["good"].entries[0].target == "good_work:Work"
    assert "good_work" not in sys.modules


def test_a_plugin_may_be_an_object_within_a_module(distribution):
    distribution(
        "object",
        """
        from vaehub.registry import Metric, hookimpl

        class Manifest:
            @hookimpl
            def vaehub_catalog(self):
                return [Metric("of_object", "a:A", "a metric")]

        manifest = Manifest()
        """,
        value="object:manifest",
    )
    found = plugins()["object"]
    assert (found.failure, [entry.name for entry in found.entries]) == (None, ["of_object"])


def test_a_manifest_may_yield_its_entries_one_by_one(distribution):
    distribution(
        "yielding",
        """
        from vaehub.registry import Metric, Model, hookimpl

        @hookimpl
        def vaehub_catalog():
            yield Metric("same", "a:A", "a metric")
            yield Model("same", "a:B", "a model")
        """,
    )
    assert [entry.kind for entry in plugins()["yielding"].entries] == ["metric", "model"]


def test_an_entry_point_that_points_nowhere_is_a_failure(distribution, caplog):
    distribution("nowhere", "", value="nowhere:manifest")
    assert plugins()["nowhere"].failure == "module 'nowhere' has no attribute 'manifest'"


def test_every_broken_plugin_is_warned_of_once(distribution, caplog):
    for name in ("bad", "worse"):
        distribution(name, f"raise RuntimeError('{name} indeed')")
    with caplog.at_level(logging.WARNING):
        discover()
    assert [record.getMessage() for record in caplog.records] == [
        f"plugin '{name}' of {name} was not loaded: {name} indeed ({name}.py, line 1); "
        "'vaehub --debug plugin list' tells more"
        for name in ("bad", "worse")
    ]


def test_a_plugin_that_works_is_not_warned_of(distribution, caplog):
    distribution("good", GOOD.format(name="good"))
    with caplog.at_level(logging.WARNING):
        discover()
    assert caplog.records == []


def test_a_failure_without_words_is_named_by_its_type(distribution, caplog):
    distribution("bad", "raise NotImplementedError")
    assert plugins()["bad"].failure == "NotImplementedError (bad.py, line 1)"


def test_a_plugin_hears_of_events_with_as_much_as_it_asked_for(distribution):
    distribution(
        "listener",
        """
        from vaehub.registry import hookimpl

        @hookimpl
        def vaehub_epoch_ended(epoch, losses):
            return epoch, losses["train"]["total"]
        """,
    )
    hook = discover().manager.hook
    assert hook.vaehub_epoch_ended(training_id="a", epoch=3, losses={"train": {"total": 0.5}}) == [(3, 0.5)]


def test_a_plugin_that_only_listens_contributes_nothing_and_is_no_failure(distribution):
    distribution("listener", "from vaehub.registry import hookimpl\n@hookimpl\ndef vaehub_trained(status): ...\n")
    found = plugins()["listener"]
    assert (found.entries, found.failure) == ((), None)


def test_a_plugin_that_is_not_named_is_not_even_imported(distribution, monkeypatch, caplog):
    distribution("bad", "raise RuntimeError('imported')")
    monkeypatch.setenv("VAEHUB_PLUGINS", "ard")
    with caplog.at_level(logging.WARNING):
        assert set(plugins()) == {"ard"}
    assert caplog.records == []
    assert "bad" not in sys.modules


def test_a_named_plugin_like_no_other_is_answered_with_those_installed(monkeypatch):
    monkeypatch.setenv("VAEHUB_PLUGINS", "qqq")
    with pytest.raises(VaehubError, match=r"names plugin 'qqq', which is not installed; installed are ard, celeba, "):
        discover()


@pytest.mark.parametrize("names", ["ard,,digits,", " ard ,digits", "digits,ard"])
def test_spaces_and_empty_names_in_the_selection_are_nothing(monkeypatch, names):
    monkeypatch.setenv("VAEHUB_PLUGINS", names)
    assert set(plugins()) == {"ard", "digits"}


def test_an_empty_selection_selects_everything(monkeypatch):
    everything = set(plugins())
    monkeypatch.setenv("VAEHUB_PLUGINS", "")
    assert set(plugins()) == everything


def test_a_name_claimed_twice_says_how_to_ask_for_each(distribution):
    with pytest.raises(VaehubError, match="; ask for 'one-project:shared' or 'two-project:shared'$"):
        twins(distribution).find("metric", "shared")


def test_a_name_claimed_twice_is_found_twice_when_all_are_asked_for(distribution):
    found = twins(distribution).find_all("shared")
    assert [each.distribution for each in found] == ["one-project", "two-project"]


def test_a_name_claimed_by_others_cannot_be_had_of_a_third(distribution):
    with pytest.raises(VaehubError, match="unknown metric 'third:shared'"):
        twins(distribution).find("metric", "third:shared")


def test_a_failed_plugin_claims_no_name(distribution, caplog):
    distribution("one", GOOD.format(name="shared").replace("return", "1 / 0; return"))
    distribution("two", GOOD.format(name="shared"))
    found = Catalog()
    assert found.find("metric", "shared_metric").distribution == "two"
    assert list(found.conflicts()) == []
