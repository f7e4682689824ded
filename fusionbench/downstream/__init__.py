"""Downstream tasks: segmentation and detection networks, trained and tested on fused images."""
