"""Datasets: observations with what is known of them, wherever their values are."""

from vaehub.core.data.dataset import Batch, Dataset, DataSpec
from vaehub.core.data.factors import Factors
from vaehub.core.data.on_demand import OnDemand
from vaehub.core.data.prepare import prepare
from vaehub.core.data.source import DataSource

__all__ = ["Batch", "DataSource", "DataSpec", "Dataset", "Factors", "OnDemand", "prepare"]
