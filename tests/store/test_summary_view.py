"""The view ``summary``: mean and deviation over seeds, of what differs in nothing else; and ``cka`` in double."""

import math

import duckdb
import numpy as np
import pytest
from stored_samples import RECIPE, a_measurement, a_training

from vaehub.core.result import Result, Signatures, Vector
from vaehub.store import measurements, trainings
from vaehub.store.rows import insert
from vaehub.store.schema import migrate

pytestmark = pytest.mark.usefixtures("made_by_migrations")

REQUEST = {"metric": {"name": "elbo", "params": {}}, "seed": 0, "subject": {"training": "t"}}


@pytest.fixture
def database():
    with duckdb.connect() as connection:
        migrate(connection)
        yield connection


def add(connection, name, result, *, seed=0, params=None, metric="elbo", units=None, **recipe):
    """Record a training and what was measured of it, as a hub does."""
    whole = RECIPE | {"seed": seed} | {part: RECIPE[part] | {"params": given} for part, given in recipe.items()}
    request = {"metric": {"name": metric, "params": params or {}}, "seed": seed, "subject": {"training": f"t{name}"}}
    insert(connection, trainings.rows(a_training(f"t{name}", recipe=whole), [], "p1"))
    record = a_measurement(
        f"m{name}",
        metric=metric,
        params=params or {},
        seed=seed,
        subject={"training": f"t{name}"},
        request=request,
        training=f"t{name}",
        units=units or {},
    )
    insert(connection, measurements.rows(record, result, "p1"))


def summary(connection, columns="mean, sd, n"):
    return connection.execute(f"select {columns} from summary order by all").fetchall()


def test_seeds_are_one_row_with_mean_and_deviation(database):
    for seed, value in enumerate((1.0, 2.0, 6.0)):
        add(database, seed, Result({"elbo": value}), seed=seed)
    [(mean, sd, n)] = summary(database)
    assert (mean, n) == (3.0, 3)
    assert sd == pytest.approx(np.std([1, 2, 6], ddof=1))


@pytest.mark.parametrize(
    "other",
    [
        {"train": {"epochs": 5}},
        {"train": {"steps": 5}},
        {"model": {"latent_dim": 4, "beta": 2.5, "likelihood": "bernoulli"}},
        {"model": {"latent_dim": 4, "beta": 1.0}},
        {"dataset": {"size": 16}},
        {"params": {"split": "test"}},
        {"metric": "rate_distortion"},
    ],
)
def test_what_differs_in_more_than_the_seed_is_not_averaged(database, other):
    add(database, 0, Result({"elbo": 1.0}))
    add(database, 1, Result({"elbo": 2.0}), seed=1, **other)
    assert summary(database) == [(1.0, None, 1), (2.0, None, 1)]


def test_where_files_were_is_no_part_of_a_setting(database):
    """The second seed was trained on another machine."""
    for seed, place in enumerate(("/a", "/b")):
        whole = RECIPE | {"seed": seed, "dataset": RECIPE["dataset"] | {"incidental": {"root": place}}}
        insert(database, trainings.rows(a_training(f"t{seed}", recipe=whole), [], "p1"))
    [(n,)] = database.execute("select count(distinct setting) from trainings").fetchall()
    assert n == 1


def test_a_training_measured_with_several_seeds_counts_once(database):
    for seed, value in enumerate((1.0, 3.0)):
        record = a_measurement(f"m{seed}", seed=seed, subject={"training": "t"}, request=REQUEST, training="t")
        insert(database, measurements.rows(record, Result({"elbo": value}), "p1"))
    insert(database, trainings.rows(a_training("t", recipe=RECIPE), [], "p1"))
    assert summary(database) == [(2.0, None, 1)]
    record = a_measurement("other", seed=0, subject={"training": "u"}, request=REQUEST, training="u")
    insert(database, trainings.rows(a_training("u", recipe=RECIPE | {"seed": 1}), [], "p1"))
    insert(database, measurements.rows(record, Result({"elbo": 4.0}), "p1"))
    assert summary(database) == [(3.0, pytest.approx(2**0.5), 2)]


def test_each_position_has_its_own_mean(database):
    for seed in (0, 1):
        add(database, seed, Result(vectors={"kl": Vector([seed, 10.0], "layer", ["in", "out"])}), seed=seed)
    assert summary(database, "index, label, mean") == [(0, "in", 0.5), (1, "out", 10.0)]


def test_a_label_that_differs_between_seeds_is_left_out(database):
    for seed, label in enumerate(("mixed", "passive")):
        add(database, seed, Result(vectors={"type": Vector([1.0], "latent", [label])}), seed=seed)
    assert summary(database, "index, label, n") == [(0, None, 2)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_a_value_that_has_no_square_spoils_its_own_row_alone(database, value):
    for seed in (0, 1):
        add(database, seed, Result({"a": value if seed else 1.0, "b": seed}), seed=seed)
    (_, _, sd, n), b = summary(database, "name, mean, sd, n")
    assert (math.isnan(sd), n) == (True, 2)
    assert b == ("b", 0.5, pytest.approx(0.5**0.5), 2)


def test_columns_say_what_cannot_be_compared(database):
    params = {"latent_dim": 4, "likelihood": "squared_error"}
    add(database, 0, Result({"kl": 1, "n": 3}), params={"split": "validation"}, units={"kl": "nats"}, model=params)
    asked = "select likelihood, epochs, steps, split, name, unit from {} order by name"
    expected = [
        ("squared_error", 2, None, "validation", "kl", "nats"),
        ("squared_error", 2, None, "validation", "n", None),
    ]
    for view in ("results", "summary"):
        assert database.execute(asked.format(view)).fetchall() == expected


def test_a_length_in_steps_is_none_in_epochs(database):
    add(database, 0, Result({"n": 1}), train={"epochs": 100, "steps": 50})
    assert database.execute("select epochs, steps from results").fetchall() == [(None, 50)]


def cka(connection, x, y):
    vectors = np.array([x, y], np.float32)
    add(connection, 0, Result(signatures={"signature": Signatures(["a", "b"], vectors, "space")}))
    found = connection.execute(
        "select a.layer || b.layer, cka(a.signature, b.signature) from signatures as a, signatures as b"
    ).fetchall()
    connection.execute("delete from measured_signatures; delete from measurements; delete from trainings")
    return dict(found)


def test_cka_of_itself_is_1_in_double_precision(database, rng):
    for _ in range(20):
        x, y = rng.normal(size=(2, 64))
        found = cka(database, x / np.linalg.norm(x), y / np.linalg.norm(y))
        assert found["aa"] == pytest.approx(1, abs=1e-9)
        assert max(found.values()) <= 1
        x, y = (np.float64(np.float32(each / np.linalg.norm(each))) for each in (x, y))
        assert found["ab"] == pytest.approx(x @ y / np.linalg.norm(x) / np.linalg.norm(y), abs=1e-12)


@pytest.mark.parametrize("undefined", [np.full(4, np.nan), np.zeros(4)])
def test_cka_of_a_layer_that_says_nothing_is_nan(database, undefined):
    found = cka(database, [1.0, 0, 0, 0], undefined)
    assert found["aa"] == 1
    assert all(math.isnan(found[pair]) for pair in ("ab", "ba", "bb"))
