"""Other people's models as a ``LatentModel``: torch modules, callables, and objects of known libraries."""

import lazy_loader

# The names stand in the stub beside this file, once; each is loaded when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
