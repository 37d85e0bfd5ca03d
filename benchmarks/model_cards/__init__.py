"""Accuracy, calibration and robustness of the models that ship."""
