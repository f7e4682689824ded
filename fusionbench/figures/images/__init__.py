"""Figures of the images of pairs: sources, fused images, boxes shown larger, predictions of downstream tasks."""
