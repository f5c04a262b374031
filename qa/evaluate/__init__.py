"""How good answers are: records, marks and figures."""
