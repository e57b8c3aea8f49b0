"""`python -m mtlkit`."""

from mtlkit_command import main

if __name__ == "__main__":
    main()
