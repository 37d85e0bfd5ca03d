# The environment is made in one stage and copied into another without pip's leftovers, headers,
# tests or compilers. tensorflow-cpu is what the requirements name where the platform has it.
FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /opt/convlens
ENV PATH=/opt/convlens/bin:$PATH
COPY requirements.txt ./
RUN pip install --no-cache-dir --no-compile --requirement requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY convlens convlens
COPY service service
COPY training training
RUN pip install --no-cache-dir --no-compile --no-deps . \
    && rm -rf /opt/convlens/lib/python*/site-packages/tensorflow/include \
    && find /opt/convlens \( -name tests -o -name __pycache__ \) -type d -prune -exec rm -rf {} + \
    && pip uninstall --yes pip

FROM python:3.13-slim
LABEL org.opencontainers.image.title=convlens \
      org.opencontainers.image.licenses=MIT
RUN useradd --system --uid 10001 convlens
COPY --from=build /opt/convlens /opt/convlens
COPY models /srv/models
# Nothing is ever written: the file system may be read-only.
ENV PATH=/opt/convlens/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CONVLENS_HOST=0.0.0.0 \
    CONVLENS_MODELS=/srv/models
WORKDIR /srv
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('CONVLENS_PORT', 8000)}/readyz\")"]
ENTRYPOINT ["convlens"]
CMD ["serve"]
