"""The documentation, and the script that writes what is made from the code."""
