"""Reading image files: the layouts of TIFF and GeoTIFF, and the routes to one 8-bit channel."""
