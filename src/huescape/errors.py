"""The errors a person can cause; the command line prints them as one line, without a traceback."""


class HuescapeError(Exception):
    """Something outside the program is wrong: a file, a photo, a disk, a server.

    The message is one line that says what is wrong, where, and what is allowed.
    """

    exit_code = 1


class ParamsError(HuescapeError):
    """A parameter is wrong; the message names its dotted key and the allowed values."""

    exit_code = 2
