"""The formulas of all metrics, one module for each subject.

Each function that is marked as a metric or as one of its definitions takes a `Triple` of batches of images, uint8
[B, M, N], and returns an `Outcome` with one float64 value per image, [B]. Docstrings state unit and range of that value.

Equations use A and B for the sources, F for the fused image, S for either source, X and Y for any two images, M for the
number of rows and N of columns. Sums and means without further words are over all pixels, and levels are 0..255.
"Source" names the paper or code that the function reproduces; DOIs are in the marks. "Tang 2022" and "Tang 2023" are two
states of one toolbox, see `fusionbench.metrics.field_profiles`.
"""
