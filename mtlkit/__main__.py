"""`python -m mtlkit`."""

from mtlkit.cli.begin import main

if __name__ == "__main__":
    main()
