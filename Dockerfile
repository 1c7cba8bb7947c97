# syntax=docker/dockerfile:1
# The bot with its model inside. Build: make image. Run: docker run --rm -p 127.0.0.1:5005:5005 -v wegwijzer:/data wegwijzer

FROM python:3.10-slim-bookworm AS build
WORKDIR /app
RUN pip install --no-cache-dir 'uv>=0.5'
# Dependencies first: they change less often than the bot.
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --frozen --no-dev --no-install-project --no-cache --python /usr/local/bin/python3.10
COPY bot bot
COPY actions actions
RUN uv sync --frozen --no-dev --no-cache --python /usr/local/bin/python3.10
COPY config.yml domain.yml ./
COPY content content
COPY data data
RUN .venv/bin/wegwijzer train
# What the bot never loads goes, then bytecode is made of what it loads, and of nothing else: a small image, and a fast start.
RUN apt-get update && apt-get install -y --no-install-recommends binutils
COPY scripts/slim.sh scripts/
RUN sh scripts/slim.sh .venv

FROM python:3.10-slim-bookworm
LABEL org.opencontainers.image.title="Wegwijzer" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin wegwijzer && install -d -o 10001 -m 700 /data
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY --from=build /app/bot bot
COPY --from=build /app/actions actions
COPY --from=build /app/content content
COPY --from=build /app/data/redaction data/redaction
COPY --from=build /app/models models
COPY pyproject.toml config.yml domain.yml LICENSE ./
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    RASA_TELEMETRY_ENABLED=false \
    SENTRY_DSN= \
    WEGWIJZER_HOST=0.0.0.0 \
    WEGWIJZER_CONSOLE_HOST=0.0.0.0 \
    WEGWIJZER_DATA_DIR=/data
USER 10001
VOLUME /data
EXPOSE 5005 5006
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5005/health', timeout=4)"]
CMD ["wegwijzer", "run"]
