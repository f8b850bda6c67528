"""``python -m vaehub`` is the command ``vaehub``."""

from vaehub.cli.main import main

if __name__ == "__main__":
    main()
