"""Scripts of the folder `tools`, as modules."""

import importlib.util
import sys
from types import ModuleType

from tests.helpers import ROOT


def load(name: str) -> ModuleType:
    """Imports a script of the folder tools."""
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
