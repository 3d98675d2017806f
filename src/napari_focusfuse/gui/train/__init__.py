"""The widget "Train a model": training a new model, or adapting one to a stack."""
