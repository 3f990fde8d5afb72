"""A corpus of wrong params.yaml files: each gets one line with its key and what is allowed."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML

from huescape.cli import main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")
BASE: dict[str, Any] = YAML(typ="safe", pure=True).load(TEXT)


class Case(NamedTuple):
    """The content of params.yaml, and fragments of the line that must answer."""

    name: str
    content: bytes
    words: tuple[str, ...]


def _dump(values: Any) -> bytes:
    stream = io.BytesIO()
    YAML(typ="safe", pure=True).dump(values, stream)
    return stream.getvalue()


def _set(dotted: str, value: Any, *words: str) -> Case:
    """The project's file with one key changed; `...` removes it."""
    values = copy.deepcopy(BASE)
    *parents, last = dotted.split("/")
    at = values
    for key in parents:
        at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return Case(f"{dotted}={value!r:.40}", _dump(values), words)


def _replaced(old: str, new: str, *words: str) -> Case:
    """The text of the project's file with a piece of it replaced."""
    assert old in TEXT
    return Case(f"{old!r:.30}->{new!r:.40}", TEXT.replace(old, new, 1).encode(), words)


def _with(text: str, *words: str, before: bool = False) -> Case:
    content = text + TEXT if before else TEXT + text
    return Case(f"{'before' if before else 'after'} {text!r:.50}", content.encode(), words)


def _raw(name: str, content: bytes, *words: str) -> Case:
    return Case(name, content, words)


# Keys of one number: values out of their range, and what the line says is allowed.
NUMBERS: dict[str, tuple[list[Any], str]] = {
    "download/sources/0/photos": ([0, 19, 1_000_001, 20.5], "a whole number at least 20, at most"),
    "download/sources/0/seed": ([-1, 2**63, 0.5], "a whole number at least 0, below"),
    "filter/min_side": ([0, -5, 10**6, 1.5], "a whole number at least 1, at most 100000"),
    "filter/min_chroma": ([-0.1, 201], "a number at least 0, at most 200"),
    "filter/max_distance": ([-1, 17, 2.5], "a whole number at least 0, at most 16"),
    "filter/split/val": ([-0.1, 1, 10**30], "a number at least 0, below 1"),
    "filter/split/test": ([-1e-9, 1.0], "a number at least 0, below 1"),
    "resize/size": ([0, 8, 100, 1032, -256], "a whole number at least 16, at most 1024"),
    "resize/shards": ([0, 10_001, 1.0], "a whole number at least 1, at most 10000"),
    "quantizers/yuv32/bins/n": ([0, 65_536, 1e9], "a whole number at least 1, at most 65535"),
    "quantizers/yuv32/bins/cells": ([1, 257], "a whole number at least 2, at most 256"),
    "quantizers/lab313/bins/step": ([0, -10], "a number above 0"),
    "quantizers/lab313/prior/sigma": ([-1, 1001], "a number at least 0, at most 1000"),
    "quantizers/lab313/prior/lambda": ([-0.01, 1.01], "a number at least 0, at most 1"),
    "quantizers/lab313/encode/neighbors": ([0, 33], "a whole number at least 1, at most 32"),
    "quantizers/lab313/encode/sigma": ([0, -5, 1e4], "a number above 0, at most 1000"),
    "quantizers/lab313/encode/stride": ([0, 9], "a whole number at least 1, at most 8"),
    "systems/colorunet/steps": ([-1, 10**390, 2.5], "a whole number at least 0, at most"),
    "systems/colorunet/batch": ([0, 100_001], "a whole number at least 1, at most 100000"),
    "systems/colorunet/shuffle_shards": (
        [0, 10_001, 1.5],
        "a whole number at least 1, at most 10000",
    ),
    "systems/colorunet/seed": ([-1, 2**63], "a whole number at least 0, below"),
    "systems/colorunet/optimizer/lr": ([0, -1e-3], "a number above 0"),
    "systems/colorunet/augmentation/crop": ([15, 1025, 64.5], "a whole number at least 16"),
    "systems/colorunet/geometry/side": ([15, 1025, 64.5], "a whole number at least 16"),
    "systems/colorunet/geometry/view": ([15, 1025, 64.5], "a whole number at least 16"),
    "systems/colorunet/photos/share": ([0, 1.5], "a number above 0, at most 1"),
    "evaluate/decode/temperature": ([0, 1.01, -1], "a number above 0, at most 1"),
    "evaluate/decode/tau": ([-0.01, 1.01], "a number at least 0, at most 1"),
    "evaluate/macro_pixels": ([0, 10**10], "a whole number at least 1, at most 1000000000"),
    "evaluate/macro_photos": ([0, -1], "a whole number at least 1, at most 1000000000"),
    "evaluate/pictures": ([-1, 65], "a whole number at least 0, at most 64"),
}
# What YAML reads as something else than a number; values as written in the file.
NO_NUMBERS = ("many", "'5'", "true", "[1]", "{a: 1}", ".nan", ".inf", "1e999", "2020-01-01")


def _numbers() -> list[Case]:
    cases = []
    for dotted, (values, allowed) in NUMBERS.items():
        key = dotted.replace("/", ".")
        cases += [_set(dotted, value, f"{key} is ", f"allowed: {allowed}") for value in values]
    cases.append(_set("systems/colorunet/steps", 0, "steps is 0; allowed: at least 1 with "))
    for number, dotted in enumerate(NUMBERS):
        for written in NO_NUMBERS[number % 3 :: 3]:
            value = YAML(typ="safe", pure=True).load(written)
            cases.append(_set(dotted, value, dotted.replace("/", "."), "allowed: "))
    return cases


def _sections() -> list[Case]:
    cases = []
    for name in BASE:
        for value in (None, 5, "text", [1, 2]):
            cases.append(_set(name, value, f"{name} is {value!r}", "allowed: a section of keys"))
    for misspelled, right in (
        ("downlaod", "download"),
        ("quantizer", "quantizers"),
        ("system", "systems"),
        ("Filter", "filter"),
        ("resize ", "resize"),
    ):
        values = {misspelled if key == right else key: entry for key, entry in BASE.items()}
        words = (f"{right}: is missing",) if right in ("quantizers", "systems") else ()
        cases.append(_raw(f"misspelled {misspelled}", _dump(values), *words, "allowed"))
    for dotted, allowed in (
        ("filter/min_size", "categories, max_distance, max_pixels, min_chroma, min_side, split"),
        ("filter/split/valid", "honor_lists, test, val"),
        ("resize/width", "shards, size"),
        ("evaluate/temperature", "decode, decodes, extremes, macro_photos, macro_pixels, pictures"),
        ("evaluate/decode/temp", "method, tau, temperature"),
        ("report/titel", "title"),
        ("quantizers/yuv32/prior/lam", "lambda, sigma, smoothing, uniform_over"),
        ("quantizers/yuv32/bins/step", "cells, n, rule"),
        ("quantizers/yuv32/encode/sigma", "method, stride"),
        ("systems/colorunet/step", "augmentation, batch, checkpoint_every"),
        ("systems/colorunet/optimizer/learning_rate", "average, betas, clip, decay, gamma, lr"),
        (
            "systems/colorunet/augmentation/flips",
            "area, aspect, crop, crop_shares, flip, lightness, mode",
        ),
        ("systems/colorunet/loss/alpha", "reduction, weighted"),
        ("systems/colorunet/network/widht", "skips, width"),
        ("download/sources/0/root", "name, photos, seed"),
    ):
        key = dotted.replace("/", ".")
        cases.append(_set(dotted, 1, f"{key}: no such key; allowed here: {allowed}"))
    for dotted in ("quantizers/yuv32/bins/rule", "quantizers/yuv32/encode/method"):
        cases.append(_set(dotted, ..., dotted.replace("/", ".") + ": is missing; allowed: "))
    for dotted in ("systems/colorunet/preset", "systems/colorunet/quantizer"):
        cases.append(_set(dotted, ..., dotted.replace("/", ".") + ": is missing; allowed: text"))
    return cases


# One of several words: the key, words that are none of them, and some that are.
CHOICES: dict[str, tuple[list[Any], str]] = {
    "filter/categories": (["Core", "", 1, None], "core, extended, colorunet, all"),
    "quantizers/yuv32/space": (["rgb", "LAB", 3], "lab, yuv"),
    "quantizers/yuv32/bins/rule": (["odd", "../x"], "frequent, gamut"),
    "quantizers/yuv32/encode/method": (["harder", "Soft"], "cell, chroma, hard, soft"),
    "quantizers/yuv32/prior/smoothing": (["both", 0], "plane, index"),
    "quantizers/yuv32/prior/uniform_over": (["none"], "all, occupied"),
    "systems/colorunet/precision": (["float16", 16], "auto, float32, tf32, bfloat16"),
    "systems/colorunet/optimizer/name": (["lion", ""], "adam, adamw, sgd"),
    "systems/colorunet/initialization/method": (["zero"], "network, kmeans"),
    "systems/colorunet/loss/name": (
        ["l1", "Focal"],
        "bins_and_chroma, block, chromagan, cross_entropy",
    ),
    "systems/colorunet/network/name": (["nosuch", "blocks", "../x"], "chromagan, colorunet"),
    "systems/colorunet/preset": (["unet", "", "..", "a/../b", "x" * 9999], "chromagan, colorunet"),
    "systems/colorunet/quantizer": (["yuv23", "", "../raw", "YUV32"], "lab313, yuv32"),
    "evaluate/split": (["all", "train"], "test, val"),
    "evaluate/prior": (["lab", "", "../../x"], "lab313, yuv32"),
    "download/sources/0/kind": (["samples", "Folder"], "div2k, folder, imagenet, sample, sun397"),
    "systems/colorunet/compile": (["yes", 1], "true or false"),
    "systems/colorunet/augmentation/flip": (["no", 0], "true or false"),
    "filter/split/honor_lists": (["on", 1.0], "true or false"),
}


def _choices() -> list[Case]:
    return [
        _set(dotted, value, dotted.replace("/", "."), f"allowed: {allowed}")
        for dotted, (values, allowed) in CHOICES.items()
        for value in values
    ]


# Names that dvc.yaml would put into paths, commands and names of stages.
NAMES = (
    *("../precious", "../../x", "/etc", "a/b", ".", "..", "", " ", "a b", "a; touch X", "$(id)"),
    *("`id`", "a|b", "a&b", "a>b", "-rf", "--help", "a-b", "A", "é", "名", "a.b", "a@b", "${x}"),
    *("a\nb", "a\tb", "a\0b".replace("\0", "\x1b"), "\u202ea", "\u200b", "~", "*", "a'b", 'a"b'),
    *("x" * 101, "\N{PILE OF POO}"),
)


def _names() -> list[Case]:
    cases = []
    for name in NAMES:
        for section, old in (("systems", "colorunet"), ("quantizers", "yuv32")):
            values = copy.deepcopy(BASE)
            values[section][name] = values[section].pop(old)
            case = f"{section} {name!r:.40}"
            cases.append(_raw(case, _dump(values), f"{section}.", "allowed: text matching"))
    for written in ("5", "~", "1.5", "true", "2020-01-01", "[a]", "!!binary YWJj"):
        cases.append(_replaced("  colorunet:", f"  ? {written}\n  :", "systems.", "allowed: text"))
    for name in ("A", "a b", "../a", ".a", "", "é"):
        cases.append(_set("download/sources/0/name", name, "sources.0.name is ", "text matching"))
    return cases


def _bins() -> list[Case]:
    """Keys of quantizers that are right by themselves and wrong together."""
    cell = "quantizers/yuv32/bins"
    return [
        _set("filter/split/val", 0.9, "filter.split: val + test must be below 1"),
        _set(f"{cell}/n", 401, "quantizers.yuv32.bins: n is 401", "allowed: 1 to 400"),
        _set(f"{cell}/cells", 5, "n is 32, larger than the 25 bins", "allowed: 1 to 25"),
        _set("quantizers/lab313/bins/step", 1.5, "bins.step is 1.5; allowed in lab: 2.0 to 60.0"),
        _set("quantizers/lab313/encode/stride", 3, "encode.stride is 3; allowed: a divisor of"),
        _set("quantizers/lab313/space", "yuv", "bins.step is 10.0; allowed in yuv: 0.02 to 0.4"),
        _set("evaluate/prior", "yuv32", "evaluate.prior: scores need a quantizer with space = lab"),
        _set(
            "quantizers/lab313/encode",
            {"method": "cell"},
            "quantizers.lab313: encode.method is 'cell'; allowed with bins.rule 'gamut': soft, ",
        ),
        _set(
            "quantizers/lab313",
            {"space": "lab", "bins": {"rule": "frequent"}, "encode": {"method": "cell"}},
            "evaluate.prior: scores count a color in its nearest bin",
        ),
    ]


def _training() -> list[Case]:
    """Keys of systems that are wrong together."""
    weights = "systems/colorunet/network"
    return [
        _set("systems/colorunet/augmentation/crop", 512, "crop is 512; allowed: at most resize.si"),
        _set("systems/colorunet/augmentation/crop", None, "augmentation.crop is null; allowed wi"),
        *(
            _set(
                "systems/colorunet/augmentation/crop_shares",
                [0.7, share],
                f"crop_shares.1 is {share}; allowed: a number above 0, below 1",
            )
            for share in (0, 1, -0.7, 7)
        ),
        _set("systems/colorunet/augmentation/crop_shares", [0.7], "geometry.fit inside: []"),
        _set("systems/colorunet/geometry/side", 64, "crop is 128; allowed: at most geometry.side"),
        _set("systems/colorunet/geometry/side", 512, "geometry.side is 512; allowed: at most res"),
        _set("systems/colorunet/geometry", {"side": 256}, "with geometry.fit pad: null"),
        _set("systems/colorunet/geometry/fit", "fill", "is 'fill'; allowed: pad, inside, stretch"),
        _set("systems/colorunet/augmentation/mode", "all", "is 'all'; allowed: together, single"),
        _set("systems/colorunet/quantizer", "lab313", "has stride 1", "allowed for it: 1"),
        _set("systems/colorunet/loss", {"name": "l2"}, "a quantizer with encode.method chroma"),
        _set("quantizers/yuv32/encode/method", "chroma", "encode.method soft or hard"),
        _set("systems/colorunet/optimizer/milestones", [0.5, 0.2], "milestones must rise"),
        _set("systems/colorunet/optimizer/milestones", [1.5], "each between 0 and 1"),
        _set("systems/colorunet/optimizer/gamma", [0.1] * 9, "gamma has 9 factors; allowed: one"),
        _set("systems/colorunet/optimizer/betas", [0.9], "optimizer.betas"),
        _set("systems/colorunet/optimizer/betas", [0.9, 1], "betas.1 is 1; allowed: a number at"),
        _set("systems/colorunet/augmentation/noise", [0.1, -1], "noise.1 is -1; allowed: a number"),
        _set(f"{weights}/pretrained", "vgg16:models/a.pth", "systems.colorunet.network.pretrained"),
        _set(f"{weights}/width", 0, "network.width is 0", "at least 1"),
        _set(f"{weights}/width", "wide", "network.width is 'wide'; allowed: a whole number"),
        _set("systems/colorunet/network", [], "systems.colorunet.network is []; allowed: a sec"),
    ]


def _decodings() -> list[Case]:
    return [
        _set("evaluate/decode/method", "best", "is 'best'; allowed: annealed, median, mode,"),
        _set(
            "evaluate/decode",
            {"method": "diffuse", "threshold": 0.2},
            "evaluate.decode.threshold: no such key; allowed here: method, tau, temperature",
        ),
        _set("evaluate/decode", {"method": "diffuse", "tau": 2}, "decode.tau is 2; allowed: a num"),
        _set("evaluate/decode", "median", "evaluate.decode is 'median'; allowed: a section of"),
        _set(
            "evaluate/decodes", [{}, {"tau": 2}], "evaluate.decodes.1.tau is 2; allowed: a number"
        ),
        _set(
            "evaluate/decodes", [{"tua": 0.1}], "decodes.0.tua: no such key; allowed here: method"
        ),
        _set("evaluate/decodes", [], "evaluate.decodes is []; allowed: a list"),
        _set("evaluate/decodes", 0.5, "evaluate.decodes is 0.5; allowed: a list"),
        _set("evaluate/decodes", ["mode"], "evaluate.decodes.0 is 'mode'; allowed: a section of"),
        _set("evaluate/decodes", [{}, {"temperature": 0.38}], "lists 'annealed T=0.38' twice"),
        _set(
            "evaluate/decodes",
            [{"method": "mode"}, {"method": "mode", "temperature": 0.5}],
            "evaluate.decodes: lists 'mode' twice; allowed: each decoding once",
        ),
        _set(
            "evaluate/decodes",
            [{"method": "diffuse"}, {"method": "diffuse", "temperature": 1}],
            "evaluate.decodes: lists 'diffuse' twice; allowed: each decoding once",
        ),
    ]


def _sources() -> list[Case]:
    folder = {"kind": "folder", "name": "mine"}
    places = ("data/raw", "data/raw/mine", "data", ".", "models", "reports/x", "data/catalog", "..")
    places += (".git", ".dvc/cache", ".huescape", "data/../data/raw", "./models//a", "/")
    return [
        _set("download/sources", [], "download.sources is []; allowed: a list"),
        _set("download/sources", {}, "download.sources is {}; allowed: a list"),
        _set("download/sources", [3], "download.sources.0 is 3; allowed: "),
        _set("download/sources", [{}], "download.sources.0.kind: is missing; allowed: text"),
        _set("download/sources", [{"kind": "folder"}], "sources.0.root: is missing; allowed: text"),
        _set("download/sources", [{"kind": "sample"}] * 2, "two sources have the name 'sample'"),
        _set("download/sources", [{**folder, "root": 3}], "sources.0.root is 3; allowed: text"),
        _set("download/sources", [{**folder, "root": "a\0b"}], "sources.0.root is 'a\\x00b'"),
        _set("download/sources", [{**folder, "root": "~nobody1/x"}], "sources.0.root is '~nobody1"),
        _set("download/sources", [{**folder, "root": "x" * 5000}], "sources.0.root is 'xxx"),
        _set(
            "download/sources",
            [{"kind": "sun397", "root": "x", "md5": "0"}],
            "sources.0.md5 is '0'; allowed: text matching ^[0-9a-f]{32}$",
        ),
        *(
            _set("download/sources", [{**folder, "root": place}], "lies in or above", "external")
            for place in places
        ),
        _set(
            "download/sources",
            [{"kind": "imagenet", "root": "/x", "devkit": "data/raw/kit"}],
            "download.sources.0.devkit is 'data/raw/kit', which lies in or above data/raw",
        ),
        _set(
            "download/sources",
            [{"kind": "sun397", "root": "/x", "archive": "data/raw/a.tar"}],
            "download.sources.0.archive is 'data/raw/a.tar', which lies in or above data/raw",
        ),
        _set(
            "download/sources",
            [{**folder, "root": "/x", "splits": "reports/splits.csv"}],
            "download.sources.0.splits is 'reports/splits.csv', which lies in or above reports",
        ),
    ]


def _titles() -> list[Case]:
    return [
        _set("report/title", "x" * 1001, "report.title is 'xxx", "at most 1000 characters"),
        _set("report/title", 5, "report.title is 5; allowed: text"),
    ]


def _bomb(levels: int) -> str:
    rows = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, levels)]
    return "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(rows)


def _syntax() -> list[Case]:
    chain = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 3000))
    utf16 = TEXT.encode("utf-16")
    line = "params.yaml, line "
    photos = "photos: 240"
    return [
        _raw("empty", b"", "expected sections and keys, found NoneType"),
        _raw("null", b"~", "expected sections and keys, found NoneType"),
        _raw("comment", b"# nothing\n", "expected sections and keys, found NoneType"),
        _raw("number", b"5", "expected sections and keys, found int"),
        _raw("text", b"photos", "expected sections and keys, found str"),
        _raw("list", b"- 1\n- 2\n", "expected sections and keys, found list"),
        _raw("set", b"!!set {a, b}", "expected sections and keys, found "),
        _raw("HTML", b"<html><body>404</body></html>", "expected sections and keys, found str"),
        _raw("JSON", b'{"download": ', line, "not valid YAML"),
        _raw("binary", bytes(range(256)), "cannot be read: byte 128 is not UTF-8"),
        _raw("gzip", b"\x1f\x8b\x08\x00" + bytes(20), "byte 1 is not UTF-8; allowed: UTF-8"),
        _raw("zeros", bytes(1000), "not valid YAML: unacceptable character #x0000"),
        _raw("UTF-16", utf16, "byte 0 is not UTF-8; allowed: UTF-8"),
        _raw("UTF-32", TEXT.encode("utf-32"), "byte 0 is not UTF-8; allowed: UTF-8"),
        _raw("Latin-1", TEXT.encode() + "# é".encode("latin-1"), "is not UTF-8; allowed: UTF-8"),
        _raw("surrogate", TEXT.encode() + b"# \xed\xa0\x80", "is not UTF-8; allowed: UTF-8"),
        _raw("huge", b"#" * 1_000_001, "has 1,000,001 bytes; allowed: at most 1,000,000"),
        _raw("half", TEXT.encode()[: TEXT.index("quantizer: yuv32")], "quantizer: is missing"),
        _raw("in a flow", TEXT.encode()[: TEXT.index("step: 10.0")], line, "not valid YAML"),
        _raw("lists", b"[" * 2000 + b"]" * 2000, line, "too many levels; allowed: at most 50"),
        _raw("unclosed", b"[" * 2000, line, "too many levels; allowed: at most 50"),
        _raw("maps", b"{a: " * 60 + b"1" + b"}" * 60, line, "too many levels; allowed: at most"),
        _raw("blocks", b"".join(b" " * n + b"- \n" for n in range(1, 90)), "too many levels"),
        _raw("rows", b"[" + b"1," * 100_001 + b"]", line, "too many values; allowed: at most"),
        _with(_bomb(9), line, "aliases make too many values; allowed: at most 100,000"),
        _with(_bomb(30), line, "aliases make too many values; allowed: at most 100,000"),
        _with(chain, line, "too many levels; allowed: at most 50", before=True),
        _with("x: &a [*a]\n", line, "*a lies within itself; allowed: no loops"),
        _with("x: &a {b: {c: *a}}\n", line, "*a lies within itself; allowed: no loops"),
        _with("x: &a {<<: *a}\n", line, "*a lies within itself; allowed: no loops"),
        _with("x: *nothing\n", line, "not valid YAML: found undefined alias"),
        _with("filter: {}\n", line, 'found duplicate key "filter"'),
        _with("---\nreport: {}\n", "but found another document"),
        _with("%FOO\n", line, "not valid YAML"),
        _with("\t- x\n", line, "not valid YAML: found character"),
        _with("x\n", line, "not valid YAML"),
        _with("@x: 1\n", line, "not valid YAML: found character '@'"),
        _with("`x`: 1\n", line, "not valid YAML: found character '`'"),
        _with("x: 'a\n", line, "not valid YAML"),
        _with('x: "\\q"\n', line, "not valid YAML: found unknown escape character"),
        _with("? {a: 1}\n: 1\n", line, "found unhashable key"),
        _with("\x07", "not valid YAML: unacceptable character #x0007"),
        _with("\x1b[31m", "not valid YAML: unacceptable character #x001b"),
        _with("x: 1\n", "x: no such key; allowed here: download, evaluate, filter"),
        _with('"a\\nb\\e[31m": 1\n', "a\\nb\\x1b[31m: no such key; allowed here: download"),
        _with("5: 1\n", "params.yaml: 5", "allowed"),
        _with("~: 1\n", "params.yaml: None", "allowed"),
        _replaced(photos, "photos: 240\n      photos: 250", line, 'duplicate key "photos"'),
        _replaced(photos, "photos:\t240", "not valid YAML", line),
        _replaced(photos, "photos: " + "9" * 401, line, "a number of 401 digits; allowed: at most"),
        _replaced(photos, "photos: " + "9" * 5001, line, "a number of 5,001 digits; allowed: at"),
        _replaced(photos, "photos: -" + "9" * 5001, line, "digits; allowed: at most 400"),
        _replaced(photos, "photos: 0x" + "f" * 5001, line, "digits; allowed: at most 400"),
        _replaced(photos, "photos: 0b" + "1" * 50001, line, "digits; allowed: at most 400"),
        _replaced(photos, "photos: 0." + "1" * 50001, line, "digits; allowed: at most 400"),
        _replaced(photos, "photos: " + "9" * 400, "photos is 999", "allowed: a whole number"),
        _replaced("lr: 0.002", "lr: " + "9" * 400, "optimizer.lr is 999", "allowed: a number"),
        _replaced(photos, "photos: 2024-13-45", "a value cannot be read: month must be in 1..12"),
        *(
            _replaced(photos, f"photos: !!{tag}", "params.yaml", "not valid YAML")
            for tag in (
                *("int x", "float x", "bool x", "timestamp x", "map x", "seq x", "omap x"),
                *("python/object/apply:os.system [id]", "python/object/new:os.system [id]"),
                *("python/name:os.system", "python/module:os", "python/tuple [1]", "nothing 1"),
            )
        ),
        _replaced(photos, "photos: !own 5", line, "could not determine a constructor for the tag"),
        _replaced(photos, "photos: !!binary YWJj", "photos is b'abc'; allowed: a whole number"),
        _replaced(photos, "photos: !!set {a}", "photos is {'a'}; allowed: a whole number"),
        _replaced(photos, "photos: |-\n        240", "photos is '240'; allowed: a whole number"),
        _replaced(photos, "photos: 1:30", "photos is '1:30'; allowed: a whole number"),
        _replaced(photos, "photos: 0x10", "photos is 16; allowed: a whole number at least 20"),
        _replaced(photos, "photos: ${x}", "photos is '${x}'; allowed: a whole number"),
    ]


CASES: list[Case] = [
    *_numbers(),
    *_sections(),
    *_choices(),
    *_names(),
    *_bins(),
    *_training(),
    *_decodings(),
    *_sources(),
    *_titles(),
    *_syntax(),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HUESCAPE_STATE", "HUESCAPE_ENGINE", "DVC_STAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("case", CASES, ids=[f"{n}-{c.name}" for n, c in enumerate(CASES)])
def test_one_line_says_what_is_wrong(
    folder: Path, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "params.yaml").write_bytes(case.content)
    assert main(["check", "--stage"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("huescape: error: params.yaml")
    assert line.isprintable()
    assert len(line) < 1000
    for words in case.words:
        assert words in line
    assert [path.name for path in folder.iterdir()] == ["params.yaml"]


def test_the_file_that_the_corpus_varies_is_right(folder: Path) -> None:
    (folder / "params.yaml").write_bytes(_dump(BASE))
    assert main(["check", "--stage"]) == 0
