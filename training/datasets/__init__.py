"""Names and folders become uint8 images and labels, split three ways."""
