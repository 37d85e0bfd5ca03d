"""Network architectures, and the layers that an exported model is made of."""
