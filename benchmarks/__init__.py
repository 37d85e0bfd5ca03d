"""Measurements of the service and of the models that ship, each printed by one command."""
