"""Check the packaged template: cfn-lint for mistakes, checkov for security.

`python -m tools.scan`. A template that passed is not looked at again until it, or the rules,
change. Works offline once the tools are installed.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from tools.environments import environment
from tools.package import Package, package
from tools.paths import CACHE, LOCAL, ROOT
from tools.steps import reports_failed_steps, run, step

_LOGS = LOCAL / "logs"
_WANTED = (ROOT / ".checkov.yaml", ROOT / ".cfnlintrc", ROOT / "requirements-dev.txt")


@reports_failed_steps
def main() -> int:
    with step("package"):
        built = package(logs=_LOGS)
    passed = _mark(built)
    if passed.exists():
        return 0
    with step("lint the template", log=_LOGS / "cfn-lint.log"):
        lint = Path(sys.executable).with_name("cfn-lint")
        run([lint, built.template_file], log=_LOGS / "cfn-lint.log", cwd=ROOT)
    with step("scan the template", log=_LOGS / "checkov.log"):
        _scan(built, _LOGS / "checkov.log")
    passed.parent.mkdir(parents=True, exist_ok=True)
    passed.touch()
    return 0


def _mark(built: Package) -> Path:
    """A file that is there when this very template passed these very rules."""
    content = hashlib.sha256(built.template_file.read_bytes())
    for path in (*_WANTED, ROOT / "tools" / "requirements" / "checkov.txt"):
        content.update(path.read_bytes())
    return CACHE / "scan" / content.hexdigest()[:20]


def _scan(built: Package, log: Path) -> None:
    home = environment("checkov", log=log)
    config: list[str | Path] = ["--config-file", ROOT / ".checkov.yaml"]
    run([home / "bin" / "checkov", *config, "--file", built.template_file], log=log, cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
