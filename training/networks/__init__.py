"""Network architectures, and the layers that an exported model consists of."""
