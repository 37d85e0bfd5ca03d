"""Compares how fast convlens and other libraries show the inside of a network."""
