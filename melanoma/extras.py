"""Optional parts of the installation: the packages of each extra of pyproject.toml, and how to install them."""

import importlib.util
import shlex
import shutil
import sys
from pathlib import Path

# Import names of the packages of each extra. The weights of the ImageNet networks are missing here on purpose: only
# some trainings need them, and those check for them.
MODULES = {
    "train": ("Augmentor", "cv2", "imagehash", "matplotlib", "pandas", "scipy", "sklearn", "tf2onnx"),
    "openvino": ("openvino",),
    "s3": ("s3fs",),
    "gcs": ("gcsfs",),
    "azure": ("adlfs",),
    "dicom": ("pydicom",),
    "heic": ("pillow_heif",),
    "signing": ("OpenSSL", "model_signing"),
}


def missing_modules(extra: str) -> list[str]:
    """Returns the modules of an extra that are not installed; imports none of them.

    Args:
        extra: One of `MODULES`.
    """
    return [name for name in MODULES[extra] if importlib.util.find_spec(name) is None]


def install_command(extra: str) -> str:
    """Returns the command that adds an extra to this installation, wherever the package came from.

    It names the extra of the installed package, so pip does not look for another `melanoma` in an index.
    """
    return f"{_installer()} 'melanoma[{extra}]'"


def _installer() -> str:
    """Returns the installer of this very environment, whose programs need not be on the PATH."""
    pip = shutil.which("pip")
    if pip is not None and Path(pip).parent == Path(sys.executable).parent:
        return "pip install"
    python = shlex.quote(sys.executable)
    return f"{python} -m pip install" if importlib.util.find_spec("pip") else f"uv pip install --python {python}"
