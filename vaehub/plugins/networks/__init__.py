"""Networks: encoders and decoders, one folder per family."""
