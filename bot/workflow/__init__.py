"""What happens to a recommendation, one module per step."""
