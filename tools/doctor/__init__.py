"""`make doctor`: what is wrong with a mesh, where, and how to mend it. See docs/operations/doctor.md."""
