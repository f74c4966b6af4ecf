"""What strategies do on biographies, and a comparison held against the aims of the project."""
