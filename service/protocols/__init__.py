"""Other servers' protocols: their requests become images and names, our outputs their answers."""
