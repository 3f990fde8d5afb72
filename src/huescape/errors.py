"""The errors a person can cause; the command line prints them as one line, without a traceback."""

from huescape.masking import mask


class HuescapeError(Exception):
    """Something outside the program is wrong: a file, a photo, a disk, a server.

    The message is one line that says what is wrong, where, and what is allowed. Secrets in
    addresses are masked in it, wherever it is printed or logged.
    """

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(mask(message))


class ParamsError(HuescapeError):
    """A parameter is wrong; the message names its dotted key and the allowed values."""

    exit_code = 2
