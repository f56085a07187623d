"""The folder of samples: reproducible, and never mixed with other files."""

import io
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from melanoma.errors import UsageError
from melanoma.samples.folder import write_samples
from melanoma.samples.phantoms import draw

FAULTS = ("empty", "cut-in-half", "web-page", "flipped-byte", "huge-header")


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def picture(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples") / "store"
    write_samples(folder, count=30, broken=5, seed=3)
    return folder


@pytest.fixture(scope="module")
def sound(store: Path) -> list[Path]:
    return [path for path in sorted(store.rglob("phantom-*")) if path.stem.count("-") == 1]


def fault(store: Path, name: str) -> bytes:
    return min(store.rglob(f"phantom-*-{name}.*")).read_bytes()


def test_a_folder_holds_the_requested_files(store: Path, sound: list[Path]) -> None:
    files = [path for path in store.rglob("*") if path.is_file()]
    assert len(files) == 30 + 1
    assert len(sound) == 25
    assert sorted(path.name for path in store.iterdir()) == [
        "2026-clinic-a",
        "2026-clinic-b",
        "2026-clinic-c",
        "README.txt",
    ]
    readme = (store / "README.txt").read_text()
    assert "depict no disease" in readme
    assert "count 30, broken 5, seed 3" in readme


def test_sound_files_are_what_their_names_say_three_jpeg_to_one_png(sound: list[Path]) -> None:
    formats: Counter[str | None] = Counter()
    for path in sound:
        image = picture(path)
        image.load()
        assert path.suffix == {"JPEG": ".jpg", "PNG": ".png"}[image.format or ""]
        formats[image.format] += 1
    assert formats["JPEG"] / formats["PNG"] == pytest.approx(3, abs=1)


def test_samples_have_landscape_portrait_and_square_sizes(sound: list[Path]) -> None:
    sizes = {picture(path).size for path in sound}
    assert sizes >= {(600, 450), (1024, 768), (224, 224), (450, 600), (400, 300)}


def test_exactly_one_file_is_grey(sound: list[Path]) -> None:
    assert Counter(picture(path).mode for path in sound) == {"RGB": len(sound) - 1, "L": 1}


def test_turned_files_stand_upright_once_their_tag_is_followed(sound: list[Path]) -> None:
    turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}
    seen = set()
    for path in sound:
        image = picture(path)
        orientation = image.getexif().get(0x0112, 1)
        if orientation != 1:
            size = (image.height, image.width) if orientation == 3 else (image.width, image.height)
            upright = np.array(image.transpose(turn[orientation])).astype(int)
            expected = draw(3 * 1_000_003 + int(path.stem[-4:]) - 1, *size)
            assert upright.shape == expected.shape
            assert np.abs(upright - expected).mean() < 8
            seen.add(orientation)
    assert seen == {3, 6, 8}


def test_every_kind_of_fault_is_there_and_spread(store: Path) -> None:
    broken = sorted(path.name for path in store.rglob("phantom-*-*"))
    assert [name[13:].rpartition(".")[0] for name in broken] == list(FAULTS)
    numbers = [int(name[8:12]) for name in broken]
    assert np.diff(numbers).tolist() == [6] * 4


def test_broken_bytes_are_broken_in_the_way_their_names_say(store: Path) -> None:
    assert fault(store, "empty") == b""
    half = fault(store, "cut-in-half")
    assert half.startswith(b"\xff\xd8\xff")
    assert not half.endswith(b"\xff\xd9")
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(half)).load()
    assert fault(store, "web-page").startswith(b"<!DOCTYPE html>")
    huge = fault(store, "huge-header")
    assert huge.startswith(b"\x89PNG\r\n\x1a\n")
    assert huge[16:24] == (50_000).to_bytes(4, "big") * 2
    assert len(huge) < 100


def test_the_flipped_byte_lies_in_the_pixels_and_breaks_their_checksum(store: Path) -> None:
    data = fault(store, "flipped-byte")
    start = data.index(b"IDAT")
    end = start + 4 + int.from_bytes(data[start - 4 : start], "big")
    checksum = int.from_bytes(data[end : end + 4], "big")
    assert zlib.crc32(data[start:end]) != checksum
    repaired = data[:1000] + bytes([data[1000] ^ 0xFF]) + data[1001:]
    assert zlib.crc32(repaired[start:end]) == checksum


def test_one_seed_writes_one_set_of_bytes_and_another_seed_another(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("again", 1), ("two", 2)):
        write_samples(tmp_path / name, count=4, broken=1, seed=seed)
    one, again, two = (content(tmp_path / name) for name in ("one", "again", "two"))
    assert one == again
    assert one.keys() == two.keys()
    assert all(one[name] != two[name] for name in one if "empty" not in name)


def test_a_second_call_touches_nothing(store: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    paths = write_samples(store, count=30, broken=5, seed=3)
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before
    assert len(paths) == len(set(paths)) == 30


def test_an_interrupted_set_is_completed_and_existing_files_are_kept(tmp_path: Path) -> None:
    paths = write_samples(tmp_path, count=4, broken=0)
    whole = content(tmp_path)
    paths[1].unlink()
    paths[2].write_bytes(b"another file")
    write_samples(tmp_path, count=4, broken=0)
    after = content(tmp_path)
    assert after.pop(str(paths[2].relative_to(tmp_path))) == b"another file"
    assert after.items() <= whole.items()
    assert len(after) == 4


def test_a_folder_with_anything_else_in_it_is_refused_untouched(tmp_path: Path) -> None:
    foreign = tmp_path / "2026-clinic-a" / "phantom-0001.jpg"
    foreign.parent.mkdir()
    foreign.write_bytes(b"a patient's")
    with pytest.raises(UsageError, match="new or empty folder"):
        write_samples(tmp_path, count=2, broken=0)
    assert content(tmp_path) == {"2026-clinic-a/phantom-0001.jpg": b"a patient's"}


def test_another_readme_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("mine")
    with pytest.raises(UsageError, match="files are never overwritten"):
        write_samples(tmp_path, count=2, broken=0)
    assert content(tmp_path) == {"README.txt": b"mine"}


def test_another_set_is_not_mixed_into_the_folder(store: Path) -> None:
    with pytest.raises(UsageError, match="repeat the count, broken and seed"):
        write_samples(store, count=31, broken=5, seed=3)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "samples").write_bytes(b"")
    with pytest.raises(UsageError, match="samples holds other files"):
        write_samples(tmp_path / "samples", count=1, broken=0)


@pytest.mark.parametrize(("count", "broken", "seed"), [(0, 0, 0), (3, 4, 0), (3, -1, 0), (3, 0, -1)])
def test_numbers_out_of_range_are_refused_before_anything_is_written(
    tmp_path: Path, count: int, broken: int, seed: int
) -> None:
    with pytest.raises(UsageError, match=f"count {count}, broken {broken}, seed {seed}"):
        write_samples(tmp_path / "new", count, broken, seed)
    assert not (tmp_path / "new").exists()


def test_every_sample_may_be_broken(tmp_path: Path) -> None:
    names = [path.stem for path in write_samples(tmp_path, count=5, broken=5)]
    assert [name[13:] for name in names] == list(FAULTS)
