"""What metrics share beyond their contract: layers, decoding, binning, structural similarity and plots.

The names are in the stub beside this file; importing the package loads nothing heavy.
"""

from vaehub.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
