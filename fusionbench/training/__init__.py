"""Training of methods. Its only product is a checkpoint; nothing here fuses, scores or writes tables."""
