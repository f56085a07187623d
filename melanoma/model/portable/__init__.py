"""The portable form of a network, an ONNX file: scanned, written, converted and wrapped (the door to onnx)."""
