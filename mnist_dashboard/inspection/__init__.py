"""What a network predicted for each image, and the images themselves, over HTTP. Does not import torch."""
