"""`npl bench`: what the platform's work costs on this machine, beside a baseline run in the same call.

`cases` says what is run, `work` is what the measured processes do, `measure` starts them and takes their figures.
"""
