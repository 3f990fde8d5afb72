"""Engines with nothing to do, beside the bare tools on empty pipelines; the start of the commands.

The project is laid out in a temporary folder with tiny parameters and brought up to date once.
The empty pipelines copy small files: one has as many stages as the project, each with one file in
and one out; one has as many files in and out of each stage as well.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks import harness
from benchmarks.harness import Ratio, Report, Row, Spread
from benchmarks.scratch import ROOT, SMALL, SMALLEST, Folder, commit, environment, scratch_project
from huescape.engines.judgement import RECORD

DVC = ("dvc", "repro")
SNAKEMAKE = ("snakemake", "--cores", "2", "evaluate")
HEAVY = ("torch", "mlflow", "pandas", "numpy", "numba", "dvc", "matplotlib", "pydantic")


def run(quick: bool) -> Report:
    """What do the engines and the command line cost where there is nothing to do?"""
    with tempfile.TemporaryDirectory(prefix="huescape-engines-") as temporary:
        ours = scratch_project(Path(temporary, "project"), SMALLEST if quick else SMALL)
        ours.run(*DVC)
        rules = len(ours.run("snakemake", "--list-rules").split())
        bare = _bare_dvc(Path(temporary, "stages"), [(1, 1)] * len(_files(ours)))
        equal = _bare_dvc(Path(temporary, "files"), _files(ours))
        chain = _bare_snakemake(Path(temporary, "rules"), rules)
        _check(ours, bare, equal, chain)
        cases: dict[str, Callable[[], object]] = {
            "dvc repro": lambda: ours.run(*DVC),
            "dvc repro, as many empty stages": lambda: bare.run(*DVC),
            "dvc repro, as many empty stages and files": lambda: equal.run(*DVC),
            "snakemake evaluate": lambda: ours.run(*SNAKEMAKE),
            "snakemake evaluate, the first time": lambda: _forgetful(ours),
            "snakemake, as many empty rules": lambda: chain.run(*SNAKEMAKE),
            "huescape --help": lambda: ours.run("huescape", "--help"),
            'python -c "import argparse"': lambda: ours.run("python", "-c", "import argparse"),
            "python -c pass": lambda: ours.run("python", "-c", "pass"),
        }
        rounds, warmups = (1, 0) if quick else (harness.ROUNDS, 2)
        seconds = harness.measure(cases, rounds, warmups)
        return _report(seconds, len(_files(ours)), rules)


def _report(seconds: Mapping[str, Sequence[float]], stages: int, rules: int) -> Report:
    def ratio(name: str, peer: str, target: float | None) -> Ratio:
        value = Spread.of([a / b for a, b in zip(seconds[name], seconds[peer], strict=True)])
        return Ratio(f"{name} / {peer}", value, target, at_least=False)

    start = Spread.of(seconds["huescape --help"])
    return Report(
        question=run.__doc__ or "",
        rows=[Row(name, "s", Spread.of(values)) for name, values in seconds.items()],
        ratios=[
            ratio("dvc repro", "dvc repro, as many empty stages and files", 1.5),
            ratio("dvc repro", "dvc repro, as many empty stages", None),
            ratio("snakemake evaluate", "snakemake, as many empty rules", 1.5),
            ratio("snakemake evaluate, the first time", "snakemake, as many empty rules", None),
            Ratio("seconds of huescape --help", start, 0.3, at_least=False),
            ratio("huescape --help", 'python -c "import argparse"', None),
            ratio("huescape --help", "python -c pass", None),
        ],
        notes=[
            f"The project has {stages} stages and {rules} rules; every command ends with nothing "
            "to do, which is checked first, and notices a changed parameter, which is checked too.",
            "The first time after a change Snakemake asks DVC what is stale; when that is nothing, "
            "it remembers the answer until something changes.",
            "What `dvc repro` takes beyond as many empty stages is DVC reading: dvc.lock twice, "
            "with lines for each of the files, and params.yaml for each stage, in pure Python.",
            f"`huescape --help` imports none of {', '.join(HEAVY)} (checked).",
            "Each command is a process of its own, started by this one; warm file caches.",
        ],
        facts={"stages": stages, "rules": rules},
    )


def _check(ours: Folder, bare: Folder, equal: Folder, chain: Folder) -> None:
    """Nothing to do is really nothing, and a change is something."""
    for folder in (ours, bare, equal):
        _expect(folder.run(*DVC), "Data and pipelines are up to date.")
    for folder in (ours, ours, chain):  # the second start may be spared the judgement of the first
        _expect(folder.run(*SNAKEMAKE), "Nothing to be done")
    before = (ours.root / "params.yaml").read_bytes()
    ours.set({"evaluate.decode.temperature": 0.5})
    _expect(ours.run("dvc", "status"), "evaluate@colorunet")
    _expect(ours.run(*SNAKEMAKE, "--dry-run"), "rule evaluate_colorunet:")
    (ours.root / "params.yaml").write_bytes(before)
    _expect(ours.run(*SNAKEMAKE), "Nothing to be done")
    loaded = (
        "import sys\nfrom huescape.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"assert not set(sys.modules) & set({HEAVY!r}), 'heavy imports'\n"
    )
    ours.run("python", "-c", loaded)


def _forgetful(ours: Folder) -> None:
    (ours.root / RECORD).unlink(missing_ok=True)
    ours.run(*SNAKEMAKE)


def _expect(said: str, words: str) -> None:
    if words not in said:
        raise SystemExit(f"expected {words!r}, but the engine said:\n{said[-2000:]}")


def _files(folder: Folder) -> list[tuple[int, int]]:
    """How many paths each stage of a project reads and writes, from its dvc.lock."""
    lock = YAML(typ="safe", pure=True).load((folder.root / "dvc.lock").read_text(encoding="utf-8"))
    return [(len(stage["deps"]), len(stage["outs"])) for stage in _stages(lock)]


def _stages(lock: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for stage in lock["stages"].values():
        yield {"deps": stage.get("deps", []), "outs": stage.get("outs", [])}


def _bare_dvc(root: Path, shape: Sequence[tuple[int, int]]) -> Folder:
    """A chain of stages that copy a file, with (deps, outs) of each; brought up to date."""
    for number in range(max(deps for deps, _ in shape)):
        _write(root / f"source/{number}.txt", f"{number}\n")
    stages, before = {}, "source/0.txt"
    for number, (deps, outs) in enumerate(shape):
        made = [f"made/{number}-{out}.txt" for out in range(outs)]
        read = [before, *(f"source/{dep}.txt" for dep in range(1, deps))]
        copies = " && ".join(f"cp {before} {out}" for out in made)
        stages[f"stage{number}"] = {"cmd": copies, "deps": read, "outs": made}
        before = made[0]
    (root / "made").mkdir()
    with (root / "dvc.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump({"stages": stages}, stream)
    folder = Folder(root, environment())
    _write(root / ".dvc/config", (ROOT / ".dvc/config").read_text(encoding="utf-8"))
    commit(folder)
    folder.run(*DVC)
    return folder


def _bare_snakemake(root: Path, rules: int) -> Folder:
    """A chain of rules that copy a file, brought up to date; the last is called `evaluate`."""
    _write(root / "0.txt", "0\n")
    names = [f"rule{number}" for number in range(1, rules)] + ["evaluate"]
    text = "".join(
        f"rule {name}:\n    input: '{number}.txt'\n    output: '{number + 1}.txt'\n"
        "    shell: 'cp {input} {output}'\n\n"
        for number, name in enumerate(names)
    )
    _write(root / "Snakefile", text)
    folder = Folder(root, environment())
    folder.run(*SNAKEMAKE)
    return folder


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    harness.run_command("engines", run)
