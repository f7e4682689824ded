"""Bundles: one file with records, scores, tables and hashes of a runs folder, by which a paper's numbers are checked."""
