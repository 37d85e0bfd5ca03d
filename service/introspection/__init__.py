"""A model and one input become the arithmetic of a cell, masks for ablation, occlusion heatmaps."""
