"""vaehub: latent-space analyses of variational autoencoders, as plugins, with every result in a database.

Everything that a plugin or a notebook needs has its name here. Names are resolved on first use, so that importing
``vaehub``, which every manifest does, loads nothing heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOMES = {
    "vaehub.core.arrays": ("Array", "accepts_arrays"),
    "vaehub.core.autoencoder": ("Autoencoder",),
    "vaehub.core.binning": ("equal_width_bins",),
    "vaehub.core.columns": ("Columns", "check_columns", "check_distinct", "holds_numbers", "table_keys"),
    "vaehub.core.data": ("Batch", "DataSource", "DataSpec", "Dataset", "Factors", "OnDemand", "prepare"),
    "vaehub.core.data_params": ("DataParams", "FileParams", "ImageParams", "OwnFile"),
    "vaehub.core.errors": ("DataError", "StoreError", "TrainingDiverged", "VaehubError", "WorkFailed", "first_line"),
    "vaehub.core.features.extractors": ("FeatureExtractor", "feature_extractor", "feature_table"),
    "vaehub.core.features.params": ("FeatureParams",),
    "vaehub.core.files.archives": ("gunzip", "member_names", "members"),
    "vaehub.core.files.arrays": ("map_npy", "npz_blocks", "npz_keys", "read_npz", "unpacked"),
    "vaehub.core.files.card": ("DataCard", "DataFile"),
    "vaehub.core.files.checksums": ("checksum", "visible_files"),
    "vaehub.core.files.obtain": ("obtain",),
    "vaehub.core.files.pickled": ("read_pickle",),
    "vaehub.core.files.pictures": ("PICTURE_ENDINGS", "as_array", "decoded", "fitted", "look"),
    "vaehub.core.files.places": ("cache_folder", "find"),
    "vaehub.core.latent_types": ("LATENT_TYPES", "variable_types"),
    "vaehub.core.likelihood": ("Likelihood", "gaussian_sample", "likelihood"),
    "vaehub.core.metric": (
        "DatasetMetric",
        "Runner",
        "ModelMetric",
        "PairMetric",
        "RecipeMetric",
        "RowsMetric",
    ),
    "vaehub.core.model": ("EVALUATION_BATCH", "Epoch", "LatentModel", "Losses", "Opponent", "Posterior", "Step"),
    "vaehub.core.network": ("Network",),
    "vaehub.core.own_modules": ("imported", "load_weights"),
    "vaehub.core.params": (
        "Incidental",
        "LikelihoodName",
        "LikelihoodParams",
        "ModelParams",
        "Params",
        "StoredTraining",
    ),
    "vaehub.core.progress": ("task",),
    "vaehub.core.random": ("generator",),
    "vaehub.core.recipe": ("Recipe", "TrainParams"),
    "vaehub.core.relevance": (
        "encoded_variance",
        "is_relevant",
        "latent_relevance",
        "n_relevant",
        "relevance_weights",
    ),
    "vaehub.core.representations": ("chosen_layers", "layer_names", "representations"),
    "vaehub.core.result": ("Result", "Signatures", "Table", "Vector"),
    "vaehub.core.structural": ("SsimBlock", "SsimVariant", "smallest_ssim_side", "ssim", "ssim_blocks"),
    "vaehub.core.wrapped": ("UserDecoder", "UserEncoder", "Wrapped", "wrap"),
    "vaehub.hub": ("Hub",),
    "pydantic": ("Field",),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_MODULES]

if TYPE_CHECKING:
    from pydantic import Field as Field

    from vaehub.core.arrays import Array as Array
    from vaehub.core.arrays import accepts_arrays as accepts_arrays
    from vaehub.core.autoencoder import Autoencoder as Autoencoder
    from vaehub.core.binning import equal_width_bins as equal_width_bins
    from vaehub.core.columns import Columns as Columns
    from vaehub.core.columns import check_columns as check_columns
    from vaehub.core.columns import check_distinct as check_distinct
    from vaehub.core.columns import holds_numbers as holds_numbers
    from vaehub.core.columns import table_keys as table_keys
    from vaehub.core.data import Batch as Batch
    from vaehub.core.data import Dataset as Dataset
    from vaehub.core.data import DataSource as DataSource
    from vaehub.core.data import DataSpec as DataSpec
    from vaehub.core.data import Factors as Factors
    from vaehub.core.data import OnDemand as OnDemand
    from vaehub.core.data import prepare as prepare
    from vaehub.core.data_params import DataParams as DataParams
    from vaehub.core.data_params import FileParams as FileParams
    from vaehub.core.data_params import ImageParams as ImageParams
    from vaehub.core.data_params import OwnFile as OwnFile
    from vaehub.core.errors import DataError as DataError
    from vaehub.core.errors import StoreError as StoreError
    from vaehub.core.errors import TrainingDiverged as TrainingDiverged
    from vaehub.core.errors import VaehubError as VaehubError
    from vaehub.core.errors import WorkFailed as WorkFailed
    from vaehub.core.errors import first_line as first_line
    from vaehub.core.features.extractors import FeatureExtractor as FeatureExtractor
    from vaehub.core.features.extractors import feature_extractor as feature_extractor
    from vaehub.core.features.extractors import feature_table as feature_table
    from vaehub.core.features.params import FeatureParams as FeatureParams
    from vaehub.core.files.archives import gunzip as gunzip
    from vaehub.core.files.archives import member_names as member_names
    from vaehub.core.files.archives import members as members
    from vaehub.core.files.arrays import map_npy as map_npy
    from vaehub.core.files.arrays import npz_blocks as npz_blocks
    from vaehub.core.files.arrays import npz_keys as npz_keys
    from vaehub.core.files.arrays import read_npz as read_npz
    from vaehub.core.files.arrays import unpacked as unpacked
    from vaehub.core.files.card import DataCard as DataCard
    from vaehub.core.files.card import DataFile as DataFile
    from vaehub.core.files.checksums import checksum as checksum
    from vaehub.core.files.checksums import visible_files as visible_files
    from vaehub.core.files.obtain import obtain as obtain
    from vaehub.core.files.pickled import read_pickle as read_pickle
    from vaehub.core.files.pictures import PICTURE_ENDINGS as PICTURE_ENDINGS
    from vaehub.core.files.pictures import as_array as as_array
    from vaehub.core.files.pictures import decoded as decoded
    from vaehub.core.files.pictures import fitted as fitted
    from vaehub.core.files.pictures import look as look
    from vaehub.core.files.places import cache_folder as cache_folder
    from vaehub.core.files.places import find as find
    from vaehub.core.latent_types import LATENT_TYPES as LATENT_TYPES
    from vaehub.core.latent_types import variable_types as variable_types
    from vaehub.core.likelihood import Likelihood as Likelihood
    from vaehub.core.likelihood import gaussian_sample as gaussian_sample
    from vaehub.core.likelihood import likelihood as likelihood
    from vaehub.core.metric import DatasetMetric as DatasetMetric
    from vaehub.core.metric import ModelMetric as ModelMetric
    from vaehub.core.metric import PairMetric as PairMetric
    from vaehub.core.metric import RecipeMetric as RecipeMetric
    from vaehub.core.metric import RowsMetric as RowsMetric
    from vaehub.core.metric import Runner as Runner
    from vaehub.core.model import EVALUATION_BATCH as EVALUATION_BATCH
    from vaehub.core.model import Epoch as Epoch
    from vaehub.core.model import LatentModel as LatentModel
    from vaehub.core.model import Losses as Losses
    from vaehub.core.model import Opponent as Opponent
    from vaehub.core.model import Posterior as Posterior
    from vaehub.core.model import Step as Step
    from vaehub.core.network import Network as Network
    from vaehub.core.own_modules import imported as imported
    from vaehub.core.own_modules import load_weights as load_weights
    from vaehub.core.params import Incidental as Incidental
    from vaehub.core.params import LikelihoodName as LikelihoodName
    from vaehub.core.params import LikelihoodParams as LikelihoodParams
    from vaehub.core.params import ModelParams as ModelParams
    from vaehub.core.params import Params as Params
    from vaehub.core.params import StoredTraining as StoredTraining
    from vaehub.core.progress import task as task
    from vaehub.core.random import generator as generator
    from vaehub.core.recipe import Recipe as Recipe
    from vaehub.core.recipe import TrainParams as TrainParams
    from vaehub.core.relevance import encoded_variance as encoded_variance
    from vaehub.core.relevance import is_relevant as is_relevant
    from vaehub.core.relevance import latent_relevance as latent_relevance
    from vaehub.core.relevance import n_relevant as n_relevant
    from vaehub.core.relevance import relevance_weights as relevance_weights
    from vaehub.core.representations import chosen_layers as chosen_layers
    from vaehub.core.representations import layer_names as layer_names
    from vaehub.core.representations import representations as representations
    from vaehub.core.result import Result as Result
    from vaehub.core.result import Signatures as Signatures
    from vaehub.core.result import Table as Table
    from vaehub.core.result import Vector as Vector
    from vaehub.core.structural import SsimBlock as SsimBlock
    from vaehub.core.structural import SsimVariant as SsimVariant
    from vaehub.core.structural import smallest_ssim_side as smallest_ssim_side
    from vaehub.core.structural import ssim as ssim
    from vaehub.core.structural import ssim_blocks as ssim_blocks
    from vaehub.core.wrapped import UserDecoder as UserDecoder
    from vaehub.core.wrapped import UserEncoder as UserEncoder
    from vaehub.core.wrapped import Wrapped as Wrapped
    from vaehub.core.wrapped import wrap as wrap
    from vaehub.hub import Hub as Hub


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'vaehub' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
