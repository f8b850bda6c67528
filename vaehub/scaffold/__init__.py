"""New plugins: a distribution of each kind of thing that works, to be changed into one's own."""

from vaehub.scaffold.distribution import KINDS, write_distribution

__all__ = ["KINDS", "write_distribution"]
