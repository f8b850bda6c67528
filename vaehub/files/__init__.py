"""Data files: locating, downloading and verifying them, and reading them without running code."""

import lazy_loader

# The names stand in the stub beside this file, once; each is loaded when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
