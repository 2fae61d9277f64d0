"""`python -m anywhere`."""

from anywhere.cli import main

if __name__ == "__main__":
    main()
