"""The Open Inference Protocol (REST) over the loaded models."""
