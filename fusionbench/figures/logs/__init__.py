"""Figures of trainings, from the logs in their folders."""
