"""Models in files: ONNX with a tokenizer beside it, run in a process of their own under limits."""
