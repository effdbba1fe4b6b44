"""What carries jobs: claims them, makes one exchange at a time, and writes down what came of it."""
