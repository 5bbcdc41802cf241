"""The handbook of the standard: static pages in Chinese and English, one for each table, rule and code list."""
