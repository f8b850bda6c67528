"""The simulated counts."""

from typing import final

import torch
from torch import Tensor

from vaehub import DataError, Dataset, DataSource, Factors, generator, prepare
from vaehub.files import Bound
from vaehub.plugins.datasets.counts.kernels import negative_binomial_counts, program_shares, quantile_classes
from vaehub.plugins.datasets.counts.params import CountsParams

N_LEVELS = 4
"""Classes of equal frequency into which library sizes and activities are cut, for metrics of factors."""

BYTES_PER_COUNT = 32
"""What drawing takes: shares, means, rates and counts, in double precision."""


@final
class Counts(DataSource[CountsParams]):
    """Expression counts of cells, simulated from a known number of gene programs.

    The generative model is that of Lopez et al. 2018 with a decoder of our own choice: shares of genes are the softmax
    of a baseline plus the activities of programs times their loadings; a cell's mean counts are its library size, which
    is log-normal, times the shares; and counts are negative binomial. Activities are normal about the centre of a cell
    type, so that all programs vary within types as well, and the number of programs is the number of dimensions.

    A gene belongs to each program independently with probability ``share``, with a loading that is exponentially
    distributed with mean ``effect``. Log baselines and centres of types are standard normal. Labels are cell types;
    factors are the type, the library size and the activities, the latter in classes of equal frequency, with the median
    of each class as its value.
    """

    def load(self) -> Dataset:
        """Return the counts, shape ``(n_samples, n_genes)``.

        All draws have separate random streams, so that one parameter changes as little as possible besides.

        Raises:
            DataError: If there are fewer cells than the classes that factors are cut into, or the counts do not fit.
        """
        params = self.params
        n, m, k = params.n_samples, params.n_genes, params.n_programs
        if n < N_LEVELS:
            raise DataError(f"'data.n_samples' is {n}, and factors are cut into {N_LEVELS} classes; ask for more cells")
        needed, allowed = BYTES_PER_COUNT * n * max(m, k), Bound.of(None)
        if needed > allowed.n_bytes:
            raise DataError(
                f"{n:,} cells of {m:,} genes and {k:,} programs take about {needed:,} bytes to draw, above "
                f"{allowed.n_bytes:,} ({allowed.origin}); lower 'data.n_samples' or 'data.n_genes'"
            )
        types = torch.randint(params.n_types, (n,), generator=self._random("types"))
        centres = self._normal("centres", params.n_types, k)
        activity = centres[types] + params.within * self._normal("activities", n, k)
        member = self._uniform("members", k, m) < params.share
        loadings = -params.effect * member * torch.log1p(-self._uniform("loadings", k, m))
        shares = program_shares(activity, loadings, self._normal("baseline", m))
        library = params.library_size * (params.library_spread * self._normal("library", n)).exp()
        counts = negative_binomial_counts(library[:, None] * shares, params.theta, self._random("counts"))
        return prepare(Dataset(counts, labels=types, factors=self._factors(types, library, activity)), params)

    def _factors(self, types: Tensor, library: Tensor, activity: Tensor) -> Factors:
        columns = [quantile_classes(values, N_LEVELS) for values in (library, *activity.T)]
        programs = [f"program_{each}" for each in range(self.params.n_programs)]
        return Factors(
            ("cell_type", "library_size", *programs),
            (self.params.n_types, *[N_LEVELS] * len(columns)),
            torch.stack([types, *(classes for classes, _ in columns)], dim=1),
            (tuple(map(float, range(self.params.n_types))), *(tuple(values.tolist()) for _, values in columns)),
        )

    def _normal(self, purpose: str, *shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=self._random(purpose))

    def _uniform(self, purpose: str, *shape: int) -> Tensor:
        return torch.rand(*shape, dtype=torch.float64, generator=self._random(purpose))

    def _random(self, purpose: str) -> torch.Generator:
        return generator(self.params.seed, "counts", purpose)
