"""What metrics need of models, data and recipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields


@dataclass(frozen=True)
class Needs:
    """What has to be there for a metric to succeed; what is not named is not needed.

    Attributes:
        decoder: A decoder.
        derivatives: A decoder whose values are real numbers, and the same each time for the same latents: it has
            derivatives, in one way or another.
        variances: Posterior variances.
        prior: A prior to draw from.
        learned_prior: Prior variances that were learned from the data.
        x_only: An encoder that needs nothing of an observation but ``x``, since what a decoder makes has no labels.
        latents: Least number of latents.
        varies: Parameter of the model that a metric of recipes varies.
        observations: Least number of observations, of those that the parameters ``split`` and ``n_samples`` name.
        more_than_latents: More of these observations than the model has latents.
        distinct: Observations in the split that are not all copies of one.
        labels: Labels.
        factors: Known factors of variation.
        classes: Labels or factors.
        images: Images, which have values in [0, 1].
        channels: Images of so many channels.
        side: Images of at least so many pixels along each side.
        instead: By name of a need, what would work, where this depends on the metric: the end of the sentence.
    """

    decoder: bool = False
    derivatives: bool = False
    variances: bool = False
    prior: bool = False
    learned_prior: bool = False
    x_only: bool = False
    latents: int = 1
    varies: str | None = None
    observations: int = 1
    more_than_latents: bool = False
    distinct: bool = False
    labels: bool = False
    factors: bool = False
    classes: bool = False
    images: bool = False
    channels: int | None = None
    side: int = 0
    instead: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = self.instead.keys() - {each.name for each in fields(self)}
        if unknown:
            raise ValueError(f"'instead' names what no metric needs: {', '.join(sorted(unknown))}")
