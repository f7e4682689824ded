"""Noise on source images: how it is added, and how it is written in sweeps and names of rows."""
