"""Package the application: one SAM template and one zip, cached by content.

`python -m tools.package` prints the directory. The template comes from `chalice package` merged
with infra/*.yaml and what alarms.py declares. The zip is what `chalice package` makes of our code,
put behind the libraries of requirements.txt, which are built once per content of that file. A cold
start unpacks and imports them, so their unused half is left out, and bytecode goes along where the
target's Python is at hand: without it each start compiles everything anew, a function's files being
read-only.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock

from tools.paths import CACHE, ROOT
from tools.steps import run
from tools.template import whole_template

PACKAGES = CACHE / "package"
CACHED = 6
AWS_SERVICES = frozenset(
    ("cognito-idp", "dynamodb", "kms", "lambda", "s3", "sesv2", "sns", "sqs", "ssm", "sts")
)
"""Services that functions call. boto3's descriptions of all others stay out of the zip."""
_UNUSED = ("phonenumbers/geodata", "phonenumbers/carrierdata", "phonenumbers/tzdata")
_CODE_URI = "./deployment.zip"


@dataclass(frozen=True, slots=True)
class Target:
    """What runs the code: `system` and `machine` as Python names them, `python` as "3.13"."""

    system: str
    machine: str
    python: str

    @property
    def runtime(self) -> str:
        """Lambda's name of the Python version."""
        return f"python{self.python}"

    @property
    def architecture(self) -> str:
        """Lambda's name of the machine."""
        return "arm64" if self.machine in ("aarch64", "arm64") else "x86_64"


AWS = Target("linux", "aarch64", "3.13")
HERE = Target(sys.platform, platform.machine(), f"{sys.version_info[0]}.{sys.version_info[1]}")
"""This machine, for the local AWS: it runs functions with the Python it was installed with."""


@dataclass(frozen=True)
class Package:
    """A packaged application. `digest` changes with anything that goes into it."""

    directory: Path
    digest: str

    @property
    def template_file(self) -> Path:
        return self.directory / "sam.json"

    @property
    def zip_file(self) -> Path:
        return self.directory / "deployment.zip"

    @cached_property
    def template(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.template_file.read_text(encoding="utf-8"))
        return content

    def template_with_code_at(self, bucket: str, key: str) -> dict[str, Any]:
        """The template with the functions' code in S3."""
        content: dict[str, Any] = json.loads(self.template_file.read_text(encoding="utf-8"))
        for resource in content["Resources"].values():
            if resource.get("Properties", {}).get("CodeUri") == _CODE_URI:
                resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": key}
        return content


def package(root: Path = ROOT, *, target: Target = HERE, logs: Path | None = None) -> Package:
    """Package the application of `root`, unless the package of the same content is cached.

    Raises StepFailed with the log of the command that failed.
    """
    logs = logs or PACKAGES / "logs"
    compiler = _compiler(target)
    digest = _digest(root, target, compiler)
    if finished := _finished(digest):
        return finished
    PACKAGES.mkdir(parents=True, exist_ok=True)
    with FileLock(PACKAGES / "lock"), tempfile.TemporaryDirectory(dir=PACKAGES) as scratch:
        # From here on the copy counts: somebody may be editing the original.
        project = Path(scratch) / "project"
        _copy(root, project)
        digest = _digest(project, target, compiler)
        if finished := _finished(digest):
            return finished
        out = Path(scratch) / "out"
        _chalice(project, out, logs / "chalice.log")
        _set_target(out / "sam.json", target)
        libraries = _libraries(project, target, compiler, logs / "libraries.log")
        _join(out / "deployment.zip", libraries, project, compiler, logs / "compile.log")
        out.rename(PACKAGES / digest)
    _forget_old()
    return Package(PACKAGES / digest, digest)


def _inputs(root: Path) -> Iterator[Path]:
    yield root / "app.py"
    yield root / "alarms.py"
    yield root / "requirements.txt"
    yield root / ".chalice" / "config.json"
    yield from sorted((root / "infra").glob("*.yaml"))
    for path in sorted((root / "chalicelib").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def _compiler(target: Target) -> str | None:
    """A Python of the target's version on this machine, for bytecode."""
    if target.python == HERE.python:
        return sys.executable
    find = [sys.executable, "-m", "uv", "python", "find", "--no-python-downloads", "--no-project"]
    found = subprocess.run([*find, target.python], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def _digest(root: Path, target: Target, compiler: str | None) -> str:
    made_by = f"{target} chalice {version('chalice')} bytecode {bool(compiler)}"
    content = hashlib.sha256(made_by.encode())
    for tool in ("package.py", "template.py", "alarms.py"):
        content.update(Path(__file__).with_name(tool).read_bytes())
    for path in _inputs(root):
        content.update(f"\0{path.relative_to(root)}\0".encode())
        content.update(path.read_bytes())
    return content.hexdigest()[:20]


def _finished(digest: str) -> Package | None:
    directory = PACKAGES / digest
    if not directory.is_dir():
        return None
    os.utime(directory)
    return Package(directory, digest)


def _copy(root: Path, project: Path) -> None:
    for path in _inputs(root):
        copy = project / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _chalice(project: Path, out: Path, log: Path) -> None:
    """`chalice package` without the libraries: it would build them anew for each change of code."""
    requirements = project / "requirements.txt"
    libraries = requirements.read_bytes()
    requirements.write_bytes(b"")
    merge = project / "infra.json"
    merge.write_text(json.dumps(whole_template(project)), encoding="utf-8")
    chalice = Path(sys.executable).with_name("chalice")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TABLE_"))
    }
    environment |= {"AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"}
    run(
        [chalice, "package", "--stage", "app", "--merge-template", merge, out],
        log=log,
        cwd=project,
        env=environment,
    )
    requirements.write_bytes(libraries)


def _set_target(template: Path, target: Target) -> None:
    """Chalice writes the Python that packages into the template; the target's belongs there."""
    content = json.loads(template.read_text(encoding="utf-8"))
    for resource in content["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["Runtime"] = target.runtime
            resource["Properties"]["Architectures"] = [target.architecture]
    template.write_text(json.dumps(content, indent=2), encoding="utf-8")


def _libraries(project: Path, target: Target, compiler: str | None, log: Path) -> Path:
    """A zip of requirements.txt for the target."""
    requirements = project / "requirements.txt"
    made_by = f"{target} bytecode {bool(compiler)}"
    made_from = requirements.read_bytes() + Path(__file__).read_bytes() + made_by.encode()
    built = PACKAGES / f"libraries-{hashlib.sha256(made_from).hexdigest()[:20]}.zip"
    if built.exists():
        return built
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--link-mode=copy",
    ]
    command += ["--only-binary", ":all:", "--python-version", target.python]
    if target.system == "linux":
        machine = "aarch64" if target.architecture == "arm64" else target.machine
        command += ["--python-platform", f"{machine}-manylinux2014"]
    with tempfile.TemporaryDirectory(dir=PACKAGES) as scratch:
        site = Path(scratch) / "site"
        run([*command, "--target", site, "-r", requirements], log=log)
        _leave_out_unused(site)
        if compiler:
            _compile(compiler, site, site, log=log)
        unfinished = Path(scratch) / "libraries.zip"
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for path in sorted(site.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(site))
        unfinished.rename(built)
    return built


def _leave_out_unused(site: Path) -> None:
    described = site / "botocore" / "data"
    unused = [path for path in described.iterdir() if path.is_dir()]
    unused = [path for path in unused if path.name not in AWS_SERVICES]
    for path in (*unused, *(site / name for name in _UNUSED), site / "bin"):
        shutil.rmtree(path, ignore_errors=True)


def _compile(compiler: str, folder: Path, *sources: Path, log: Path) -> None:
    """Put bytecode beside the sources; it names them as they are called below `folder`."""
    command = [compiler, "-m", "compileall", "-q", "-j", "0"]
    command += ["--invalidation-mode", "unchecked-hash", "-s", str(folder)]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    run([*command, *sources], log=log, env=environment)


def _join(code: Path, libraries: Path, project: Path, compiler: str | None, log: Path) -> None:
    """Put the libraries and our bytecode into the zip of our code."""
    joined = code.with_suffix(".joined")
    shutil.copyfile(libraries, joined)
    ours = [project / "app.py", project / "chalicelib"]
    if compiler:
        _compile(compiler, project, *ours, log=log)
    with (
        zipfile.ZipFile(joined, "a", zipfile.ZIP_DEFLATED) as archive,
        zipfile.ZipFile(code) as written,
    ):
        for entry in written.infolist():
            archive.writestr(entry, written.read(entry))
        for path in sorted(project.rglob("*.pyc")):
            archive.write(path, path.relative_to(project))
    joined.replace(code)


def _forget_old() -> None:
    packages = [path for path in PACKAGES.iterdir() if (path / "sam.json").exists()]
    libraries = list(PACKAGES.glob("libraries-*.zip"))
    for cached in (packages, libraries):
        for path in sorted(cached, key=lambda path: path.stat().st_mtime, reverse=True)[CACHED:]:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


if __name__ == "__main__":
    print(package().directory)
