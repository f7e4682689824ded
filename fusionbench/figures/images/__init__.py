"""Figures of the images of pairs: sources, fused images, enlarged boxes, predictions of downstream tasks."""
