"""What encoders give is read right, or refused with all its readings; never guessed."""

from collections import namedtuple
from types import SimpleNamespace

import pytest
import torch
from torch import distributions

from vaehub import VaehubError
from vaehub import generator as stream
from vaehub.adapters.readings import Reading, read_reconstruction

MU = torch.randn(40, 3, generator=stream(0, "mu"))
LOGVAR = torch.randn(40, 3, generator=stream(0, "logvar"))
VARIANCE, STD, Z = LOGVAR.exp(), (0.5 * LOGVAR).exp(), MU + 0.1
Named = namedtuple("Named", ["mean", "std"])

SAID = {
    "variances in a pair": (Reading("variance"), (MU, VARIANCE)),
    "deviations in a pair": (Reading("std"), (MU, STD)),
    "log variances in a list": (Reading("logvar"), [MU, LOGVAR]),
    "a pair that can only be log variances": (Reading(), (MU, LOGVAR)),
    "halves": (Reading(statistics="concatenated"), torch.cat([MU, LOGVAR], dim=1)),
    "halves with deviations": (Reading("std", "concatenated"), torch.cat([MU, STD], dim=1)),
    "a mapping with sigma": (Reading(), {"mu": MU, "sigma": STD}),
    "a mapping with var": (Reading(), {"mean": MU, "var": VARIANCE, "z": Z}),
    "an object with log_var": (Reading(), SimpleNamespace(mu=MU, log_var=LOGVAR)),
    "a named tuple": (Reading(), Named(MU, STD)),
    "an object that says all four": (
        Reading(),
        SimpleNamespace(mean=MU, logvar=LOGVAR, std=STD, var=VARIANCE, log_std=LOGVAR / 2),
    ),
    "an object that says both deviations": (Reading(), SimpleNamespace(mean=MU, std=STD, log_std=LOGVAR / 2)),
    "an output that holds the distribution": (
        Reading(),
        SimpleNamespace(latent_dist=SimpleNamespace(mean=MU, logvar=LOGVAR)),
    ),
    "a tuple of one": (Reading(), (distributions.Normal(MU, STD),)),
    "an independent normal": (Reading(), distributions.Independent(distributions.Normal(MU, STD), 1)),
    "a distribution and a draw": (Reading(), (distributions.Normal(MU, STD), Z)),
}


@pytest.mark.parametrize(("reading", "found"), SAID.values(), ids=SAID)
def test_means_and_log_variances_are_those_of_the_encoder(reading, found):
    mu, logvar = reading.settled(found, found).posterior(found)
    torch.testing.assert_close(mu, MU)
    torch.testing.assert_close(logvar, LOGVAR)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (0, 2, 1)])
@pytest.mark.parametrize("is_random", [True, False])
def test_of_three_tensors_the_draw_is_the_one_that_changes_or_repeats_the_means(order, is_random):
    def answer(seed):
        three = (MU, LOGVAR, drawn(seed, STD) if is_random else MU)
        return tuple(three[at] for at in order)

    reading = Reading().settled(answer(0), answer(1))
    mu, logvar = reading.posterior(answer(2))
    assert torch.equal(mu, MU)
    assert torch.equal(logvar, LOGVAR)


def drawn(seed, std):
    return MU + std * torch.randn(MU.shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("scales", "scale"), [(STD, "std"), (LOGVAR / 2, "log_std"), (VARIANCE, "variance")])
def test_a_draw_shows_that_scales_are_no_log_variances(scales, scale):
    one, other = ((MU, scales, drawn(seed, STD)) for seed in (0, 1))
    with pytest.raises(VaehubError, match=f"scatter as if .* were '{scale}'; set scale to"):
        Reading().settled(one, other)
    torch.testing.assert_close(Reading(scale).settled(one, other).posterior(one)[1], LOGVAR)


@pytest.mark.parametrize("holder", [SimpleNamespace, dict, namedtuple("Found", "mean log_precision")])
def test_a_name_that_says_nothing_is_refused_wherever_it_stands(holder):
    found = holder(mean=MU, log_precision=-LOGVAR)
    with pytest.raises(VaehubError, match="means and 'log_precision', whose name does not say"):
        Reading().settled(found, found)


def test_halves_that_are_all_above_0_are_asked_about():
    found = torch.cat([MU, STD], dim=1)
    with pytest.raises(VaehubError, match="one tensor of two halves, and nothing says what the second is"):
        Reading(statistics="concatenated").settled(found, found)
    said = Reading("std", "concatenated").settled(found, found)
    torch.testing.assert_close(said.posterior(found)[1], LOGVAR)


def test_a_tensor_alone_has_no_variances():
    assert Reading().settled(MU, MU).posterior(MU)[1] is None


def test_a_collapsed_encoder_gives_zeros_twice():
    zeros = torch.zeros(40, 3)
    mu, logvar = Reading().settled((zeros, zeros), (zeros, zeros)).posterior((zeros, zeros))
    assert torch.equal(mu, zeros)
    assert torch.equal(logvar, zeros)


REFUSED = {
    "deviations that nothing names": (
        (MU, STD),
        {},
        "may be log variances, variances or standard deviations",
    ),
    "a name that says nothing": ({"mu": MU, "s": STD}, {}, "means and 's', whose name does not say whether"),
    "log variances said to be deviations": ((MU, LOGVAR), {"scale": "std"}, "above 0; if they are log variances"),
    "a scale of nothing": (MU, {"scale": "std"}, "nothing beside the means"),
    "a scale against its name": ({"mu": MU, "logvar": LOGVAR}, {"scale": "std"}, "says by its name or type"),
    "three without a sign": ((MU, LOGVAR, Z), {}, r"\(mu, logvar, z\) and \(z, mu, logvar\) are both common"),
    "four": ((MU, LOGVAR, Z, Z), {}, "a tuple of 4"),
    "the same twice": ((MU, MU.clone()), {}, "the same tensor twice"),
    "another distribution": (distributions.Laplace(MU, STD), {}, "of type Laplace, and posteriors are normal"),
    "two variances": (
        SimpleNamespace(mean=MU, logvar=LOGVAR, std=torch.zeros_like(STD)),
        {},
        "variances twice, as 'logvar' and as 'std', and they differ",
    ),
    "features": ({"last_hidden_state": MU, "pooler_output": None}, {}, "with last_hidden_state, pooler_output"),
    "text": ("mu", {}, "the encoder gives a str"),
    "odd halves": (MU, {"statistics": "concatenated"}, "axis 1 has no halves"),
    "halves of a pair": ((MU, LOGVAR), {"statistics": "concatenated"}, "leave statistics out"),
}


@pytest.mark.parametrize(("found", "said", "words"), REFUSED.values(), ids=REFUSED)
def test_what_can_be_read_in_two_ways_or_none_is_refused_in_one_sentence(found, said, words):
    with pytest.raises(VaehubError, match=words) as caught:
        Reading(**said).settled(found, found)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("answer", [lambda noise: MU + noise, lambda noise: (MU, LOGVAR + noise)])
def test_an_encoder_that_draws_at_random_is_noticed(answer):
    with pytest.raises(VaehubError, match="for the same observations when asked twice in evaluation mode"):
        Reading().settled(answer(0.0), answer(0.1))


def test_last_digits_are_no_randomness():
    other = MU * (1 + 2e-7)
    assert Reading().settled(MU, other).posterior(MU)[0] is MU


def test_a_reconstruction_may_be_the_only_one_of_a_tuple():
    assert read_reconstruction((SimpleNamespace(sample=MU),)) is MU
    with pytest.raises(VaehubError, match="the decoder gives a tuple of 2"):
        read_reconstruction((MU, LOGVAR))
