"""A method, a metric and a data set for fusionbench."""
