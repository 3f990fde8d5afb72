"""Secrets in addresses, masked in everything that is written for people to read.

An address in `params.yaml` or `MLFLOW_TRACKING_URI` may carry a password, a token or a signature.
It goes out to the server and nowhere else: error messages, warnings, the page, MLflow, tables and
notes beside downloads have it masked.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

MASK = "***"

#: An address in a text, up to what cannot be in one. A raw `'` can: it is legal in a password.
_ADDRESS = re.compile(r"(?<![\w+.-])([\w+.-]+)://([^\s\"<>`]*)")
#: Where a second address begins in what looks like one: `http://a,http://b`, `?next=http://b`.
_ANOTHER = re.compile(r"(?<=[,;=&?|(\[{'])(?=[A-Za-z][\w+.-]*://)")
#: `?key=value` or `&key=value`, also without the address in front, as libraries quote it.
_PAIR = re.compile(r"(?<=[?&;#])([^\s=&?#;\"'<>`]+)=([^\s&\"<>`]+)")
#: Ends of sentences, lists and quotations, which belong to the text around a value.
_AROUND = re.compile(r"[:;,.!)\]}'\\]*\Z")
_SECRET_KEY = re.compile(
    r"token|secret|signature|passw|pwd|credential|authoriz|jwt|(?:api|access|account|private)[-_]?key"
    r"|^x-(?:amz|goog|ms|oss|cos)-|(?:^|[-_.])(?:sig|key|pass|pw|auth|sas|hmac|code|otp|sid|session)$",
    re.IGNORECASE,
)
#: Here a name before the `@` is how one logs in, and the key is elsewhere.
_WITH_KEYS = ("ssh", "sftp", "scp", "rsync")
#: Here a bare word is no bucket, so with an `@` further on it may as well be a token with a slash.
_WEB = ("http", "https", "ftp", "ftps")
_FULL_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.([A-Za-z][A-Za-z0-9-]*|[0-9]+)\.?")


def mask(text: str) -> str:
    """The text with `***` for whatever of an address may be secret; all else is left as it is.

    That is everything before the `@` of a host (`user:password@`, `TOKEN@`, also when the password
    has `/`, `@`, `:`, `?` or `#` in it; not the mere user of ssh), and values of query keys such as
    `token`, `sig` or `X-Amz-Signature`. Scheme, host, path and other keys stay readable; in doubt
    (an address with a password and another `@` further on) too much is masked, not too little.
    """
    if "://" in text:
        text = _ADDRESS.sub(_without_userinfo, text)
    return _PAIR.sub(_without_value, text) if "=" in text else text


def mask_values(value: Any) -> Any:
    """`mask` for every text within mappings, lists and tuples (which become lists)."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: mask_values(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [mask_values(inner) for inner in value]
    return value


def _without_userinfo(found: re.Match[str]) -> str:
    first, *others = _ANOTHER.split(f"{found[1]}://{found[2]}")
    scheme, _, rest = first.partition("://")
    hidden, at, place = rest.rpartition("@")
    if at and _is_userinfo(scheme.lower(), hidden, rest):
        within = _PAIR.sub(_without_value, rest).count("@") < rest.count("@")
        # An `@` within the value of a secret key: either may be meant, so both are masked.
        first = f"{scheme}://{MASK}" if within else f"{scheme}://{MASK}@{place}"
    return first + "".join(mask(other) for other in others)


def _is_userinfo(scheme: str, hidden: str, rest: str) -> bool:
    """Whether what stands before the last `@` hides a login, and is not merely part of a path."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if scheme.rpartition("+")[2] in _WITH_KEYS and re.fullmatch(r"[^:/?#@]+", hidden):
        return False
    if "@" in authority:
        return True
    if not authority:  # `sqlite:////folder/a@b.db`
        return scheme in _WEB
    if re.fullmatch(r"\[[0-9A-Fa-f:.]+\](:\d*)?", authority):
        return False
    host, colon, port = authority.partition(":")
    if port and not port.isdigit():  # no port, so a password that a slash cuts
        return True
    if host == "localhost" or _FULL_HOST.fullmatch(host):
        return False
    return bool(colon) or scheme in _WEB


def _without_value(found: re.Match[str]) -> str:
    key, value = found[1], found[2]
    around = _AROUND.search(value)
    inner = value[: around.start()] if around else value
    plain = unquote(inner)
    is_secret = _SECRET_KEY.search(unquote(key)) or ("://" in plain and mask(plain) != plain)
    return f"{key}={MASK}{value[len(inner) :]}" if inner and is_secret else found[0]
