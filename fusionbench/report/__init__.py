"""The HTML report: one self-contained page from run records, scores and images. Importing this package is cheap."""
