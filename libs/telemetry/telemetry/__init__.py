"""What the mesh tells of itself. catalog.py has the names, tracing.py the spans, measure.py the metrics, log_lines.py the logs."""
