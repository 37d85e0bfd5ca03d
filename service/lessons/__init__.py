"""Small matrices become their convolution or pooling, with every step as a lecture shows it."""
