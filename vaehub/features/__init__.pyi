from .extractors import FeatureExtractor as FeatureExtractor
from .extractors import feature_extractor as feature_extractor
from .extractors import feature_table as feature_table
from .params import FeatureParams as FeatureParams
