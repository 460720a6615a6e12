"""Technical: diagnostics, known issues, tickets."""
