"""Identity: the same request has the same name, on every machine and in every store."""

import hashlib
import json
from collections.abc import Mapping, Sequence

Json = bool | int | float | str | None | Sequence["Json"] | Mapping[str, "Json"]

ID_BYTES = 12
"""96 bits: a collision becomes likely only after some 10^14 records."""


def canonical_json(value: Json) -> str:
    """Return the canonical JSON text of a value: keys sorted, no spaces, shortest floats, no NaN or infinity.

    Raises:
        ValueError: If a number is NaN or infinite.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def identity(value: Json) -> str:
    """Return the identity of a value: the BLAKE2b digest of its canonical JSON, as 24 hexadecimal digits."""
    return hashlib.blake2b(canonical_json(value).encode(), digest_size=ID_BYTES).hexdigest()


def _plain(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    # -0.0 and 0.0 are equal and must have the same text.
    return 0.0 if isinstance(value, float) and value == 0 else value
