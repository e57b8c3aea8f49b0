"""`python -m mtlkit`."""

from mtlkit.cli.main import main

if __name__ == "__main__":
    main()
