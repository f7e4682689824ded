"""Turn (methods, data sets) into images and records: plan, fuse, score, store."""
