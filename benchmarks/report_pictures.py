"""Draws the pictures of the reports in docs/images, and checks that no page scrolls sideways on a phone.

Usage: `python benchmarks/report_pictures.py` from the project's root, with `chromium` and `faketime` on the path. It
runs the job nine times over drawn samples, with a clock that faketime sets to nine nights of four months.
"""

import datetime
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
BUNDLE = ROOT / "bundles" / "ham10000-lite0-taught"
FIRST = datetime.datetime(2026, 7, 20, 2)
ARRIVALS = (210, 226, 214, 221, 228, 216, 223, 230, 212)  # photographs a run; fewer than 200 are not judged
DAYS_BETWEEN = 14
OUT_OF_TIME = 3  # the run that defers all its photographs
DRAWN = ("--max-bundle-drift", "10")  # drawn samples differ more from photographs than any archive does
WIDE, PHONE = 1280, 390  # CSS pixels
BROWSER = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
# A window cannot be narrower than 500 pixels, but a frame can.
FRAME = """<body style="margin: 0">
<iframe style="width: {width}px; height: {height}px; border: 0" src="{page}"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {{ document.body.dataset.width = frame.contentDocument.scrollingElement.scrollWidth; }};
</script></body>"""


def melanoma(*arguments: str, at: datetime.datetime | None = None) -> None:
    """Runs a command, at a given time by its clock; ignores its exit code, since some sample photographs fail."""
    clock = [] if at is None else ["faketime", f"{at:%Y-%m-%d %H:%M:%S}"]
    subprocess.run([*clock, sys.executable, "-m", "jobs.cli", *arguments], cwd=ROOT, check=False)


def browse(page: str, *flags: str) -> str:
    """Opens a page in a browser without a window, and returns what the browser prints."""
    command = [*BROWSER, "--allow-file-access-from-files", *flags, page]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def picture(page: Path, target: Path, width: int, height: int) -> None:
    """Saves the top of a page as it is laid out at a width, both in CSS pixels."""
    with tempfile.NamedTemporaryFile("w", suffix=".html") as frame:
        frame.write(FRAME.format(width=width, height=height, page=page.as_uri()))
        frame.flush()
        browse(Path(frame.name).as_uri(), f"--window-size={max(width, 500)},{height}", f"--screenshot={target}")
    Image.open(target).crop((0, 0, width, height)).convert("P", palette=Image.Palette.ADAPTIVE).save(
        target, optimize=True
    )


def width_on_a_phone(page: Path) -> int:
    """Returns how wide a page becomes on a phone, in CSS pixels."""
    with tempfile.NamedTemporaryFile("w", suffix=".html") as frame:
        frame.write(FRAME.format(width=PHONE, height=844, page=page.as_uri()))
        frame.flush()
        document = browse(Path(frame.name).as_uri(), "--virtual-time-budget=5000", "--dump-dom")
    (width,) = re.findall(r'data-width="(\d+)"', document)
    return int(width)


def run_nine_times(folder: Path) -> Path:
    """Runs the job on nine nights, and returns the folder of its reports."""
    melanoma("samples", str(folder / "samples"), "--count", str(sum(ARRIVALS) + 50), "--broken", "20")
    arriving = iter(sorted((folder / "samples").rglob("phantom-*.*")))
    (folder / "archive").mkdir()
    for number, arrivals in enumerate(ARRIVALS):
        for _ in range(arrivals):
            shutil.copy2(next(arriving), folder / "archive")
        words = ["--images", str(folder / "archive"), "--bundle", str(BUNDLE), "--output", str(folder / "out")]
        time = FIRST + datetime.timedelta(days=DAYS_BETWEEN * number)
        melanoma("score", *words, *DRAWN, *(["--max-time", "0s"] if number == OUT_OF_TIME else []), at=time)
    return folder / "out" / "_reports"


def main() -> None:
    """Runs nine times, measures the pages and saves the pictures.

    Raises:
        SystemExit: A page is wider than a phone.
    """
    with tempfile.TemporaryDirectory(prefix="melanoma-") as name:
        reports = run_nine_times(Path(name))
        melanoma("audit", str(Path(name) / "samples"), "--output", str(Path(name) / "audit"))
        last, model = (max(reports.glob(pattern)) for pattern in ("2026*.html", "m-*.html"))
        index, evaluation = reports / "index.html", BUNDLE / "evaluation.html"
        for page in (last, model, index, evaluation, Path(name) / "audit" / "audit.html"):
            if (width := width_on_a_phone(page)) > PHONE:
                raise SystemExit(f"{page.name}: {width} pixels wide on a phone of {PHONE}; wrap what does not fit")
        for page, target, height in ((last, "report", 2300), (index, "nights", 1150), (model, "model", 1900)):
            picture(page, IMAGES / f"{target}.png", WIDE, height)
            picture(page, IMAGES / f"{target}-phone.png", PHONE, 1500)


if __name__ == "__main__":
    main()
