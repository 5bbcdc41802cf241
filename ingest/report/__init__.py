"""What an institution reads of its filing: one report model, and its forms (JSON, HTML, text, CSV, XLSX)."""
