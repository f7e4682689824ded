"""Figures of trainings, drawn from the logs in their folders."""
