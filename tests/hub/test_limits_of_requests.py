"""What the store cannot keep, and names that no file can have, are refused before any work."""

import pytest

from vaehub import VaehubError
from vaehub.store.store import Store

LARGEST = 2**63 - 1


@pytest.mark.parametrize("seed", [LARGEST + 1, 2**64, -1])
def test_a_seed_that_cannot_be_stored_is_refused_before_training(hub, seed):
    words = rf"^seed is {seed} and should be from 0 to {LARGEST}, which the store can keep$"
    with pytest.raises(VaehubError, match=words):
        hub.run("vae", "elbo", seed=seed)
    with pytest.raises(VaehubError, match=words):
        hub.measure("elbo", hub.recipe("vae"), seed=seed)
    assert not hub.store.exists


def test_the_largest_seed_is_stored(hub):
    [found] = hub.run("vae", "elbo", seed=LARGEST, settings={"train.epochs": 1, "model.latent_dim": 3})
    assert hub.sql("select seed from trainings").to_arrow().to_pylist() == [{"seed": LARGEST}]
    assert found.record.seed == LARGEST


@pytest.mark.parametrize("name", ["./" + "x" * 300, "x" * 300 + ".csv"])
def test_data_at_a_path_that_no_file_can_have_are_not_there(hub, name):
    with pytest.raises(VaehubError, match=r"^there is nothing at '"):
        hub.run("vae", "elbo", dataset=name)


def test_a_store_at_a_path_that_no_folder_can_have_is_refused(tmp_path):
    with pytest.raises(VaehubError, match=r"^store '.+' cannot be looked for: File name too long; "):
        Store.open(tmp_path / ("x" * 300))


@pytest.mark.parametrize("prefix", ["ab\udcff", "é"])
def test_an_id_that_is_none_is_not_found(hub, prefix):
    hub.store.prepare()
    with pytest.raises(VaehubError, match=r"^nothing in store '.+' has an id that begins with "):
        hub.show(prefix)


@pytest.mark.parametrize("value", ["date '99999-01-01'", "timestamp '99999-01-01'", "[date '99999-01-01']"])
def test_dates_beyond_those_of_python_are_refused_in_one_sentence(hub, value):
    hub.store.prepare()
    rows = hub.sql(f"select {value} as a")
    with pytest.raises(VaehubError, match=r"^column 'a' holds a date that cannot be written here"):
        list(rows)
    assert list(hub.sql(f"select ({value})::varchar as a")) != []
