"""Everything that svd needs, in one folder: made where there is a network, installed where there is none.

    python .ci/wheelhouse.py make FOLDER          in a checkout, with uv and a network
    python wheelhouse.py install FOLDER PLACE     anywhere, with Python alone: makes the environment PLACE

Every file is checked against the hash in uv.lock when it is fetched and again when it is installed. Both machines must
be of one kind (operating system, processor, version of Python). Neither step needs administrator's rights or a compiler.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS, OWN, MACHINE = "requirements.txt", "svd_evaluation-*.whl", "made-for.txt"
USAGE = "Usage: wheelhouse.py make FOLDER | wheelhouse.py install FOLDER PLACE"


def main(arguments: list[str]) -> int:
    """Do what is asked; 2 if it is not understood or cannot be done."""
    match arguments:
        case ["make", folder]:
            return make(Path(folder))
        case ["install", folder, place]:
            return install(Path(folder), Path(place))
    print(USAGE, file=sys.stderr)
    return 2


def make(folder: Path) -> int:
    """Fetch what the lock file names, and build svd itself."""
    root = Path(__file__).resolve().parents[1]
    if folder.exists() and any(folder.iterdir()):
        print(f"{folder} is not empty.", file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    listed = folder / REQUIREMENTS
    lock = ["uv", "export", "--locked", "--no-dev", "--all-extras", "--no-emit-project", "--quiet", "--output-file"]
    subprocess.run([*lock, str(listed.resolve())], cwd=root, check=True)
    fetch = ["download", "--quiet", "--only-binary", ":all:", "--require-hashes", "--dest", str(folder)]
    subprocess.run([*pip(sys.executable), *fetch, "--requirement", str(listed)], check=True)
    subprocess.run(["uv", "build", "--wheel", "--quiet", "--out-dir", str(folder.resolve())], cwd=root, check=True)
    (folder / MACHINE).write_text(machine() + "\n", encoding="utf-8")
    (folder / ".gitignore").unlink(missing_ok=True)
    shutil.copyfile(__file__, folder / Path(__file__).name)
    wheels = list(folder.glob("*.whl"))
    print(f"{len(wheels)} packages, {sum(path.stat().st_size for path in wheels) / 1e6:.0f} MB, in {folder}")
    return 0


def install(folder: Path, place: Path) -> int:
    """Make an environment of what lies in a folder, without a network."""
    own = sorted(folder.glob(OWN))
    if not own or not (folder / REQUIREMENTS).is_file():
        print(f"{folder} was not made by wheelhouse.py make.", file=sys.stderr)
        return 2
    made_for = (folder / MACHINE).read_text(encoding="utf-8").strip()
    if made_for != machine():
        print(
            f"{folder} was made for {made_for}; this is {machine()}. Use that Python, or make another.", file=sys.stderr
        )
        return 2
    venv.create(place, with_pip=True)
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    here = ["install", "--quiet", "--no-index", "--find-links", str(folder)]
    needed = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(folder / REQUIREMENTS)]
    # Isolated: what this machine's own settings name, such as an index of the organisation, is not asked.
    for step in ([*here, *needed], [*here, "--no-deps", str(own[-1])], ["check"]):
        if done := subprocess.run([*pip(python, "--isolated"), *step], check=False).returncode:
            print(f"Nothing can be installed from {folder}: see what pip said.", file=sys.stderr)
            return done
    print(f"Installed. Start with: {python.with_name('svd')} --help")
    return 0


def machine() -> str:
    """What a package that is not plain Python is made for."""
    version = ".".join(map(str, sys.version_info[:2]))
    return f"{platform.python_implementation()} {version}, {platform.system()} {platform.machine()}"


def pip(python: Path | str, *options: str) -> list[str]:
    """How to call pip."""
    return [str(python), "-m", "pip", "--disable-pip-version-check", *options]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
