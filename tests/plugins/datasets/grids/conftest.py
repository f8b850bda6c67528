"""Official files in small, made here."""

import dataclasses
import hashlib

import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VAEHUB_DATA", raising=False)


@pytest.fixture
def publish(monkeypatch):
    """Let made files count as the published ones, of data with given sizes of factors."""

    def publish(source, *paths, sizes=None):
        sums = {path.name: f"md5:{hashlib.md5(path.read_bytes()).hexdigest()}" for path in paths}
        files = tuple(
            dataclasses.replace(file, checksum=sums.get(file.name, file.checksum), address=None)
            for file in source.card.files
        )
        factors = source.card.factors
        if sizes is not None:
            factors = tuple((name, size) for (name, _), size in zip(factors, sizes, strict=True))
        monkeypatch.setattr(source, "card", dataclasses.replace(source.card, files=files, factors=factors))

    return publish
