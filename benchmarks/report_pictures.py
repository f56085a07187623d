"""Draws docs/images/report.png, report-phone.png and nights.png: screenshots after ten runs over samples.

Usage: `python benchmarks/report_pictures.py` from the project's root, with `chromium` on the path.
"""

import datetime
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
BUNDLE = ROOT / "bundles" / "ham10000-lite0-taught"
FIRST = datetime.date(2026, 11, 17)
ARRIVALS = (19, 26, 14, 21, 28, 16, 23, 30, 12, 11)
OUT_OF_TIME = 3  # the run that defers all its photographs


def melanoma(*arguments: str) -> None:
    """Runs a command; ignores its exit code, since some sample photographs fail."""
    subprocess.run([sys.executable, "-m", "jobs.cli", *arguments], cwd=ROOT, check=False)


def picture(page: Path, target: Path, width: int, height: int) -> None:
    """Saves a screenshot of a page."""
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    size = f"--window-size={width},{height}"
    subprocess.run([*browser, size, f"--screenshot={target}", page.as_uri()], check=True, capture_output=True)


def main() -> None:
    """Runs ten times, then saves the screenshots."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        melanoma("samples", str(folder / "samples"))
        arriving = iter(sorted((folder / "samples").rglob("phantom-*.*")))
        (folder / "archive").mkdir()
        for number, arrivals in enumerate(ARRIVALS):
            for _ in range(arrivals):
                shutil.copy2(next(arriving), folder / "archive")
            words = ["--images", str(folder / "archive"), "--bundle", str(BUNDLE), "--output", str(folder / "out")]
            words += ["--run-date", (FIRST + datetime.timedelta(days=number)).isoformat()]
            melanoma("score", *words, *(["--max-time", "0s"] if number == OUT_OF_TIME else []))
        reports = folder / "out" / "_reports"
        last = max(path for path in reports.glob("*.html") if path.name != "index.html")
        picture(last, IMAGES / "report.png", 1000, 2100)
        picture(last, IMAGES / "report-phone.png", 390, 1500)
        picture(reports / "index.html", IMAGES / "nights.png", 1000, 860)


if __name__ == "__main__":
    main()
