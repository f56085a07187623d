"""Weights are plain arrays of numbers that lie in the file, or the file is refused."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from melanoma.model.network_scan import scan_network
from melanoma.model.network_weights import count_parameters
from tests.helpers.networks import (
    ARRAY,
    WEIGHTS,
    Members,
    changed,
    dataset,
    replacing,
    write,
)


def link(target: object) -> Callable[[h5py.File], None]:
    def make(file: h5py.File) -> None:
        file[ARRAY] = target

    return replacing(make)


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (4,))
    file.create_virtual_dataset(ARRAY, layout)


def named_type(file: h5py.File) -> None:
    file[ARRAY] = np.dtype("f4")


def second_name(file: h5py.File) -> None:
    file["layers/again"] = file["layers/dense"]


def circle(file: h5py.File) -> None:
    file["layers/dense/again"] = file["layers"]


def round_to_the_root(file: h5py.File) -> None:
    file["layers/again"] = file["/"]


def name_of_two(file: h5py.File) -> None:
    file["layers"].create_group("denseXvars")


def many(file: h5py.File) -> None:
    for number in range(20_001):
        file.create_group(f"layers/{number}")


def attribute(file: h5py.File) -> None:
    file[ARRAY].attrs["dtype"] = "bfloat16"


PAIR = np.dtype([("a", "f4"), ("b", "f4")])


CHANGES: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "external link": (link(h5py.ExternalLink("/etc/hostname", "x")), "'0' in '/layers/dense/vars' points elsewhere"),
    "soft link out": (link(h5py.SoftLink("/nowhere")), "points elsewhere"),
    "soft link in": (link(h5py.SoftLink("/layers/conv2d/vars/0")), "points elsewhere"),
    "second name": (second_name, "names an object again"),
    "circle": (circle, "names an object again"),
    "root": (round_to_the_root, "names an object again"),
    "external file": (dataset((4,), "f4", external=[("/etc/hostname", 0, 16)]), "is not a plain array"),
    "virtual": (replacing(virtual), "is not a plain array"),
    "gzip": (dataset(data=np.zeros((64, 64), "f4"), compression="gzip"), "is not a plain array"),
    "other filter": (dataset(data=np.zeros((64, 64), "f4"), compression="lzf"), "is not a plain array"),
    "in chunks": (dataset(data=np.zeros((64, 64), "f4"), chunks=(8, 8)), "is not a plain array"),
    "shape bomb": (dataset((2**40,), "f4", chunks=(2**10,), compression="gzip"), "is not a plain array"),
    "shape bomb, contiguous": (dataset((2**40,), "f4"), "is not a plain array"),
    "text": (dataset(data="x"), "is not a plain array"),
    "fixed text": (dataset(data=np.bytes_("x")), "is not a plain array"),
    "pairs": (dataset(data=np.zeros(2, PAIR)), "is not a plain array"),
    "ragged": (dataset((0,), h5py.vlen_dtype("f4")), "is not a plain array"),
    "reference": (dataset((0,), h5py.ref_dtype), "is not a plain array"),
    "region": (dataset((0,), h5py.regionref_dtype), "is not a plain array"),
    "opaque": (dataset(data=np.zeros(2, "V2")), "is not a plain array"),
    "complex": (dataset(data=np.zeros(2, "c8")), "is not a plain array"),
    "long double": (dataset(data=np.zeros(2, np.longdouble)), "is not a plain array"),
    "nothing": (dataset(data=h5py.Empty("f4")), "is not a plain array"),
    "named type": (replacing(named_type), "is not a plain array"),
    "attribute": (attribute, "is not a plain array"),
    "name of two": (name_of_two, "'dense/vars' in '/layers' points elsewhere"),
    "many objects": (many, "holds too many objects"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_weights_are_refused_unless_they_lie_plainly_in_the_file(
    kind: str, members: Members, refused: Callable[..., None]
) -> None:
    change, reason = CHANGES[kind]
    refused(rf"model\.weights\.h5 .*{reason}", weights=changed(members[WEIGHTS], change))


def test_plain_arrays_of_numbers_pass_whatever_their_type(members: Members, tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        for number, dtype in enumerate(("f2", "f4", "f8", ">f4", "i8", "u4", "?")):
            file.create_dataset(f"layers/more/vars/{number}", data=np.ones(3, dtype))

    before = scan_network(write(tmp_path / "before.keras", members)).parameters
    members[WEIGHTS] = changed(members[WEIGHTS], change)
    assert scan_network(write(tmp_path / "after.keras", members)).parameters == before + 7 * 3


def test_arrays_that_overlap_cannot_claim_more_than_the_file(members: Members, refused: Callable[..., None]) -> None:
    buffer = io.BytesIO(members[WEIGHTS])
    with h5py.File(buffer, "r+") as file:
        start = file.create_dataset("layers/large", data=np.zeros(2**18, "u1")).id.get_offset()
        small = [file.create_dataset(f"layers/{n}", data=np.zeros(4093 + n, "u1")).id.get_offset() for n in range(2)]
    data = buffer.getvalue()
    for number, offset in enumerate(small):
        length = 4093 + number
        data = data.replace(struct.pack("<2Q", offset, length), struct.pack("<2Q", start, 2**18))
        data = data.replace(struct.pack("<Q", length), struct.pack("<Q", 2**18))
    with h5py.File(io.BytesIO(data)) as file:
        assert file["layers/0"].nbytes == file["layers/0"].id.get_storage_size() == 2**18
    refused(r"claims [\d,]+ bytes; expected at most its", weights=data)


def test_the_numbers_of_an_optimizer_are_not_counted(members: Members) -> None:
    def add(file: h5py.File) -> None:
        file.create_dataset("optimizer/vars/0", data=np.ones(50, "f4"))
        file.create_dataset("layers/more/vars/0", data=np.ones((2, 3), "f4"))

    before = count_parameters(members[WEIGHTS])
    assert count_parameters(changed(members[WEIGHTS], add)) == before + 6


def test_an_empty_weight_file_has_no_parameters() -> None:
    buffer = io.BytesIO()
    h5py.File(buffer, "w").close()
    assert count_parameters(buffer.getvalue()) == 0
