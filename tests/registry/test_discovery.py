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


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Make installed distributions of a module each, without a package index."""
    made = []
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name, manifest, project=None):
        (tmp_path / f"{name}.py").write_text(dedent(manifest))
        info = tmp_path / f"{project or name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project or name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[vaehub]\n{name} = {name}\n")
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
            "not iterable",
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
    assert discover().manager.hook.vaehub_trained(training_id="a", status="done", seconds=1.0) == []


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
    found = [each.distribution for each in discover().plugins if each.name == "same"]
    sys.modules.pop("other", None)
    assert sorted(found) == ["first", "second"]
