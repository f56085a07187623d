"""A device gets as many photographs at once as it is fastest with and its memory holds, and their order is kept.

No test has a GPU. The devices are a simulated one, whose clock only its own work moves, and ONNX Runtime and TensorFlow
on the processor, whose memory ends where a limit is set.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper

from melanoma.images.pixels import Pixels
from melanoma.model import device_engine, onnxruntime_engine
from melanoma.model.bundle import Bundle
from melanoma.model.description import PORTABLE
from melanoma.model.device_engine import DeviceEngine
from melanoma.model.engine import load_engine
from melanoma.model.engine_names import ONNX_RUNTIME, TENSORFLOW
from melanoma.model.forward_pass import forward_pass
from melanoma.model.one_by_one import OneByOneEngine, Outputs
from melanoma.model.portable.contract import PIXELS
from melanoma.model.tensorflow_engine import load_network, on_device
from tests.helpers.networks import two_output_bundle, varied_photographs

LATE = 20.0  # seconds after which two calls that should have met did not
SIDE, COPIES = 8, 16  # each photograph becomes 16 x 16 copies of it: 196,608 bytes


def pictures(count: int) -> Pixels:
    return np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)


@dataclass
class Device:
    """A simulated device.

    Attributes:
        cost: Seconds that a call takes for a number of photographs.
        most: Photographs of a call for which its memory suffices.
        now: Time on its clock.
        calls: Photographs of each call.
    """

    cost: Callable[[int], float]
    most: int = 10**6
    now: float = 0.0
    calls: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, pixels: Pixels) -> Outputs:
        with self.lock:
            self.now += self.cost(len(pixels))
            self.calls.append(len(pixels))
        if len(pixels) > self.most:
            raise MemoryError(f"no room for {len(pixels)}")
        return [pixels.mean(axis=(1, 2), dtype=np.float32), pixels[:, 0, 0, 0].astype(np.float32)]


def engine_on(device: Device, batch_size: int, monkeypatch: pytest.MonkeyPatch) -> DeviceEngine:
    monkeypatch.setattr(device_engine, "time", SimpleNamespace(perf_counter=lambda: device.now))
    return DeviceEngine(device.run, "x", batch_size, lambda error: isinstance(error, MemoryError))


@pytest.mark.parametrize(
    ("cost", "most", "expected"),
    [
        pytest.param(lambda count: 1.0, 10**6, 128, id="doubles up to half a batch"),
        pytest.param(lambda count: float(count), 10**6, 16, id="stays where more is not faster"),
        pytest.param(lambda count: 1.0 + max(0, count - 64) / 32, 10**6, 64, id="stops where the rate stops growing"),
        pytest.param(lambda count: 1.0, 100, 64, id="goes back where the memory ends"),
        pytest.param(lambda count: 1.0, 5, 4, id="begins with too many"),
    ],
)
def test_the_number_at_a_time_is_found_and_kept(
    cost: Callable[[int], float], most: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Device(cost, most)
    engine = engine_on(device, 256, monkeypatch)
    for _ in range(12):
        found = engine.score(pictures(256))
        np.testing.assert_array_equal(found.probabilities[:, 0], np.arange(256))
        np.testing.assert_array_equal(found.ood, np.arange(256))
    assert engine.slice_size == expected == device.calls[-1]
    assert max(device.calls) <= 2 * expected or most < 10**6


@pytest.mark.parametrize("count", [1, 15, 16, 17, 255])
def test_a_short_slice_is_padded_and_its_padding_never_comes_back(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(float)
    found = engine_on(device, 256, monkeypatch).score(pictures(count))
    np.testing.assert_array_equal(found.probabilities[:, 2], np.arange(count))
    assert found.ood is not None and len(found.ood) == count
    assert set(device.calls) == {16}


def test_batches_too_short_to_fill_two_slices_teach_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(lambda count: 1.0)
    engine = engine_on(device, 256, monkeypatch)
    for _ in range(8):
        engine.score(pictures(31))
    assert engine.slice_size == 16


def test_a_batch_of_one_is_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_on(Device(lambda count: 1.0), 1, monkeypatch)
    assert engine.slice_size == 1 and engine.score(pictures(1)).probabilities.shape == (1, 3)


def test_two_slices_are_on_their_way_at_once() -> None:
    meeting = threading.Barrier(2, timeout=LATE)

    def run(pixels: Pixels) -> Outputs:
        meeting.wait()  # breaks unless two threads are here together
        return [np.zeros((len(pixels), 2), np.float32)]

    assert DeviceEngine(run, "x", 64, lambda error: False).score(pictures(32)).probabilities.shape == (32, 2)


def test_memory_that_holds_no_photograph_and_any_other_error_reach_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(float, most=0)
    with pytest.raises(MemoryError, match="no room for 1"):
        engine_on(device, 64, monkeypatch).score(pictures(4))
    assert sorted(set(device.calls), reverse=True) == [16, 8, 4, 2, 1]

    def broken(pixels: Pixels) -> Outputs:
        raise ValueError("broken")

    engine = DeviceEngine(broken, "x", 64, lambda error: isinstance(error, MemoryError))
    with pytest.raises(ValueError, match="broken"):
        engine.score(pictures(4))
    assert engine.slice_size == 16


def hungry_network() -> bytes:
    """Averages many copies of a photograph, so that its memory grows with the number of photographs."""
    reps, axes = np.array([1, COPIES, COPIES, 1], np.int64), np.array([1, 2], np.int64)
    graph = helper.make_graph(
        [
            helper.make_node("Cast", [PIXELS], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Tile", ["floats", "reps"], ["copies"]),
            helper.make_node("ReduceMean", ["copies", "axes"], ["means"], keepdims=0),
        ],
        "hungry",
        [helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, ["n", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("means", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(reps, "reps"), numpy_helper.from_array(axes, "axes")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(model.SerializeToString())


def session_with(most_bytes: int) -> onnxruntime.InferenceSession:
    """A session in the arena that GPUs have too, with a limit; other sessions of this process do not use it."""
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    limits = onnxruntime.OrtArenaCfg({"max_mem": most_bytes, "arena_extend_strategy": 1})
    onnxruntime.create_and_register_allocator(place, limits)
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(hungry_network(), options, providers=["CPUExecutionProvider"])


def test_onnx_runtime_out_of_memory_gets_fewer_photographs(caplog: pytest.LogCaptureFixture) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (64, SIDE, SIDE, 3), np.uint8)
    engine = onnxruntime_engine.on_device(session_with(2 * 2**20), 64)
    with caplog.at_level(logging.WARNING):
        found = engine.score(pixels)
    np.testing.assert_allclose(found.probabilities, pixels.mean(axis=(1, 2)), rtol=1e-5)
    assert engine.slice_size in (1, 2, 4, 8)  # 16 take 3.1 MB
    assert "the memory of the device does not suffice; it gets 8 photographs at a time now" in caplog.messages


def test_tensorflow_out_of_memory_gets_fewer_photographs() -> None:
    def forward(pixels: tf.Tensor) -> list[tf.Tensor]:
        side = tf.where(tf.shape(pixels)[0] > 4, 2**22, 1)  # 64 TiB
        return [tf.reduce_mean(tf.cast(pixels, tf.float32), (1, 2)) * tf.reduce_max(tf.fill([side, side], 1.0))]

    pixels = np.random.default_rng(6).integers(0, 256, (32, SIDE, SIDE, 3), np.uint8)
    engine = on_device(forward, (SIDE, SIDE), 32)
    np.testing.assert_allclose(engine.score(pixels).probabilities, pixels.mean(axis=(1, 2)), rtol=1e-5)
    assert engine.slice_size == 4


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle with scaling, temperature and a second output."""
    return two_output_bundle(tmp_path_factory.mktemp("device") / "two")


@pytest.mark.parametrize("name", [ONNX_RUNTIME, TENSORFLOW])
def test_a_device_computes_what_the_processor_does(name: str, bundle: Bundle) -> None:
    pixels = varied_photographs()
    expected = load_engine(bundle, len(pixels), name).score(pixels)
    engine = tensorflow_on_device(bundle) if name == TENSORFLOW else onnx_runtime_on_device(bundle)
    assert engine.version.startswith(load_engine(bundle, 2, name).version + "-")
    for _ in range(3):
        found = engine.score(pixels)
        np.testing.assert_allclose(found.probabilities, expected.probabilities, rtol=0, atol=1e-5)
        np.testing.assert_allclose(found.ood, expected.ood, rtol=0, atol=1e-5)
    assert np.ptp(expected.probabilities, axis=0).max() > 1e-3  # or agreement would mean nothing


def onnx_runtime_on_device(bundle: Bundle) -> DeviceEngine:
    session = onnxruntime.InferenceSession(bundle.files[PORTABLE], providers=["CPUExecutionProvider"])
    return onnxruntime_engine.on_device(session, 32)


def tensorflow_on_device(bundle: Bundle) -> DeviceEngine:
    with bundle.network_file() as path:
        network = load_network(path, bundle.uri)
    forward = forward_pass(network, bundle.scaling, bundle.temperature)
    return on_device(forward, (bundle.spec.height, bundle.spec.width), 32)


def test_a_gpu_whose_drivers_are_missing_leaves_the_processor(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime names a provider that was built in, and does without it where it cannot be loaded."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    with pytest.warns(UserWarning, match="CUDAExecutionProvider"):
        engine = onnxruntime_engine.engine_of(bundle.files[PORTABLE], "x", 4)
    assert isinstance(engine, OneByOneEngine)
