# One image for every part of the platform. What it installs is pinned by hash in requirements.lock, without test tools.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 UV_SYSTEM_CERTS=1
WORKDIR /src
COPY requirements.lock pyproject.toml ./
COPY deploy/subset_lock.py deploy/
RUN python3 -m venv /opt/npl \
 && awk '/^[^ #]/ {keep = /^uv==/} keep' requirements.lock > uv.lock \
 && /opt/npl/bin/python -m pip install --quiet --no-cache-dir --require-hashes -r uv.lock \
 && /opt/npl/bin/uv pip compile pyproject.toml --extra server --constraint requirements.lock \
      --python-version 3.11 --no-annotate --no-header --quiet --output-file names.txt \
 && printf 'setuptools==%s\n' "$(sed -n 's/^setuptools==\([^ ]*\).*/\1/p' requirements.lock)" >> names.txt \
 && /opt/npl/bin/python deploy/subset_lock.py names.txt requirements.lock > image.lock \
 && /opt/npl/bin/uv pip install --no-cache --python /opt/npl/bin/python --require-hashes --compile-bytecode \
      -r image.lock
COPY README.md LICENSE CITATION.cff ./
COPY expectations expectations
COPY ingest ingest
COPY dags dags
COPY dbt_project dbt_project
COPY docs/handbook docs/handbook
COPY docs/templates docs/templates
COPY examples examples
# installed from where it lies: dbt's project and the handbook stand beside the packages
RUN mkdir /opt/npl/src && cp -r . /opt/npl/src && cd /opt/npl/src \
 && /opt/npl/bin/uv pip install --python /opt/npl/bin/python --no-deps --no-build-isolation -e . \
 && /opt/npl/bin/python -m compileall -q expectations ingest dags

FROM ${PYTHON_IMAGE}
ARG NPL_CODE_COMMIT=
RUN groupadd --gid 10001 npl && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp npl \
 && install -d -m 700 -o npl -g npl /var/lib/npl /var/lib/npl/inbox /var/lib/npl/outbox /var/lib/npl-keys /var/lib/npl-sftp \
      /var/lib/airflow /var/lib/airflow/logs
COPY --from=build /opt/npl /opt/npl
COPY deploy/set_up.sh /opt/npl/bin/npl-set-up
COPY deploy/healthy.py /opt/npl/healthy.py
ENV PATH=/opt/npl/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 LANG=C.UTF-8 \
    NPL_HOME=/var/lib/npl NPL_KEYS_DIR=/var/lib/npl-keys NPL_SFTP_KEYS_DIR=/var/lib/npl-sftp \
    NPL_CODE_COMMIT=${NPL_CODE_COMMIT} AIRFLOW_HOME=/tmp/airflow
USER npl
WORKDIR /var/lib/npl
CMD ["npl", "--help"]
