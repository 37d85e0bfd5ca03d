"""The arithmetic of a cell: geometry, rounding, ablation, occlusion."""
