"""Does the fusion help? Segmentation and detection networks trained and tested on fused images."""
