# Every image of the mesh, one target each: docker build --target billing -t voice-mesh/billing:0.1.0 .
#
# What an image runs is images/*.lock, by hash. Images of one kind share all layers but their own service's, so a release of one service
# moves some hundred kilobytes. They run as user 10001 with a read-only root file system; only /tmp is written to.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${PYTHON_IMAGE} AS python
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app PATH=/opt/venv/bin:$PATH HOME=/tmp

# --- what is installed: a virtual environment for each kind, compiled once so that no container does it at its start ---
FROM python AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY images/build.lock images/
RUN --mount=type=cache,target=/root/.cache/pip HOME=/root pip install --require-hashes -r images/build.lock

FROM build AS worker-venv
COPY images/worker.lock images/
RUN --mount=type=cache,target=/root/.cache/pip python -m venv --without-pip /opt/venv \
 && HOME=/root /usr/local/bin/python -m pip --python /opt/venv/bin/python install --require-hashes -r images/worker.lock \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM build AS office-venv
COPY images/office.lock images/
RUN --mount=type=cache,target=/root/.cache/pip python -m venv --without-pip /opt/venv \
 && HOME=/root /usr/local/bin/python -m pip --python /opt/venv/bin/python install --require-hashes -r images/office.lock \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM build AS gateway-venv
COPY images/gateway.lock images/
RUN --mount=type=cache,target=/root/.cache/pip python -m venv --without-pip /opt/venv \
 && HOME=/root /usr/local/bin/python -m pip --python /opt/venv/bin/python install --require-hashes -r images/gateway.lock \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM build AS ledger-venv
COPY images/ledger.lock images/
RUN --mount=type=cache,target=/root/.cache/pip python -m venv --without-pip /opt/venv \
 && HOME=/root /usr/local/bin/python -m pip --python /opt/venv/bin/python install --require-hashes -r images/ledger.lock \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM build AS scale-down-venv
COPY images/scale-down.lock images/
RUN --mount=type=cache,target=/root/.cache/pip python -m venv --without-pip /opt/venv \
 && HOME=/root /usr/local/bin/python -m pip --python /opt/venv/bin/python install --require-hashes -r images/scale-down.lock \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM build AS speech-venv
COPY images/speech.lock images/
RUN --mount=type=cache,target=/root/.cache/pip python -m venv --without-pip /opt/venv \
 && HOME=/root /usr/local/bin/python -m pip --python /opt/venv/bin/python install --require-hashes -r images/speech.lock \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

# --- ours, as wheels installed into a folder of their own -------------------------------------------------------------
FROM build AS ours
COPY images/install images/
COPY libs libs

FROM ours AS worker-libs
RUN images/install /out libs/telemetry libs/handoff libs/worker
FROM ours AS office-libs
RUN images/install /out libs/telemetry libs/backoffice
FROM ours AS ledger-libs
RUN images/install /out libs/telemetry libs/handoff libs/backoffice libs/ledger
FROM ours AS scale-down-libs
RUN images/install /out libs/scale_down
FROM ours AS gateway-libs
COPY gateway gateway
RUN images/install /out libs/telemetry libs/handoff libs/yaml_lines ./gateway
FROM ours AS speech-libs
RUN images/install /out libs/telemetry libs/handoff libs/yaml_lines
COPY local /out/local
RUN python -m compileall -q --invalidation-mode unchecked-hash /out/local

FROM ours AS triage-own
COPY services/triage services/triage
RUN images/install /out services/triage
FROM ours AS billing-own
COPY services/billing services/billing
RUN images/install /out services/billing
FROM ours AS technical-own
COPY services/technical services/technical
RUN images/install /out services/technical
FROM ours AS sales-own
COPY services/sales services/sales
RUN images/install /out services/sales
FROM ours AS escalation-own
COPY services/escalation services/escalation
RUN images/install /out services/escalation

# LiveKit's own client for browsers, by npm's lock.
FROM ${NODE_IMAGE} AS web
WORKDIR /web
COPY gateway/web/package.json gateway/web/package-lock.json ./
RUN npm ci --no-fund --no-audit --loglevel=error

# --- what runs -------------------------------------------------------------------------------------------------------
FROM python AS run
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="voice mesh" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
USER 10001:10001

FROM run AS worker
COPY --from=worker-venv /opt/venv /opt/venv
COPY --from=worker-libs /out /app
EXPOSE 8080 9090 50051
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health/live', timeout=2)"]

FROM worker AS triage
COPY --from=triage-own /out /app
ENTRYPOINT ["python", "-m", "triage"]
FROM worker AS billing
COPY --from=billing-own /out /app
ENTRYPOINT ["python", "-m", "billing"]
FROM worker AS technical
COPY --from=technical-own /out /app
ENTRYPOINT ["python", "-m", "technical"]
FROM worker AS sales
COPY --from=sales-own /out /app
ENTRYPOINT ["python", "-m", "sales"]
FROM worker AS escalation
COPY --from=escalation-own /out /app
ENTRYPOINT ["python", "-m", "escalation"]

FROM run AS office
COPY --from=office-venv /opt/venv /opt/venv
COPY --from=office-libs /out /app
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
CMD ["--host", "0.0.0.0", "--port", "8000"]

FROM office AS billing-mcp
COPY --from=billing-own /out /app
ENTRYPOINT ["python", "-m", "billing_mcp"]
FROM office AS technical-mcp
COPY --from=technical-own /out /app
ENTRYPOINT ["python", "-m", "technical_mcp"]
FROM office AS sales-mcp
COPY --from=sales-own /out /app
ENTRYPOINT ["python", "-m", "sales_mcp"]
FROM office AS escalation-mcp
COPY --from=escalation-own /out /app
ENTRYPOINT ["python", "-m", "escalation_mcp"]

FROM run AS ledger
COPY --from=ledger-venv /opt/venv /opt/venv
COPY --from=ledger-libs /out /app
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health/live', timeout=2)"]
ENTRYPOINT ["python", "-m", "ledger"]
CMD ["run"]

FROM run AS scale-down
COPY --from=scale-down-venv /opt/venv /opt/venv
COPY --from=scale-down-libs /out /app
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health/live', timeout=2)"]
ENTRYPOINT ["python", "-m", "scale_down"]

FROM run AS gateway
COPY --from=gateway-venv /opt/venv /opt/venv
COPY --from=gateway-libs /out /app
COPY --from=web /web/node_modules/livekit-client/dist/livekit-client.umd.js /web/
ENV VOICEMESH_LIVEKIT_CLIENT=/web/livekit-client.umd.js
EXPOSE 8088 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8088/health/live', timeout=2)"]
ENTRYPOINT ["python", "-m", "gateway"]

FROM run AS speech
COPY --from=speech-venv /opt/venv /opt/venv
COPY --from=speech-libs /out /app
EXPOSE 8790
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8790/health/ready', timeout=2)"]
ENTRYPOINT ["python", "-m", "local.speech"]
CMD ["--host", "0.0.0.0", "--port", "8790"]

# A recorded caller who calls a mesh: helm test is he.
FROM speech AS caller
HEALTHCHECK NONE
ENTRYPOINT ["python", "-m", "local", "place", "--run-dir", "/tmp/placed"]
CMD ["duplicate_charge"]
