"""Stage 8: tables, then one atomic commit that moves the pointer; then the MLflow alias follows."""


