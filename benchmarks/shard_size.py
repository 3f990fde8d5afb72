"""How many bytes does a soft target take in a shard, and what is lost and traded for it?

Shape suffixes: N target pixels, P photos with h rows and w columns of them, Q bins, K neighbors,
2 chroma channels.
"""

from __future__ import annotations

import io
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse

from benchmarks import harness
from benchmarks.harness import Ratio, Report, Row, Spread
from huescape.base.boxes import Box
from huescape.color.bins import gamut_centers
from huescape.color.encoding import soft_encode
from huescape.color.spaces import rgb_to_lab
from huescape.landscapes.render import CATEGORIES, render_scene
from huescape.params.quantizers import SoftEncoding
from huescape.shards import Column, ShardSet, write_index, write_shard
from huescape.stages.encode import Encoder
from huescape.training import augmentation
from huescape.training.geometry import Geometry
from huescape.training.taking import take_targets

STRIDE, SIGMA = 4, 5.0
LARGEST_LOSS = 1e-3
AB_UNIT = 256  # levels of an int16 alternative to a unit of chroma
_BLOCK = 1 << 12

FloatArray = npt.NDArray[np.float64]
AnyArray = npt.NDArray[Any]


@dataclass(frozen=True)
class Encoded:
    """The same targets in every form: the colors that were encoded, and what the shards hold."""

    rgb_N3: npt.NDArray[np.uint8]
    ab_N2: AnyArray
    index_NK: AnyArray
    weight_NK: AnyArray
    bytes_a_pixel: float

    @property
    def count(self) -> int:
        """Number of target pixels."""
        return len(self.ab_N2)


def run(quick: bool) -> Report:
    """How many bytes does a soft target take in a shard, and what is lost and traded for it?"""
    torch.set_num_threads(1)
    photos, size, rounds = (2, 64, 2) if quick else (24, 256, harness.ROUNDS)
    centers_Q2 = gamut_centers("lab", 10.0)
    with tempfile.TemporaryDirectory(prefix="shard-size-") as folder:
        encoded = _encoded(Path(folder), photos, size, centers_Q2)
    reference_NQ = reference(encoded.ab_N2, centers_Q2)
    loss = _loss(reference_NQ, encoded.index_NK, encoded.weight_NK)
    if loss > LARGEST_LOSS:
        raise SystemExit(f"shard_size: a stored weight is off by {loss:.2g}")
    rows, sizes = _rows(encoded, reference_NQ, centers_Q2, loss)
    seconds = harness.measure(_ways(encoded, centers_Q2, size), rounds)
    ratios = [
        Ratio("bytes: dense float16 / shards", _exactly(sizes["dense"] / sizes["ours"]), 20.0),
        Ratio("largest loss in a weight", _exactly(loss), LARGEST_LOSS, at_least=False),
        Ratio(
            "time: encode again from ab / decode what is stored",
            harness.times_faster(seconds["encode"], seconds["decode"]),
        ),
    ]
    facts = {"photos": photos, "size": size, "stride": STRIDE, "bins": len(centers_Q2)}
    return Report(run.__doc__ or "", rows, ratios, NOTES, {**facts, "pixels": encoded.count})


NOTES = (
    "Sizes are those of the files, headers included, of rendered landscapes; they are exact, so "
    "there is no spread. The files are the encode stage's own.",
    "Losses are against float64 arithmetic over all bins, for every target pixel: of a weight, "
    "and of the share of pixels whose most likely bin differs.",
    "Traded: half-floats cost up to 2.5e-4 in a weight; five bins a pixel leave out the tail that "
    "the definition itself cuts off. Colors instead of bins would take a fifth or a seventh of "
    "the bytes, but then every epoch encodes again, and the int16 form moves the weights; "
    "compressed files cannot be mapped into memory and read at random.",
    "One thread.",
)


def reference(ab_N2: AnyArray, centers_Q2: FloatArray) -> FloatArray:
    """Dense weights (N, Q) by the definition: all distances, the five nearest, a Gaussian."""
    dense_NQ = np.zeros((len(ab_N2), len(centers_Q2)))
    for start in range(0, len(ab_N2), _BLOCK):
        ab_M2 = ab_N2[start : start + _BLOCK].astype(np.float64)
        squared_MQ = ((ab_M2[:, None] - centers_Q2) ** 2).sum(axis=2)
        nearest_M5 = np.argsort(squared_MQ, axis=1, kind="stable")[:, :5]
        squared_M5 = np.take_along_axis(squared_MQ, nearest_M5, axis=1)
        weight_M5 = np.exp((squared_M5[:, :1] - squared_M5) / (2 * SIGMA**2))
        weight_M5 /= weight_M5.sum(axis=1, keepdims=True)
        np.put_along_axis(dense_NQ[start : start + _BLOCK], nearest_M5, weight_M5, axis=1)
    return dense_NQ


def _encoded(folder: Path, photos: int, size: int, centers_Q2: FloatArray) -> Encoded:
    """Render photos, let the encode stage write their shard, and read it."""
    rng = np.random.default_rng(0)
    names = [CATEGORIES[k % len(CATEGORIES)] for k in range(photos)]
    rgb = np.stack([render_scene(name, rng, size, size) for name in names])
    columns = [Column("rgb", "uint8", (size, size, 3)), Column("box", "int16", (4,))]
    box = np.array([0, 0, size, size], np.int16)
    rows = [(f"p/{k}", "train", {"rgb": photo, "box": box}) for k, photo in enumerate(rgb)]
    for kind in ("photos", "targets"):
        (folder / kind).mkdir()
    write_shard(folder / "photos", "00000", columns, rows)
    write_index(folder / "photos", "photos", columns, ["00000"], {"size": size})
    params = SoftEncoding(method="soft", sigma=SIGMA, stride=STRIDE)
    encoder = Encoder(folder / "photos", {"centers": centers_Q2}, "lab", params)
    encoder(0, "", folder / "targets")
    meta = {"size": size, "stride": STRIDE}
    write_index(folder / "targets", "targets", encoder.columns(size), ["00000"], meta)
    return _read_back(folder / "targets", rgb)


def _read_back(folder: Path, rgb: npt.NDArray[np.uint8]) -> Encoded:
    shards, every = ShardSet.open(folder, "targets"), range(len(rgb))
    at = slice(STRIDE // 2, None, STRIDE)
    target_rgb = rgb[:, at, at]
    files = [folder / f"00000.{column}.npy" for column in ("index", "weight")]
    pixels = target_rgb.size // 3
    return Encoded(
        target_rgb.reshape(-1, 3),
        rgb_to_lab(rgb)[:, at, at, 1:].reshape(-1, 2),
        shards.take("index", every).reshape(pixels, -1),
        shards.take("weight", every).reshape(pixels, -1),
        sum(path.stat().st_size for path in files) / pixels,
    )


def _loss(reference_NQ: FloatArray, index_NK: AnyArray, weight_NK: AnyArray) -> float:
    """The largest difference of any weight, of bins that are stored and of those that are not."""
    left_NQ = reference_NQ.copy()
    at_NK = index_NK.astype(np.int64)
    stored_NK = np.take_along_axis(left_NQ, at_NK, axis=1) - weight_NK.astype(np.float64)
    np.put_along_axis(left_NQ, at_NK, stored_NK, axis=1)
    return float(np.abs(left_NQ).max())


def _rows(
    encoded: Encoded, reference_NQ: FloatArray, centers_Q2: FloatArray, loss: float
) -> tuple[list[Row], dict[str, float]]:
    """The table, and the two sizes that are compared."""
    dense_NQ = reference_NQ.astype(np.float16)
    count, top_N = encoded.count, reference_NQ.argmax(axis=1)
    pairs = encoded.index_NK.tobytes() + encoded.weight_NK.tobytes()
    ab_N2 = np.rint(encoded.ab_N2 * np.float32(AB_UNIT)).astype(np.int16)
    index_NK, weight_NK = soft_encode(ab_N2 / np.float64(AB_UNIT), centers_Q2, 5, SIGMA)
    moved = float((index_NK[:, 0] != top_N).mean())
    again = (
        f"a weight moves by up to {_loss(reference_NQ, index_NK, weight_NK):.2g}, the top bin of "
        f"{moved:.2%}; encoded again at every reading"
    )
    sizes = {"dense": float(dense_NQ.itemsize * dense_NQ.shape[1]), "ours": encoded.bytes_a_pixel}
    forms = [
        ("dense float16", sizes["dense"], "every bin"),
        ("dense float16, zlib", len(zlib.compress(dense_NQ)) / count, "not mappable"),
        ("scipy.sparse CSR float32, .npz", _csr_bytes(reference_NQ) / count, "not mappable"),
        (
            "shards: five of uint16 and float16",
            sizes["ours"],
            f"a weight moves by up to {loss:.2g}",
        ),
        ("the same, zlib", len(zlib.compress(pairs)) / count, "not mappable"),
        ("ab as int16 in 1/256", 4.0, again),
        ("RGB uint8", 3.0, "exact; converted and encoded again at every reading"),
        ("nearest bin, uint16", 2.0, "hard encoding: no weights"),
    ]
    rows = [Row(name, "bytes a pixel", _exactly(size), note) for name, size, note in forms]
    return rows, sizes


def _csr_bytes(reference_NQ: FloatArray) -> int:
    file = io.BytesIO()
    sparse.save_npz(file, sparse.csr_matrix(reference_NQ.astype(np.float32)), compressed=False)
    return file.getbuffer().nbytes


def _ways(encoded: Encoded, centers_Q2: FloatArray, size: int) -> dict[str, Callable[[], object]]:
    """From what is stored to int64 indices and float32 weights: decode as training, or encode."""

    def encode() -> object:
        index_NK, weight_NK = soft_encode(encoded.ab_N2, centers_Q2, 5, SIGMA)
        return index_NK.astype(np.int64), weight_NK

    photos = encoded.count * STRIDE**2 // size**2
    box = Box(*np.tile((0, 0, size, size), (photos, 1)).T)
    whole = augmentation.unaugmented(Geometry(size, size, STRIDE), box)
    side = size // STRIDE
    index_PhwK = encoded.index_NK.reshape(-1, side, side, encoded.index_NK.shape[1])
    weight_PhwK = encoded.weight_NK.reshape(index_PhwK.shape)
    table = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)

    def decode() -> object:
        index = take_targets(index_PhwK, whole, dtype=np.int64)
        weight = take_targets(weight_PhwK, whole, table=table)
        return index.reshape(encoded.index_NK.shape), weight

    if not np.array_equal(encode()[0], decode()[0]):  # type: ignore[index]
        raise SystemExit("shard_size: the stored bins are not those of the colors")
    return {"encode": encode, "decode": decode}


def _exactly(value: float) -> Spread:
    return Spread(value, value, value)


if __name__ == "__main__":
    harness.run_command("shard_size", run)
