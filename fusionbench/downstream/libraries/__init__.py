"""Parts that need an optional library: average precision by the COCO tools, and the networks of ultralytics."""
