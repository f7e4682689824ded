"""One file that a paper's numbers can be checked by: records, scores, tables and hashes of a runs folder."""
