"""`python -m anywhere`, and the command `anywhere`."""

import signal


def main() -> None:
    """Until the command line is there to say so in one line, Ctrl-C ends the program without a word."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from anywhere.cli import main

    main()


if __name__ == "__main__":
    main()
