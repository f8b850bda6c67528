"""Display: a notebook draws a value with a room above this one, which is loaded when it asks."""

from importlib import import_module


class Displayed:
    """A value that a notebook shows as tables and pictures."""

    def _repr_html_(self) -> str:
        html: str = import_module("vaehub.hub.display").html(self)
        return html
