"""What the store cannot keep, and names that no file can have, are refused before any work."""

import pytest
import torch

from vaehub import Dataset, VaehubError
from vaehub.core.data.params import ImageParams
from vaehub.core.errors import WorkFailed
from vaehub.files.prepare import prepare
from vaehub.hub.model_size import WithinMemory
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


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        (
            "model.latent_dim",
            2**64,
            "'latent_dim' is .* and should fit into 64 bits, and .* given takes 66",
        ),
        (
            "train.batch_size",
            2**63,
            "'batch_size' is .* and should fit into 64 bits, and .* given takes 65",
        ),
        ("train.epochs", 10**9 + 1, "'epochs' is 1000000001 and should be less than or equal to 1000000000"),
        ("network.hidden", [400, 2**70], "'hidden' is .* and should fit into 64 bits"),
        ("data.first", 2**63, "'first' is .* and should fit into 64 bits"),
        (
            "model.latent_dim",
            10**9,
            "takes at least [0-9,]+ bytes for its weights, and .* are at hand; choose fewer",
        ),
        (
            "model.latent_dim",
            10**18,
            "takes more than 9,223,372,036,854,775,808 bytes for its weights, and .* are",
        ),
        ("network.hidden", [10**10], "takes at least [0-9,]+ bytes for its weights"),
    ],
)
def test_sizes_that_nothing_can_hold_are_refused_before_training(hub, setting, value, words):
    with pytest.raises(VaehubError, match=words) as caught:
        hub.run("vae", "elbo", settings={setting: value})
    assert not isinstance(caught.value, WorkFailed)
    assert hub.store.recent() == ([], [])


def test_the_largest_whole_number_of_64_bits_is_taken(hub):
    hub.run("vae", "elbo", settings={"train.batch_size": LARGEST, "train.epochs": 1})
    asked = "select (recipe ->> '$.train.params.batch_size')::bigint as n from trainings"
    assert hub.sql(asked).to_arrow().to_pylist() == [{"n": LARGEST}]


def test_a_model_is_as_large_as_its_weights_are():
    with WithinMemory("it") as bound:
        layers = torch.nn.Sequential(torch.nn.Linear(7, 5), torch.nn.BatchNorm1d(5))
    n_bytes = sum(each.numel() * each.element_size() for each in layers.state_dict().values())
    assert n_bytes - 8 <= bound._n_bytes <= n_bytes  # the counter of batches is made of a number


UNBOUNDED = {
    # What is there, of the data or of the model, is the bound: more is less, or is refused when both are known.
    "batch",
    "end",
    "example",
    "extractor_revision",
    "k",
    "latent_dims",
    "latents",
    "n_batch",
    "n_clusters",
    "n_jacobian",
    "n_latents",
    "n_neighbours",
    "n_samples",
    "n_test",
    "n_train",
    "n_variance",
    "rank",
    "start",
    "subset_size",
    # Seeds, and the size of models, whose weights are refused where they do not fit.
    "epochs",
    "maximum",
    "probe_seed",
    "upper",
    "widest",
}


UNBOUNDED_OF = {
    "metric": UNBOUNDED,
    "model": {
        # Weights, which are refused where they do not fit.
        *("channels", "critic_hidden", "discriminator_width", "hidden", "latent_dim", "n_components"),
        # At most what there is of the data.
        *("n_alpha", "n_codes"),
        # Steps or epochs after which something changes.
        *("capacity_steps", "doubling_steps", "slow_after", "update_every"),
    },
    "network": {"channels", "decoder_widths", "hidden", "kernel_sizes"},  # weights
    # Observations that are kept of those there are, channels that are 1 or 3, and the user's own bound.
    "dataset": {
        *("first", "per_class", "n_classes", "subset", "validation_last"),
        *("channels", "max_bytes", "seed"),
    },
}


def has_no_maximum(schema):
    if schema.get("type") == "integer":
        return not schema.keys() & {"maximum", "exclusiveMaximum"}
    parts = [*schema.get("anyOf", []), *schema.get("prefixItems", [])]
    parts += [schema["items"]] if "items" in schema else []
    return any(has_no_maximum(each) for each in parts)


@pytest.mark.parametrize("kind", UNBOUNDED_OF)
def test_each_number_that_nothing_else_bounds_has_a_maximum(hub, kind):
    found = set()
    for each in hub.catalog.entries(kind):
        if each.distribution == "vaehub":
            schemas = each.load_params().model_json_schema()["properties"]
            found |= {name for name, schema in schemas.items() if has_no_maximum(schema)}
    assert found <= UNBOUNDED_OF[kind]


@pytest.mark.parametrize(
    ("metric", "name", "most"),
    [
        ("elbo", "n_samples", 100_000),
        ("rate_distortion", "n_draws", 100_000),
        ("response_field", "size", 2000),
        ("latent_path", "size", 2000),
        ("structure_score", "n_draws", 100_000),
        ("intervention", "n_bootstrap", 1_000_000),
        ("factor_vae_score", "group_size", 100_000),
    ],
)
def test_numbers_of_a_metric_beyond_any_memory_are_refused_before_training(hub, metric, name, most):
    words = f"'{name}' is {10**12} and should be less than or equal to {most}"
    with pytest.raises(VaehubError, match=words):
        hub.run("vae", metric, settings={f"metric.{name}": 10**12})
    assert not hub.store.exists


@pytest.mark.parametrize("number", [0, 1001, 10**12])
def test_more_jobs_or_seeds_than_can_be_are_refused_before_work(hub, number):
    with pytest.raises(VaehubError, match=f"^the number of jobs is {number} and should be from 1 to 1000$"):
        hub.study("fondue_digits").run(jobs=number)
    with pytest.raises(VaehubError, match=f"^the number of jobs is {number} and should be from 1 to 1000$"):
        hub.suggest_dim("nowhere", jobs=number)
    with pytest.raises(VaehubError, match=f"^the number of seeds is {number} and should be from 1 to 1000$"):
        hub.suggest_dim("nowhere", seeds=number)
    assert not hub.store.exists


def test_simulated_data_beyond_memory_are_refused_before_they_are_drawn(hub):
    many = {"data.n_samples": 10_000_000, "data.n_genes": 100_000}
    with pytest.raises(VaehubError, match=r"^10,000,000 cells of 100,000 genes and 5 programs take about [\d,]+ bytes"):
        hub.run("vae", "elbo", dataset="counts", settings=many)
    for name in ("helix", "counts"):
        with pytest.raises(VaehubError, match="'n_samples' is 1000000000000 and should be less than or equal to"):
            hub.run("vae", "elbo", dataset=name, settings={"data.n_samples": 10**12})


def test_images_that_grow_beyond_memory_are_refused_before_they_are_made(hub, monkeypatch):
    monkeypatch.setattr("vaehub.files.bounds.memory_at_hand", lambda: 10**9)
    monkeypatch.setattr("torch.nn.functional.interpolate", lambda *_, **__: pytest.fail("images were made"))
    words = (
        r"^[\d,]+ images of \d x 1024 x 1024 take about [\d,]+ bytes to make, above 500,000,000 \(half of the memory"
    )
    with pytest.raises(VaehubError, match=words):
        hub.run("vae", "elbo", dataset="digits", settings={"data.size": 1024})
    assert not hub.store.exists


def test_images_that_just_fit_are_resized(monkeypatch):
    data = Dataset(torch.zeros(4, 1, 8, 8, dtype=torch.uint8))
    monkeypatch.setattr("vaehub.files.bounds.memory_at_hand", lambda: 2 * 4 * 16 * 16 * (1 + 3 * 4))
    assert prepare(data, ImageParams(size=16)).spec.shape == (1, 16, 16)
    with pytest.raises(VaehubError, match=r"^4 images of 1 x 17 x 17 take about "):
        prepare(data, ImageParams(size=17))
