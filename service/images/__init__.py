"""An upload's bytes become the uint8 input of a model."""
