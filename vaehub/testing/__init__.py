"""The conformance kit: what vaehub's plugins promise each other, checked on ours and on those of others.

In a test of a plugin, which is installed: ``vaehub.testing.check_metric("code_norm")``. Each check takes small data
that the kit makes, and raises :class:`PromiseBroken` with a sentence, file and line for each promise that is not kept;
``vaehub plugin check NAME`` checks all that a plugin contributes. Nothing but tests and that command loads this.
"""

import lazy_loader

# The names stand in the stub beside this file, once; each is loaded when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
