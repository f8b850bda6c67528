"""Features of observations: the contract of an extractor, and the parameters of what asks for one by name.

Extractors are a kind of the catalog; those that come with vaehub are a plugin as a stranger's would be.
"""

import lazy_loader

# The names stand in the stub beside this file, once; each is loaded when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
