"""No secret that goes into an address comes out of anything that is written for people."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.base.errors import HuescapeError, ParamsError
from huescape.base.masking import MASK, mask, mask_values
from huescape.params.load import validated
from huescape.tracking.notices import cause

# Every secret has this in it, so that its absence can be told from chance.
CORE = "hunter2"
# What people have in passwords, raw or escaped. Never `"<>` or a space: these end an address.
UGLY = string.ascii_letters + string.digits + "/@:?#%!$&'()*+,;=[]{}|^~._-\\"
pieces = st.text(st.sampled_from(UGLY), max_size=8).filter(lambda text: "://" not in text)
secrets = st.builds(lambda a, b: f"{a}{CORE}{b}", pieces, pieces)
schemes = st.sampled_from(
    ["http", "https", "ftp", "s3", "gs", "postgresql+psycopg2", "mysql", "git+https", "ssh", "x2"]
)
hosts = st.sampled_from(
    ["host.org", "localhost", "10.0.0.1", "[::1]", "[2001:db8::7]", "db", "a.b"]
)
ports = st.sampled_from(["", ":80", ":5000"])
paths = st.sampled_from(["", "/", "/a.tar.gz", "/~me/deep/SUN397.tar.gz", "/a%20b/c"])
keys = st.sampled_from(
    [
        "token",
        "access_token",
        "AUTH_TOKEN",
        "sig",
        "X-Amz-Signature",
        "X-Amz-Credential",
        "x-amz-security-token",
        "X-Goog-Signature",
        "AWSAccessKeyId",
        "api_key",
        "apikey",
        "key",
        "password",
        "pwd",
        "client_secret",
        "auth",
        "jwt",
        "X%2DAmz%2DSignature",
    ]
)
around = st.sampled_from(["{}", "url: {}", "'{}'", '"{}"', "see {}, and", "[{}]", "{}\n", "({})"])


@st.composite
def with_userinfo(draw: st.DrawFn) -> str:
    """`user:password@` or `TOKEN@`; a path of another shape than a password's."""
    secret, scheme = draw(secrets), draw(schemes)
    login = draw(st.sampled_from(["me:{}", ":{}", "me%40org:{}", "{}:x-oauth-basic", "{}:", "{}"]))
    if login[0] == "{":  # `a.b/c@host` may be a token, and is a host with a path
        secret = secret.replace(".", "")
        scheme = draw(st.sampled_from(["http", "https"]))
    return f"{scheme}://{login.format(secret)}@{draw(hosts)}{draw(ports)}{draw(paths)}"


@st.composite
def with_query(draw: st.DrawFn) -> str:
    value = quote(draw(secrets), safe=draw(st.sampled_from(["", "/", "/:@!,=+"])))
    before, after = draw(st.sampled_from(["", "a=1&", "a&"])), draw(st.sampled_from(["", "&b=2"]))
    start = f"{draw(schemes)}://{draw(hosts)}{draw(ports)}{draw(paths)}"
    return f"{start}?{before}{draw(keys)}={value}{after}"


@st.composite
def harmless(draw: st.DrawFn) -> str:
    query = draw(
        st.sampled_from(["", "?mirror", "?id=3&page=2", "?author=me", "#part", "?q=a%26b"])
    )
    host, path = draw(hosts), draw(paths)
    if "." in host or host == "localhost":  # there a path may have an @
        path += draw(st.sampled_from(["", "/pkg@1.0", "/@me/x"]))
    return f"{draw(schemes)}://{host}{draw(ports)}{path}{query}"


@given(with_userinfo() | with_query(), around)
def test_what_went_in_does_not_come_out(address: str, text: str) -> None:
    shown = mask(text.format(address))
    assert CORE not in shown
    assert MASK in shown
    assert mask(shown) == shown


@given(st.lists(with_userinfo() | with_query(), min_size=2, max_size=4), st.sampled_from(" \n"))
def test_several_in_one_text(addresses: list[str], between: str) -> None:
    assert CORE not in mask(between.join(addresses))


@given(st.lists(with_query() | harmless(), min_size=2, max_size=4), st.sampled_from(",|"))
def test_several_without_a_space(addresses: list[str], between: str) -> None:
    assert CORE not in mask(between.join(addresses))


@given(harmless(), around)
def test_an_address_without_secrets_is_as_it_was(address: str, text: str) -> None:
    assert mask(text.format(address)) == text.format(address)


@given(st.text().filter(lambda text: "://" not in text and "=" not in text))
def test_text_without_an_address_is_as_it_was(text: str) -> None:
    assert mask(text) == text


@given(st.text(st.sampled_from(UGLY + ' "<>\n://@?=&')))
def test_masking_again_changes_nothing(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:secret@host:5000/a", "http://***@host:5000/a"),
        ("https://TOKEN@host.org/a.tar", "https://***@host.org/a.tar"),
        ("https://TO/KEN==@host.org/a.tar", "https://***@host.org/a.tar"),
        ("http://me:p/a@s:s@host.org/x?mirror", "http://***@host.org/x?mirror"),
        ("http://me:p?a#s@[::1]:8080/x", "http://***@[::1]:8080/x"),
        ("s3://AKIA:se/cr+et=@bucket/a", "s3://***@bucket/a"),
        ("s3://bucket/a@b", "s3://bucket/a@b"),
        ("postgresql+psycopg2://me:s3cret@db/m", "postgresql+psycopg2://***@db/m"),
        ("postgresql:///m?user=me&password=x", "postgresql:///m?user=me&password=***"),
        ("sqlite:////home/a@b/mlflow.db", "sqlite:////home/a@b/mlflow.db"),
        ("ssh://git@host.org/x.git", "ssh://git@host.org/x.git"),
        ("git+ssh://git:pw@host.org/x.git", "git+ssh://***@host.org/x.git"),
        ("git@host.org:me/x.git", "git@host.org:me/x.git"),
        (
            "Max retries exceeded with url: /a?sig=x (x)",
            "Max retries exceeded with url: /a?sig=*** (x)",
        ),
        ("http://h.org/a?token=x: 404, check it", "http://h.org/a?token=***: 404, check it"),
        ("http://h.org/?next=http%3A%2F%2Fu%3Ap%40h", "http://h.org/?next=***"),
        ("http://h.org/?next=http://u:p@h/&a=1", "http://h.org/?next=http://***@h/&a=1"),
        ("mail me@host.org about a=1 & b=2", "mail me@host.org about a=1 & b=2"),
    ],
)
def test_examples(text: str, shown: str) -> None:
    assert mask(text) == shown


def test_values_within_values() -> None:
    secret = "http://me:hunter2@host.org/a"
    masked = {"a": [1, None, "http://***@host.org/a"], "b": {"c": "http://***@host.org/a"}}
    assert mask_values({"a": (1, None, secret), "b": {"c": secret}}) == masked


@given(with_userinfo() | with_query())
def test_no_error_holds_one(address: str) -> None:
    assert CORE not in str(HuescapeError(f"{address}: gone"))
    assert CORE not in str(ParamsError(f"params.yaml: {address}"))
    assert CORE not in cause(ValueError(address + " " * 200 + address))


@given(with_userinfo() | with_query())
def test_a_refused_parameter_is_not_quoted_with_one(address: str) -> None:
    """Also where the message cuts the value short."""
    for source in ({"kind": "sun397", "root": "x", "md5": address}, {"kind": address}):
        with pytest.raises(ParamsError) as caught:
            validated({"download": {"sources": [source]}}, "params.yaml")
        assert CORE[:5] not in str(caught.value)
