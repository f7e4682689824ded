"""Folders of fused images made by other programs: matching files with pairs."""
