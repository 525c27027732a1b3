# Paperlark in a container: `docker build -t paperlark .`, then see docs/deploy.md.
FROM python:3.11-slim AS build
RUN python -m venv /opt/paperlark
WORKDIR /src
COPY requirements.txt .
RUN /opt/paperlark/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.txt
COPY pyproject.toml README.md LICENSE config.example.toml ./
COPY bot bot
COPY templates templates
COPY examples examples
RUN /opt/paperlark/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM python:3.11-slim
# Where a platform mounts volumes that only root may write to (Fly), build with --build-arg RUN_AS=root.
ARG RUN_AS=paperlark
RUN useradd --uid 1000 --no-create-home paperlark && install -d -o paperlark -g paperlark /data
COPY --from=build /opt/paperlark /opt/paperlark
ENV PATH=/opt/paperlark/bin:$PATH PYTHONUNBUFFERED=1 PAPERLARK_CONFIG=/data/config.toml
USER ${RUN_AS}
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
# Whether the worker's steps run in time. Docker knows 0 and 1 only.
HEALTHCHECK --interval=2m --timeout=30s --start-period=1m CMD paperlark --quiet health || exit 1
ENTRYPOINT ["paperlark"]
CMD ["run"]
