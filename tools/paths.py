"""Where things are in the working tree."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INFRA = ROOT / "infra"
CACHE = ROOT / ".cache"
LOCAL = ROOT / ".local"
DASHBOARD_BUILD = ROOT / "dashboard" / "dist"
