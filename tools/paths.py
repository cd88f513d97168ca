"""The folders of the working tree that the tools use."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INFRA = ROOT / "infra"
CACHE = ROOT / ".cache"
LOCAL = ROOT / ".local"
