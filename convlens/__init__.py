"""The command line over the service and the training package."""
