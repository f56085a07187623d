"""Names of what can run a network, apart from the code that does, which takes long to load."""

AUTO, ONNX_RUNTIME, OPENVINO, TENSORFLOW = "auto", "onnxruntime", "openvino", "tensorflow"
OPENVINO_BF16 = "openvino-bf16"
ENGINES = (ONNX_RUNTIME, OPENVINO, OPENVINO_BF16, TENSORFLOW)  # in the order in which `AUTO` tries them
F32, BF16 = "f32", "bf16"  # the precisions in which a network computes; a bundle is made for one of them
PRECISIONS = (F32, BF16)


def library_of(engine: str) -> str:
    """Returns the name of an engine's library."""
    return engine.removesuffix(f"-{BF16}")


def precision_of(engine: str) -> str:
    """Returns the precision in which an engine computes."""
    return BF16 if engine.endswith(f"-{BF16}") else F32
