"""Embeddings of images by a vision transformer with a file of weights, as CLIP's image encoder is one."""

from collections.abc import Sequence

from vaehub.registry import Entry, Features, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    return [
        Features(
            "clip_like",
            "clip_like.extractor:ClipLike",
            "normalised embedding by a vision transformer",
            params="clip_like.params:ClipLikeParams",
            source="Radford et al. 2021",
        )
    ]
