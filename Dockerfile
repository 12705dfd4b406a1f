# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/branchwarden
WORKDIR /src
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN /opt/branchwarden/bin/pip install --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY daemon daemon
COPY sanitizers sanitizers
COPY emulator emulator
COPY config config
# The emulator runs databases and has no place beside production credentials.
RUN pip install --require-hashes -r requirements/build.txt \
 && pip wheel --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
 && /opt/branchwarden/bin/pip install --no-deps /tmp/wheel/*.whl \
 && rm -rf /opt/branchwarden/lib/python3.13/site-packages/emulator

FROM python:3.13-slim
RUN groupadd --gid 10001 branchwarden \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/branchwarden --shell /usr/sbin/nologin branchwarden \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/branchwarden \
 && install -d -o root -g 10001 -m 0750 /etc/branchwarden
COPY --from=build /opt/branchwarden /opt/branchwarden
ENV PATH=/opt/branchwarden/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BRANCHWARDEN_STATE__PATH=/var/lib/branchwarden/branchwarden.db \
    BRANCHWARDEN_KEYS__PATH=/var/lib/branchwarden/keys \
    BRANCHWARDEN_ATTESTATIONS__PATH=/var/lib/branchwarden/attestations
USER 10001:10001
WORKDIR /var/lib/branchwarden
VOLUME ["/var/lib/branchwarden"]
STOPSIGNAL SIGTERM
# Asks the scheduler's heartbeat in the state store: an open port proves nothing about the cycles.
HEALTHCHECK --interval=60s --timeout=10s --start-period=60s --retries=3 \
    CMD ["branchwarden", "doctor", "--heartbeat"]
ENTRYPOINT ["branchwarden"]
CMD ["run"]
