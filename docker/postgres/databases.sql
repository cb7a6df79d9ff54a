-- Three databases, each with an account that reaches no other; run once, on a new data folder.
\set prefect_password `cat /run/secrets/prefect_password`
\set mlflow_password `cat /run/secrets/mlflow_password`
\set nightschool_password `cat /run/secrets/nightschool_password`

CREATE ROLE prefect LOGIN PASSWORD :'prefect_password';
CREATE ROLE mlflow LOGIN PASSWORD :'mlflow_password';
CREATE ROLE nightschool LOGIN PASSWORD :'nightschool_password';

CREATE DATABASE prefect OWNER prefect;
CREATE DATABASE mlflow OWNER mlflow;
CREATE DATABASE nightschool OWNER nightschool;

REVOKE CONNECT ON DATABASE prefect, mlflow, nightschool, postgres FROM PUBLIC;
