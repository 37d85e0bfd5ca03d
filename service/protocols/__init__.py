"""The REST APIs of TensorFlow Serving and of the Open Inference Protocol over the same models."""
