"""What other tasks get from a trained model's sentence vectors (VAT, Section 6; Conneau & Kiela 2018)."""
