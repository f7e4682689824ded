"""Forward passes over the pairs of a cell, and how many pairs a pass takes."""
