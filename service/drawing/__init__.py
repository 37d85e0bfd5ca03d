"""Arrays of maps, kernels and heatmaps become PNG pictures."""
