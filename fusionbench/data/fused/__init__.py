"""Folders of fused images made elsewhere: which file belongs to which pair."""
