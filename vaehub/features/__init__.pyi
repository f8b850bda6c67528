from .extractor import FeatureExtractor as FeatureExtractor
from .extractor import FindModel as FindModel
from .extractor import feature_table as feature_table
from .params import FeatureParams as FeatureParams
from .weights import WeightsParams as WeightsParams
