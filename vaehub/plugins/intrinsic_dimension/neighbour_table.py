"""The neighbours that a metric estimates from, and how many observations they are the neighbours of."""

from torch import Tensor

from vaehub import DataError
from vaehub.plugins.intrinsic_dimension.neighbours import Neighbours, nearest
from vaehub.plugins.intrinsic_dimension.params import NeighboursParams


def neighbours_of(metric: str, params: NeighboursParams, x: Tensor, k: int) -> Neighbours:
    """Return the ``k`` nearest neighbours of each observation.

    Args:
        metric: Its name.
        params: Its parameters, with the greatest share of exact copies.
        x: Observations, shape ``(n, …)``.
        k: Neighbours of each.

    Raises:
        DataError: If too many observations are copies, or no more than ``k`` are different.
    """
    try:
        table = nearest(x, k)
    except DataError as error:
        raise DataError(f"metric {metric!r} cannot be asked of these data: {error}") from error
    if table.n_duplicates > params.max_duplicates * len(x):
        raise DataError(
            f"metric {metric!r} got {table.n_duplicates} exact copies among {len(x)} observations, more than the share "
            f"of {params.max_duplicates:g} that may be; raise 'max_duplicates' if the {len(table.rows)} left are enough"
        )
    return table


def counts(table: Neighbours) -> dict[str, float]:
    """Return how many observations were drawn, how many an estimate is made from, and how many are left out."""
    n_apart = int(table.is_apart.sum())
    return {
        "n_samples": len(table.rows) + table.n_duplicates,
        "n_observations": n_apart,
        "n_duplicates": table.n_duplicates,
        "n_too_near": len(table.rows) - n_apart,
    }
