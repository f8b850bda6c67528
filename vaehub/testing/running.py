"""Runs a check, whatever a plugin's code raises where no check expects it."""

from __future__ import annotations

from collections.abc import Callable

from vaehub.core.errors import VaehubError
from vaehub.testing.failures import Item, NotChecked, StopChecking
from vaehub.testing.guards import quiet


def run(item: Item, check: Callable[[Item], None], *, has_settings: bool = False) -> str:
    """Check an item.

    Args:
        item: What is checked, which keeps what is broken.
        check: Of its kind.
        has_settings: Whether the caller gave settings, which may be what is wrong.

    Returns:
        Why not all could be checked here; empty if all was.

    Raises:
        VaehubError: If settings were given and do not fit.
    """
    try:
        with quiet():
            check(item)
    except StopChecking:
        pass  # noted
    except NotChecked as error:
        return str(error)
    except KeyboardInterrupt:
        raise
    # A stranger's code ran here.
    except BaseException as error:
        if isinstance(error, VaehubError) and has_settings:
            raise
        item.raised("fails in the middle of its check", error)
    return ""
