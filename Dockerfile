# Three images of one build; each holds what uv.lock names, and runs as a user without rights:
#
#   docker build --build-arg VERSION=0.1.0 --tag tap-xstak-oms .
#   docker build --build-arg VERSION=0.1.0 --tag xstak-orders --target meltano .
#   docker build --build-arg VERSION=0.1.0 --tag source-xstak-oms --target airbyte .
#
# The version comes from git's tags, which .dockerignore keeps out: without VERSION it is 0.0.0.

FROM python:3.11-slim AS build
ARG VERSION=0.0.0
ENV SETUPTOOLS_SCM_PRETEND_VERSION=$VERSION UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir "uv>=0.9,<1"
WORKDIR /project
COPY . .
RUN UV_PROJECT_ENVIRONMENT=/opt/tap uv sync --locked --no-default-groups --no-editable

# Meltano, this project and its plugins.
FROM build AS meltano-build
RUN UV_PROJECT_ENVIRONMENT=/opt/meltano uv sync --locked --only-group meltano
ENV PATH=/opt/meltano/bin:$PATH
RUN uv export --locked --no-default-groups --no-emit-project --no-hashes --output-file /opt/tap.txt \
    && UV_CONSTRAINT=/opt/tap.txt meltano install --plugin-type extractor
RUN meltano install --plugin-type loader

FROM python:3.11-slim AS meltano
RUN useradd --uid 10001 --create-home xstak
COPY --from=meltano-build /opt/meltano /opt/meltano
COPY --from=meltano-build --chown=10001 /project /project
ENV PATH=/opt/meltano/bin:$PATH
WORKDIR /project
USER 10001
ENTRYPOINT ["meltano"]

FROM python:3.11-slim AS runtime
RUN useradd --uid 10001 --create-home xstak
COPY --from=build /opt/tap /opt/tap
ENV PATH=/opt/tap/bin:$PATH
WORKDIR /work
USER 10001

FROM runtime AS airbyte
ENV AIRBYTE_ENTRYPOINT="source-xstak-oms"
ENTRYPOINT ["source-xstak-oms"]

FROM runtime AS tap
ENTRYPOINT ["tap-xstak-oms"]
