"""Package the application: one SAM template and one zip, cached by content.

`python -m tools.package` prints the directory. The template comes from `chalice package` merged
with infra/*.yaml. The zip is what `chalice package` makes of our code, put behind the libraries of
requirements.txt, which are built once per content of that file. A cold start unpacks and imports
them, so their unused half is left out, and bytecode goes along: without it each start would compile
everything anew, a function's files being read-only.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import py_compile
import shutil
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
from tools.template import infra_template

PACKAGES = CACHE / "package"
CACHED = 6
AWS_SERVICES = frozenset(
    ("cognito-idp", "dynamodb", "kms", "lambda", "s3", "sesv2", "sns", "sqs", "ssm", "sts")
)
"""Services that functions call. boto3's descriptions of all others stay out of the zip."""
_UNUSED = ("phonenumbers/geodata", "phonenumbers/carrierdata", "phonenumbers/tzdata")
_CODE_URI = "./deployment.zip"


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


def package(root: Path = ROOT, *, logs: Path | None = None) -> Package:
    """Package the application of `root`, unless the package of the same content is cached.

    Raises StepFailed with the log of the command that failed.
    """
    logs = logs or PACKAGES / "logs"
    digest = _digest(root)
    if finished := _finished(digest):
        return finished
    PACKAGES.mkdir(parents=True, exist_ok=True)
    with FileLock(PACKAGES / "lock"), tempfile.TemporaryDirectory(dir=PACKAGES) as scratch:
        # From here on the copy counts: somebody may be editing the original.
        project = Path(scratch) / "project"
        _copy(root, project)
        digest = _digest(project)
        if finished := _finished(digest):
            return finished
        out = Path(scratch) / "out"
        _chalice(project, out, logs / "chalice.log")
        libraries = _libraries(project, logs / "libraries.log")
        _join(out / "deployment.zip", libraries, project)
        out.rename(PACKAGES / digest)
    _forget_old()
    return Package(PACKAGES / digest, digest)


def _inputs(root: Path) -> Iterator[Path]:
    yield root / "app.py"
    yield root / "requirements.txt"
    yield root / ".chalice" / "config.json"
    yield from sorted((root / "infra").glob("*.yaml"))
    for path in sorted((root / "chalicelib").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def _target() -> str:
    """The platform that the code runs on: Linux on AWS, that of the machine on the local AWS."""
    system = "linux" if sys.platform == "linux" else sys.platform
    return f"{system}-{platform.machine()}-{sys.version_info[0]}.{sys.version_info[1]}"


def _digest(root: Path) -> str:
    content = hashlib.sha256(f"{_target()} chalice {version('chalice')}".encode())
    for tool in ("package.py", "template.py"):
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
    config = project / ".chalice" / "config.json"
    settings = json.loads(config.read_text(encoding="utf-8"))
    if platform.machine() in ("aarch64", "arm64"):
        settings["architecture"] = "arm64"
    config.write_text(json.dumps(settings), encoding="utf-8")
    merge = project / "infra.json"
    merge.write_text(json.dumps(infra_template(project / "infra")), encoding="utf-8")
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


def _libraries(project: Path, log: Path) -> Path:
    """A zip of requirements.txt for the functions' platform."""
    requirements = project / "requirements.txt"
    made_from = requirements.read_bytes() + Path(__file__).read_bytes() + _target().encode()
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
    command += ["--only-binary", ":all:", "--python", sys.executable]
    if sys.platform == "linux":
        command += ["--python-platform", f"{platform.machine()}-manylinux2014"]
    with tempfile.TemporaryDirectory(dir=PACKAGES) as scratch:
        site = Path(scratch) / "site"
        run([*command, "--target", site, "-r", requirements], log=log)
        _leave_out_unused(site)
        compiler = [sys.executable, "-m", "compileall", "-q", "-j", "0"]
        run([*compiler, "--invalidation-mode", "unchecked-hash", "-s", site, site], log=log)
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


def _join(code: Path, libraries: Path, project: Path) -> None:
    """Put the libraries and our bytecode into the zip of our code."""
    joined = code.with_suffix(".joined")
    shutil.copyfile(libraries, joined)
    with (
        zipfile.ZipFile(joined, "a", zipfile.ZIP_DEFLATED) as archive,
        zipfile.ZipFile(code) as ours,
    ):
        for entry in ours.infolist():
            archive.writestr(entry, ours.read(entry))
        for source in [project / "app.py", *sorted((project / "chalicelib").rglob("*.py"))]:
            name = source.relative_to(project)
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            compiled = py_compile.compile(str(source), dfile=str(name), invalidation_mode=mode)
            archive.write(str(compiled), Path(str(compiled)).relative_to(project))
    joined.replace(code)


def _forget_old() -> None:
    packages = [path for path in PACKAGES.iterdir() if (path / "sam.json").exists()]
    libraries = list(PACKAGES.glob("libraries-*.zip"))
    for cached in (packages, libraries):
        for path in sorted(cached, key=lambda path: path.stat().st_mtime, reverse=True)[CACHED:]:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


if __name__ == "__main__":
    print(package().directory)
