"""What networks hold while they fuse: which layers, of which methods, and figures of them."""
