"""Compare what the stages of the data made with what is committed.

Their bytes are the same on every machine; those of weights, and of what comes after them, depend
on the number of threads and the kind of processor. Says each difference in one line, and ends
with 1 when there is one: python .ci/data_hashes.py [PROJECT]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

OF_THE_MACHINE = ("train", "finetune", "evaluate", "score", "evaluate_released", "report")


def outputs(text: str) -> dict[tuple[str, str], str]:
    """The MD5 of every output of the data in a dvc.lock, by stage and path."""
    stages = (YAML(typ="safe", pure=True).load(text) or {}).get("stages", {})
    return {
        (name, out["path"]): out["md5"]
        for name, stage in stages.items()
        if name.split("@")[0] not in OF_THE_MACHINE
        for out in stage["outs"]
    }


def differences(committed: str, made: str) -> list[str]:
    """One line for every output that is not as committed."""
    before, after = outputs(committed), outputs(made)
    return [
        f"{path} of {stage}: {after.get((stage, path), 'not made')}; "
        f"committed: {before.get((stage, path), 'nothing')}"
        for stage, path in sorted(before.keys() | after.keys())
        if before.get((stage, path)) != after.get((stage, path))
    ]


def main(project: Path) -> int:
    show = ["git", "-C", str(project), "show", "HEAD:./dvc.lock"]
    committed = subprocess.run(show, check=True, capture_output=True, text=True).stdout
    found = differences(committed, (project / "dvc.lock").read_text())
    for line in found:
        print(line, file=sys.stderr)
    print(f"data: {len(outputs(committed))} outputs committed, {len(found)} differ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(*sys.argv[1:])))
