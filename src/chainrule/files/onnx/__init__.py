"""ONNX: networks, estimators and Pipelines for other runtimes, and chains of layers from them."""

from chainrule.files.onnx.exporting import to_onnx
from chainrule.files.onnx.reading import from_onnx

__all__ = ["from_onnx", "to_onnx"]
