"""The likelihood that parameters name."""

from vaehub.core.data.dataset import DataSpec
from vaehub.core.errors import VaehubError
from vaehub.core.likelihood import Likelihood
from vaehub.core.params import COUNT_LIKELIHOODS, LikelihoodParams
from vaehub.likelihoods.continuous import Bernoulli, Gaussian, SquaredError
from vaehub.likelihoods.counts import NegativeBinomial, Poisson


def likelihood(params: LikelihoodParams, spec: DataSpec) -> Likelihood:
    """Return the likelihood that a model's parameters select.

    Raises:
        VaehubError: If it does not fit the data.
    """
    if params.likelihood in COUNT_LIKELIHOODS:
        _check_counts(params.likelihood, spec)
        return Poisson() if params.likelihood == "poisson" else NegativeBinomial(spec)
    if params.likelihood == "squared_error":
        return SquaredError(spec)
    if params.likelihood == "gaussian":
        return Gaussian(spec, params.decoder_variance)
    if not spec.in_unit_interval:
        remedy = (
            "are not; use '-s model.likelihood=squared_error' or 'gaussian', or rescale the data, vectors of your own "
            "with '-s data.scale=unit'"
        )
        if spec.holds_counts:
            remedy = (
                "are counts; use '-s model.likelihood=negative_binomial' or 'poisson', which are for counts, or "
                "'squared_error' or 'gaussian'"
            )
        raise VaehubError(f"a Bernoulli likelihood needs data in [0, 1], and these {remedy}")
    return Bernoulli()


def _check_counts(name: str, spec: DataSpec) -> None:
    if spec.holds_counts:
        return
    found = "are not"
    if spec.in_unit_interval:
        kind = "images" if len(spec.shape) == 3 else "numbers"
        found = f"are {kind} in [0, 1], where bytes stand for steps of 1/255"
    raise VaehubError(
        f"the likelihood {name!r} needs counts, vectors of whole numbers from 0 up, and these {found}; "
        "use '-s model.likelihood=gaussian' or 'squared_error', or give counts that are not scaled, as integers of "
        "more than 8 bits or floating-point numbers"
    )
