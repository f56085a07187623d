"""Names of what can run a network, apart from the code that does, which takes long to load."""

AUTO, ONNX_RUNTIME, OPENVINO, TENSORFLOW = "auto", "onnxruntime", "openvino", "tensorflow"
ENGINES = (ONNX_RUNTIME, OPENVINO, TENSORFLOW)  # in the order in which `AUTO` tries them
