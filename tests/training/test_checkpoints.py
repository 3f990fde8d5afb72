"""Checkpoints are whole or not there; the last two are kept."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
import torch

from huescape.base.errors import HuescapeError
from huescape.training.checkpoints import Checkpoint, CheckpointFolder, digest


def checkpoint(step: int) -> Checkpoint:
    learner = {"network": {"w": torch.full((2,), float(step))}, "optimizer": {"state": {}}}
    return Checkpoint(step, learner, torch.tensor([1.0, 2.0]).repeat(step, 1))


def test_the_last_two_are_kept_and_the_last_is_read(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "c")
    assert folder.latest() is None
    for step in (5, 10, 15):
        folder.save(checkpoint(step))
    assert sorted(p.name for p in folder.folder.iterdir()) == [
        "step-00000010.pt",
        "step-00000015.pt",
    ]
    latest = folder.latest()
    assert latest is not None
    assert (latest.step, latest.learner["network"]["w"].tolist(), len(latest.values)) == (
        15,
        [15, 15],
        15,
    )
    folder.remove()
    assert not folder.folder.exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_a_damaged_one_falls_back_to_the_one_before(tmp_path: Path, content: bytes | None) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(checkpoint(5))
    folder.save(checkpoint(10))
    path = tmp_path / "step-00000010.pt"
    path.write_bytes(path.read_bytes()[:200] if content is None else content)
    latest = folder.latest()
    assert latest is not None
    assert latest.step == 5


def test_any_flipped_byte_falls_back_with_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A tensor of another value would load: only the digest knows."""
    folder = CheckpointFolder(tmp_path)
    folder.save(checkpoint(5))
    folder.save(checkpoint(10))
    path = tmp_path / "step-00000010.pt"
    content = path.read_bytes()
    for at in range(0, len(content), 61):
        path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        latest = folder.latest()
        assert latest is not None
        assert latest.step == 5
        [line] = capfd.readouterr().err.splitlines()
        assert "step-00000010.pt: dropped (damaged" in line
        assert not path.exists()


def test_one_that_does_not_fit_falls_back(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = CheckpointFolder(tmp_path)
    for step in (5, 10):
        folder.save(checkpoint(step))

    def load(found: Checkpoint) -> None:
        if found.step == 10:
            raise KeyError("network")

    found = folder.restore(load)
    assert found is not None
    assert found.step == 5
    assert "step-00000010.pt: dropped ('network')" in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000005.pt"]


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"),
        RuntimeError("CUDA error: no kernel image is available for execution on the device"),
        RuntimeError("cuDNN error: CUDNN_STATUS_NOT_INITIALIZED"),
        RuntimeError("NVML_SUCCESS == r INTERNAL ASSERT FAILED"),
        RuntimeError("Found no NVIDIA driver on your system"),
        getattr(torch, "AcceleratorError", MemoryError)("the launch timed out and was terminated"),
    ],
)
def test_what_the_machine_does_is_not_the_checkpoints_fault(
    tmp_path: Path, error: Exception
) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(checkpoint(5))

    def load(found: Checkpoint) -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        folder.restore(load)
    assert raised.value is error
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000005.pt"]


def test_one_that_cannot_be_read_stays(tmp_path: Path) -> None:
    """It may be whole: a permission or a file system that is away is no damage."""
    folder = CheckpointFolder(tmp_path)
    folder.save(checkpoint(5))
    (tmp_path / "step-00000010.pt").symlink_to("step-00000010.pt")
    with pytest.raises(HuescapeError, match=r"step-00000010\.pt: cannot be read: "):
        folder.latest()
    assert (tmp_path / "step-00000010.pt").is_symlink()
    assert (tmp_path / "step-00000005.pt").is_file()


def test_a_disk_that_refuses_is_one_line(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(checkpoint(5))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(HuescapeError, match="cannot write"):
            folder.save(checkpoint(10))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000005.pt"]


def test_digest_depends_on_content_and_boundaries() -> None:
    assert digest([b"ab", b"c"]) == digest([b"ab", b"c"])
    assert len({digest(p) for p in ([b"ab", b"c"], [b"a", b"bc"], [b"abc"], [b"c", b"ab"])}) == 4
