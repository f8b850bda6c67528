"""The device of tests marked ``gpu``: ``python -m tests.device_name`` prints it, or says that there is none."""

import os
import sys

NONE_HERE = "PyTorch finds no accelerator here; VAEHUB_TEST_DEVICE names the device to test, such as cuda:0"


def device_name() -> str | None:
    """Return the name that VAEHUB_TEST_DEVICE has, else that of the first accelerator; ``None`` without one."""
    import torch

    if asked := os.environ.get("VAEHUB_TEST_DEVICE"):
        return asked
    if torch.cuda.is_available():
        return "cuda:0"
    return "mps" if torch.backends.mps.is_available() else None


def main() -> int:
    """Print the name, and return the exit code."""
    from vaehub import VaehubError
    from vaehub.training.devices import find_devices, one_device_name

    name = device_name()
    try:
        if name is not None:
            find_devices(one_device_name(name))
    except VaehubError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    print(name) if name is not None else sys.stderr.write(f"{NONE_HERE}\n")
    return 0 if name is not None else 2


if __name__ == "__main__":
    sys.exit(main())
