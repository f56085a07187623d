"""The preprocessing of a bundle is read back as it was written, or refused."""

import json

import pytest

from melanoma.errors import UsageError
from melanoma.images.decoding import ImageSpec
from melanoma.json_values import to_json
from melanoma.model.preprocessing import NO_SCALING, Scaling, preprocessing_of, read_preprocessing


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_scaling_out_of_range_is_a_usage_error(value: float) -> None:
    for scaling in ({"scale": value}, {"offset": value}, {"mean": (0, 0, value)}, {"std": (value, 1, 1)}):
        with pytest.raises(UsageError, match="give numbers of at most"):
            Scaling(**scaling)
    with pytest.raises(UsageError):
        Scaling(std=(1, 0, 1))


@pytest.mark.parametrize(
    ("spec", "scaling"),
    [
        (ImageSpec(16, 24), NO_SCALING),
        (ImageSpec(224, 224, 0.875), Scaling(1 / 127.5, -1.0)),
        (ImageSpec(1, 16384, 1.0), Scaling(1 / 255, 0.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))),
    ],
)
def test_what_is_written_is_read_back(spec: ImageSpec, scaling: Scaling) -> None:
    stated = json.loads(to_json(preprocessing_of(spec, scaling)))
    assert read_preprocessing(spec.height, spec.width, stated) == (spec, scaling)


def test_no_scaling_leaves_pixel_values_as_they_are() -> None:
    assert preprocessing_of(ImageSpec(8, 8), NO_SCALING) == {
        "resize": "bilinear-antialias",
        "crop": None,
        "scale": 1.0,
        "offset": 0.0,
        "mean": [0.0, 0.0, 0.0],
        "std": [1.0, 1.0, 1.0],
    }


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"resize": "nearest"}, ValueError, "with resize bilinear-antialias"),
        ({"colour": "bgr"}, ValueError, "preprocessing is"),
        ({"crop": "0.5"}, ValueError, "crop is '0.5', expected a number"),
        ({"crop": True}, ValueError, "crop is True"),
        ({"crop": 1.5}, UsageError, "crop 1.5: give a share above 0"),
        ({"crop": 0}, UsageError, "crop 0.0"),
        ({"scale": None}, ValueError, "scale is None"),
        ({"offset": 1e7}, ValueError, "offset is 10000000.0"),
        ({"mean": [0.5]}, ValueError, "expected a list of 3"),
        ({"mean": [0, 0, "x"]}, ValueError, "mean is 'x'"),
        ({"std": [1, 0, 1]}, UsageError, "for std of at least 1e-06"),
        ({"std": [1, -1, 1]}, UsageError, "for std of at least 1e-06"),
    ],
)
def test_an_impossible_value_is_refused_by_name(changes: dict[str, object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        read_preprocessing(8, 8, {**preprocessing_of(ImageSpec(8, 8), NO_SCALING), **changes})


@pytest.mark.parametrize("name", ["resize", "crop", "scale", "offset", "mean", "std"])
def test_a_missing_value_is_refused(name: str) -> None:
    stated = preprocessing_of(ImageSpec(8, 8), NO_SCALING)
    del stated[name]
    with pytest.raises(ValueError, match="expected resize, crop, scale, offset, mean, std"):
        read_preprocessing(8, 8, stated)


def test_an_image_size_out_of_range_is_refused() -> None:
    with pytest.raises(UsageError, match="image size 0x8"):
        read_preprocessing(0, 8, preprocessing_of(ImageSpec(8, 8), NO_SCALING))
