"""A network and a data set become a trained network."""
