"""Train a method. The only product is a checkpoint; nothing here fuses, scores or writes tables."""
