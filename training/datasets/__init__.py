"""A data set's name or a folder of images becomes uint8 images and labels in three splits."""
