"""Debian's Chromium, headless, as a test needs it: a picture, a PDF, or the page after it was laid out."""

import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)
DARK = "--blink-settings=preferredColorScheme=0"
"""Makes `prefers-color-scheme: dark` match."""


def chromium() -> str:
    """Path of the browser; skips the test where there is none."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium found; install it with: apt-get update && apt-get install --yes chromium")
    return path


def browse(page: Path, profile: Path, *options: str, timeout_s: float = 60) -> str:
    """Open `page` once with `options` and a fresh `profile` folder; what the browser printed to its output."""
    command = [chromium(), *FLAGS, f"--user-data-dir={profile}", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=True)
    return done.stdout
