"""A network as Keras saves it, and a check of the archive with some of its members replaced."""

import json
from collections.abc import Callable
from pathlib import Path

import keras
import pytest

from melanoma.errors import BundleError
from melanoma.model.network_archive import without_compile_config
from melanoma.model.network_scan import scan_network
from tests.helpers.networks import CONFIG, METADATA, WEIGHTS, Config, Members, members_of, small_network, write


@pytest.fixture(scope="session")
def trained() -> keras.Model:
    return small_network()


@pytest.fixture(scope="session")
def compiled(trained: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("networks") / "compiled.keras"
    trained.save(path)
    return path


@pytest.fixture(scope="session")
def plain(compiled: Path) -> Path:
    path = compiled.with_name("plain.keras")
    without_compile_config(compiled, path)
    return path


@pytest.fixture
def members(plain: Path) -> Members:
    return members_of(plain)


@pytest.fixture
def config(members: Members) -> Config:
    return dict(json.loads(members[CONFIG]))


@pytest.fixture
def refused(members: Members, tmp_path: Path) -> Callable[..., None]:
    """Checks that a file is refused for the given reason when some of its members are replaced."""

    def check(reason: str, **changed: object) -> None:
        exchanged = dict(members)
        for name, content in changed.items():
            member = {"metadata": METADATA, "config": CONFIG, "weights": WEIGHTS}[name]
            exchanged[member] = content if isinstance(content, bytes) else json.dumps(content).encode()
        with pytest.raises(BundleError, match=reason):
            scan_network(write(tmp_path / "hostile.keras", exchanged))

    return check
