"""Language models that word answers: where they run."""
