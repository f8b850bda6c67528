"""Executors: the contract between a study and the engine that does its jobs, such as Dask or SLURM.

Executors are a kind of the catalog; those that come with vaehub are plugins as a stranger's would be.
"""

import lazy_loader

# The names stand in the stub beside this file, once; each is loaded when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
