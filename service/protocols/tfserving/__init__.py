"""TensorFlow Serving's REST API over the loaded models."""
