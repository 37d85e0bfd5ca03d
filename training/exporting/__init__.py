"""A trained network becomes a model folder that the service loads."""
