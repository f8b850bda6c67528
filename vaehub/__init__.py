"""vaehub: latent-space analyses of variational autoencoders, as plugins, with every result in a database.

What a plugin or a notebook imports has its name here; toolkits are modules: ``vaehub.files``, ``vaehub.features``,
``vaehub.executors``, ``vaehub.analysis`` and ``vaehub.adapters``. Importing ``vaehub``, as every manifest does, loads
nothing heavy.
"""

import lazy_loader

__version__ = "0.2.0"

# The names stand in the stub beside this file, once; each is loaded when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
