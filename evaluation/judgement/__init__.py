"""What it means: words, ratings, confidence, economics and the recommended decision."""
