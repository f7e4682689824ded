"""Figures of the features in a network's layers while it fuses pairs."""
