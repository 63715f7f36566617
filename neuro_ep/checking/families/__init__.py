"""How each family of rules is checked, one file a family."""
