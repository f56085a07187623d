"""Loads a bundle, the folder with a network and everything about it, and checks it before running any of it."""

import contextlib
import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakValueDictionary

from melanoma import storage
from melanoma.errors import BundleError, NothingCommittedError, ReadError
from melanoma.model.bundle_files import all_files, entries, read_description_file, read_files
from melanoma.model.bundle_search import find_bundle
from melanoma.model.description import (
    CARD,
    DESCRIPTION,
    KERAS,
    LICENCE,
    NETWORK,
    OOD_ABOVE,
    PORTABLE,
    Description,
    read_description,
    source_of,
)
from melanoma.model.network_scan import NetworkFacts, scan_network
from melanoma.model.portable.contract import PortableFacts, scan_portable
from melanoma.model.signature import Signer, check_signature
from melanoma.storage.temporary import temporary_folder
from melanoma.terminal import printable

_MAX_NAME = 100  # characters
_CHECKED = WeakValueDictionary[tuple[str, str], "Bundle"]()  # what this process has loaded, by address and digest


@dataclass(frozen=True)
class Bundle(Description):
    """A bundle whose digests, description and network file have been checked; its network has not been run.

    Attributes:
        uri: Where it was read from.
        digest: sha256 of `bundle.json` in hex, which covers every file; a production job pins it.
        facts: What the static scan found in `model.keras`; None for a network that comes from ONNX.
        portable: What the static scan found in `model.onnx`; None for a bundle without it.
        files: Content of every other file, by its name inside the bundle.
    """

    uri: str
    digest: str
    facts: NetworkFacts | None
    portable: PortableFacts | None
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def name(self) -> str:
        """The name by which people know the model: the last part of its address, shortened and safe to print."""
        uri = storage.canonical(self.uri)
        whole_archive = storage.name_of(uri.rpartition("::")[2]).split(".")[0]
        return printable(storage.name_of(uri) or whole_archive)[:_MAX_NAME]

    @contextlib.contextmanager
    def network_file(self) -> Iterator[Path]:
        """Writes the network to a private local file for Keras; it is removed at the end of the block."""
        with _as_file(self.files[NETWORK]) as path:
            yield path


def load_bundle(place: str, expected_digest: str | None = None, signer: Signer | None = None) -> Bundle:
    """Reads a bundle and checks everything that can be checked without running it.

    Args:
        place: Folder in any store, or the name of a bundle that `find_bundle` finds.
        expected_digest: The pinned digest that the bundle must have; None accepts any.
        signer: Who must have signed the bundle; None for nobody.

    Raises:
        UsageError: The signer's key or certificate cannot be used.
        BundleError: A file is missing, extra or changed, the description is wrong, or the network file is unsafe; or
            the bundle is not the chosen one, or not signed by the signer.
        NothingCommittedError: The store does not answer.
    """
    with _one_clear_error(place):
        uri = find_bundle(place)
        data = read_description_file(uri)
        digest = hashlib.sha256(data).hexdigest()
        if expected_digest is not None and digest != expected_digest:
            raise BundleError(
                f"it has digest {digest[:12]}…, expected {expected_digest[:12]}…; it is another bundle than the one "
                "that was chosen, so nothing of it was loaded"
            )
        if signer is not None:
            check_signature(uri, all_files(uri) | {DESCRIPTION: data}, signer)
        described = read_description(data)
        bundle = _whole(uri, digest, described, read_files(uri, described.description["files"]))
        _CHECKED[uri, digest] = bundle
        return bundle


def bundle_of(uri: str, digest: str) -> Bundle:
    """Returns the bundle with which a run was started, which this process may have read and checked before.

    Args:
        uri: Folder in any store.
        digest: Digest of the bundle.

    Raises:
        BundleError: The bundle is another one by now, or is damaged.
        NothingCommittedError: The store does not answer.
    """
    with _one_clear_error(uri):
        found = hashlib.sha256(read_description_file(uri)).hexdigest()
    known = _CHECKED.get((uri, digest)) if found == digest else None
    return known or load_bundle(uri, digest)


def check_parts(uri: str, data: bytes, files: Mapping[str, bytes]) -> None:
    """Checks the parts of a bundle before they are written, as `load_bundle` would.

    Args:
        uri: Where the bundle will be written.
        data: Bytes of its `bundle.json`.
        files: Content of every other file by name.

    Raises:
        BundleError: The bundle would not load.
    """
    with _one_clear_error(uri):
        _whole(uri, "", read_description(data), files)


def check_free(uri: str, allowed: Collection[str] = ()) -> None:
    """Checks that a bundle can be written to a folder: it holds no bundle and no other files.

    Args:
        uri: Folder in any store; it need not exist.
        allowed: Names of files that may be there because they become part of the bundle.

    Raises:
        BundleError: The folder holds a bundle or another file.
    """
    with _one_clear_error(uri):
        if not storage.exists(uri):
            return
        if storage.exists(storage.join(uri, DESCRIPTION)):
            raise BundleError(
                "the folder holds a bundle already, and bundles are never replaced; choose another folder"
            )
        for name, _ in entries(uri):
            if name not in allowed:
                raise BundleError(f"the folder holds {name!r} already; choose a new or empty folder")


def _whole(uri: str, digest: str, described: Description, files: Mapping[str, bytes]) -> Bundle:
    """Assembles a bundle after checking that its networks pass the static scans and fit the description."""
    origin = NETWORK if described.description["engine"] == KERAS else PORTABLE
    if missing := [name for name in (origin, CARD, LICENCE) if name not in files]:
        raise BundleError(f"{DESCRIPTION} does not list {', '.join(missing)}; write the bundle again")
    facts = _scan_network(files[NETWORK]) if NETWORK in files else None
    portable = scan_portable(files[PORTABLE]) if PORTABLE in files else None
    size = described.spec.height, described.spec.width, 3
    for shape in [found.input_shape for found in (facts, portable) if found is not None]:
        if any(side not in (None, given) for side, given in zip(shape, size, strict=True)):
            raise BundleError(
                f"the network takes {shape}, {DESCRIPTION} says image_size {size[:2]}; write the bundle again"
            )
    if portable is not None:
        _check_portable(described, portable, described.description["files"].get(NETWORK))
    return Bundle(**vars(described), uri=uri, digest=digest, facts=facts, portable=portable, files=files)


def _scan_network(network: bytes) -> NetworkFacts:
    with _as_file(network) as path:
        return scan_network(path)


def _check_portable(described: Description, portable: PortableFacts, network: str | None) -> None:
    """Checks that `model.onnx` is what the description says; a Keras network is checked when it is loaded."""
    if portable.source != source_of(described.description, network):
        raise BundleError(
            f"{PORTABLE} was made from another network, preprocessing or temperature; make it again with melanoma "
            "bundle convert"
        )
    if portable.num_classes != len(described.labels):
        raise BundleError(
            f"{PORTABLE} returns {portable.num_classes} probabilities, {DESCRIPTION} lists {len(described.labels)} "
            "labels; write the bundle again"
        )
    if OOD_ABOVE in described.thresholds and not portable.has_ood_score:
        raise BundleError(f"a threshold {OOD_ABOVE}, but {PORTABLE} has no ood_score; remove it")


@contextlib.contextmanager
def _one_clear_error(uri: str) -> Iterator[None]:
    """Adds the bundle's name to each error, and distinguishes a store that may answer later from a damaged bundle."""
    try:
        yield
    except ReadError as error:
        if error.kind.is_transient:
            raise NothingCommittedError(f"{uri}: the bundle cannot be read: {error.detail}; try again") from None
        raise BundleError(f"{uri}: {error.detail}") from None
    except BundleError as error:
        raise BundleError(f"{uri}: {error}") from error.__cause__


@contextlib.contextmanager
def _as_file(network: bytes) -> Iterator[Path]:
    with temporary_folder() as folder:
        path = folder / NETWORK
        path.write_bytes(network)
        yield path
