"""Adds the default bundle to what pip installs; pyproject.toml holds everything else.

Beam ships this project to its workers as a source archive (--setup_file). It stays small: the bundle is only copied
where a wheel is built from the checkout, and workers read bundles from the place that the run names.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
BUNDLE = Path("bundles", "ham10000-lite0-taught")


class BuildWithBundle(build_py):
    """Copies the packages, and the default bundle into the package `melanoma`."""

    def run(self) -> None:
        """Builds; an editable installation finds the bundles in the checkout."""
        super().run()
        if (ROOT / BUNDLE).is_dir() and not self.editable_mode:
            shutil.copytree(ROOT / BUNDLE, Path(self.build_lib, "melanoma", BUNDLE), dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithBundle})
