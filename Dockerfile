# The pipeline's environment, at the versions of constraints.txt, for a user who is not root:
#   docker build -t huescape .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD":/project huescape dvc repro
# docs/containers.md says more.
FROM debian:bookworm-slim AS environment
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates python3-venv \
  && rm -rf /var/lib/apt/lists/* \
  && python3 -m venv /opt/huescape
ENV PATH=/opt/huescape/bin:$PATH
WORKDIR /source
# Where pip shall look besides its registry, as for a torch without CUDA, which is a third of the size.
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
# What it depends on is a layer of its own: a changed line of code installs none of it again.
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src/huescape/__init__.py src/huescape/
RUN pip install --no-cache-dir -c constraints.txt ".[film,onnx,perception,s3]"
COPY src src
RUN pip install --no-cache-dir --no-deps --force-reinstall .

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates git python3 \
  && rm -rf /var/lib/apt/lists/* \
  # A mounted project belongs to whoever is outside, and anybody may be the user: docker run --user.
  && git config --system --add safe.directory '*' \
  && useradd --create-home --uid 1000 huescape \
  && chmod 1777 /home/huescape
COPY --from=environment /opt/huescape /opt/huescape
# DVC asks for the user's name, which a user from outside has none of here.
ENV PATH=/opt/huescape/bin:$PATH HOME=/home/huescape USER=huescape \
  MLFLOW_DISABLE_TELEMETRY=true DVC_NO_ANALYTICS=true
# A number: Kubernetes cannot tell from a name that it is not root.
USER 1000
WORKDIR /project
CMD ["huescape", "--help"]
