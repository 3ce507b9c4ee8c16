"""The five stages of a training script: networks, optimizers, schedules, devices, and the loop that joins them."""
