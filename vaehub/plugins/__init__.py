"""The built-in methods. Each folder is a plugin like a stranger's and could be a distribution of its own."""
