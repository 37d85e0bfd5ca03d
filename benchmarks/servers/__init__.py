"""Compares convlens with other model servers, and with itself at an earlier commit."""
