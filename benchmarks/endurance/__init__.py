"""Soak, overload, reloads and memory."""
