"""A recipe and a data set become a trained network."""
