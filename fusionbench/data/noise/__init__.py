"""Noise added to source images, and its notation in sweeps and names of rows."""
