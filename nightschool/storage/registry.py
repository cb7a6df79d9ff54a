"""What MLflow shows of the nights: runs to compare, and the models that were published."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

# MLflow reads it when it is imported: nothing calls home.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow.pyfunc
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, SEGMENT, USER_ID, VALUE, K
from nightschool.storage.alpha_curve import Mean, draw_alpha_curve
