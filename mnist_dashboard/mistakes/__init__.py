"""The view Mistakes of a run: the images behind the confusion matrix."""
