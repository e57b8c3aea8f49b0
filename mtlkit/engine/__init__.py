"""Where tensors live: build, apply, batches, loop, evaluate, checkpoint."""
