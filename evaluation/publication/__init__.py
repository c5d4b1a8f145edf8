"""What is SHOWN: disclosure control, figures, tables, packets, notebooks and the book."""
