"""What the Makefile calls; never imported by anything that is deployed."""
