"""Which observations a metric looks at, and how they are encoded."""

import pytest
import torch

from vaehub import (
    DataError,
    Dataset,
    ModelMetric,
    Params,
    Result,
    SampleParams,
    SplitParams,
    WorkFailed,
    generator,
    wrap,
)


class Mean(ModelMetric[SampleParams]):
    def measure(self, model, data):
        sample = self.draw(model, data)
        return Result(scalars={"mean": sample.mu.mean(), "n_samples": sample.n})


class Pair(torch.nn.Module):
    def forward(self, x):
        return x[:, :2], -x[:, :2].square()


@pytest.fixture
def data():
    x = torch.randn(60, 3, generator=generator(0, "x"))
    return Dataset(x, splits={"train": range(20, 60), "test": range(20)})


@pytest.fixture
def model():
    return wrap(encoder=Pair(), decoder=torch.nn.Linear(2, 3))


def metric(seed=0, **params):
    return Mean(SampleParams(**params), seed)


def test_observations_are_drawn_without_replacement_and_named_by_their_rows_in_the_split(data):
    seen = metric(n_samples=10).draw_observations(data)
    assert len(set(seen.rows.tolist())) == seen.n == 10
    assert seen.rows.tolist() == sorted(seen.rows.tolist())
    assert torch.equal(seen.data.x, data.split("train").x[seen.rows])


def test_the_stream_of_rows_decides_which(data):
    expected = torch.randperm(40, generator=metric(3).generator("rows"))[:10]
    assert torch.equal(metric(3, n_samples=10).draw_observations(data).rows, expected.sort().values)
    unsorted = metric(3, n_samples=10).draw_observations(data, ascending=False)
    assert torch.equal(unsorted.rows, expected)
    assert torch.equal(unsorted.data.x, data.split("train").x[expected])


@pytest.mark.parametrize("n", [40, 41, 1000, "all"])
def test_all_are_taken_if_the_split_has_no_more(data, n):
    assert metric(n_samples=n).draw_observations(data).rows.tolist() == list(range(40))


@pytest.mark.parametrize(("split", "n"), [("train", 40), ("test", 20), ("all", 60)])
def test_the_split_is_that_of_the_parameters(data, split, n):
    assert torch.equal(metric(split=split).draw_observations(data).data.x, data.split(split).x)
    assert metric().draw_observations(data, split=split).n == n


def test_parameters_without_a_size_take_all_and_a_size_can_be_given(data):
    class Whole(ModelMetric[SplitParams]):
        measure = Mean.measure

    assert Whole(SplitParams()).draw_observations(data).n == 40
    assert Whole(SplitParams()).draw_observations(data, 7).n == 7


def test_data_without_splits_are_a_training_split_as_a_whole():
    data = Dataset(torch.zeros(5, 2))
    assert metric().draw_observations(data).n == 5
    with pytest.raises(DataError, match="no split 'test' of these data, there is all"):
        metric(split="test").draw_observations(data)


def test_posteriors_are_in_double_precision(model, data):
    sample = metric().draw(model, data)
    x = sample.data.x
    for found, expected in ((sample.mu, x[:, :2]), (sample.logvar, -x[:, :2].square())):
        assert found.dtype == torch.float64
        assert torch.equal(found, expected.double())
    assert torch.equal(sample.variance, sample.logvar.exp())


def test_each_observation_has_one_draw_of_the_stream_of_noise(model, data):
    asked = metric(5)
    sample = asked.draw(model, data)
    noise = torch.randn(40, 2, generator=asked.generator("noise"), dtype=torch.float64)
    torch.testing.assert_close(sample.z, sample.mu + sample.variance.sqrt() * noise)
    assert torch.equal(sample.z, asked.draw(model, data).z)
    assert not torch.equal(sample.z, metric(6).draw(model, data).z)


def test_draws_for_several_purposes_have_streams_of_their_own(model, data):
    asked = metric(n_samples=10)
    sample = asked.draw(model, data, purpose="test")
    rows = torch.randperm(40, generator=asked.generator("rows", "test"))[:10].sort().values
    noise = torch.randn(10, 2, generator=asked.generator("noise", "test"), dtype=torch.float64)
    assert torch.equal(sample.rows, rows)
    torch.testing.assert_close(sample.z, sample.mu + sample.variance.sqrt() * noise)
    assert torch.equal(asked.encode(model, asked.draw_observations(data, purpose="test"), purpose="test").z, sample.z)


def test_draws_of_a_deterministic_encoder_are_its_codes(data):
    model = wrap(encoder=torch.nn.Linear(3, 2), decoder=torch.nn.Linear(2, 3))
    sample = metric().draw(model, data)
    assert torch.equal(sample.z, sample.mu)
    with pytest.raises(AssertionError, match="variances=True"):
        _ = sample.logvar


def test_a_model_that_gives_nan_fails_with_the_reason(model, data):
    data.stored[25, 1] = torch.nan
    with pytest.raises(WorkFailed, match="for 1 of 40 observations, in latents 1; nothing can be measured$"):
        metric().draw(model, data)
    data.stored[25, 1] = torch.inf
    with pytest.raises(WorkFailed, match="nothing can be measured$"):
        metric().draw(model, data)


def test_a_model_that_fails_on_large_observations_says_how_to_scale_them(data):
    class Steep(torch.nn.Module):
        def forward(self, x):
            return x[:, :2], x[:, :2].abs()

    data.stored[25, 1] = 3e4
    with pytest.raises(WorkFailed, match=r"infinite .*the observations reach 3e\+04, .*'-s data.scale=standard'"):
        metric().draw(wrap(encoder=Steep(), decoder=torch.nn.Linear(2, 3), scale="logvar"), data)


def test_a_metric_has_the_name_of_its_class_unless_it_has_one_in_the_catalog():
    class LinearCka(Mean):
        pass

    assert LinearCka(SampleParams()).name == "linear_cka"
    assert LinearCka(SampleParams(), name="cka").name == "cka"


def test_parameters_are_of_the_class_that_is_the_type_argument():
    class Own(Params):
        pass

    class Nested(ModelMetric):
        class Params(Params):
            pass

    class Derived(Mean):
        pass

    class Narrow(ModelMetric[Own]):
        pass

    class Bare(ModelMetric):
        pass

    assert Narrow.Params is Own
    assert Mean.Params is Derived.Params is SampleParams
    assert Bare.Params is Params
    assert Nested.Params is not Params
