"""The errors a person can cause; the command line prints them as one line, without a traceback."""

from huescape.base.masking import mask


def one_line(text: str) -> str:
    """`text` with line breaks and control codes, also those of file names, as escapes."""
    return "".join(c if c.isprintable() or c == "\u3000" else repr(c)[1:-1] for c in text)


class HuescapeError(Exception):
    """Something outside the program is wrong: a file, a photo, a disk, a server.

    The message is one line that says what is wrong, where, and what is allowed. Secrets in
    addresses are masked in it, wherever it is printed or logged, and what a file's name holds
    neither breaks the line nor steers a terminal.
    """

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(mask(message)))


class ParamsError(HuescapeError):
    """A parameter is wrong; the message names its dotted key and the allowed values."""

    exit_code = 2
