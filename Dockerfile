# Two stages: what installs the service stays behind, what runs it is the image.

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# No pip in the environment itself: the image only runs what is in it.
RUN python -m venv --without-pip /opt/stepwire
# First the dependencies, as those of a package that is still empty: this slow layer is
# built again only when one of these files changes.
COPY pyproject.toml constraints*.txt ./
# `gpu` in the place of `serve` brings CUDA: 3.2 GB, not 0.6 GB.
ARG EXTRAS=serve
RUN touch README.md \
    && pip --python /opt/stepwire/bin/python install \
        --constraint constraints.txt --constraint constraints-gpu.txt ".[$EXTRAS,fast]"
COPY stepwire stepwire
COPY service service
COPY loadtest loadtest
RUN pip --python /opt/stepwire/bin/python install --no-deps --force-reinstall .

FROM python:3.11-slim-bookworm AS serve
# What `--transport nghttp2` calls.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libnghttp2-14 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/stepwire /opt/stepwire
# To serve other models, mount a repository here.
COPY model_repository /srv/models
# A new volume takes its owner from the folder of the image that it is mounted over.
RUN install -d -o 10001 -g 10001 /var/lib/stepwire
ENV PATH=/opt/stepwire/bin:$PATH
# A container is reached from outside itself, hence the address and the plain text on it;
# who may reach it is decided where its port is published.
ENV STEPWIRE_LISTEN=0.0.0.0:50051 \
    STEPWIRE_INSECURE=true \
    STEPWIRE_REPOSITORY=/srv/models
EXPOSE 50051
# A number, so that an orchestrator sees without the image's passwd that it is not root.
USER 10001:10001
# The service answers once every model is loaded and proven, and says NOT_SERVING as it drains.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-m", "service.healthcheck"]
# No shell in between: SIGTERM reaches the service, which drains.
ENTRYPOINT ["stepwire", "serve"]

# Built with EXTRAS=gpu, for a container that the NVIDIA runtime gives a device.
FROM serve AS gpu
# Kernels are compiled as they are needed, and written nowhere: the root file system is read-only.
# CuPy cannot be imported without a folder for them all the same.
ENV CUPY_CACHE_IN_MEMORY=1 \
    CUPY_CACHE_DIR=/tmp
# Where NVIDIA's packages have their libraries. The driver's comes from the host.
ENV LD_LIBRARY_PATH=/opt/stepwire/lib/python3.11/site-packages/nvidia/cu13/lib:/opt/stepwire/lib/python3.11/site-packages/nvidia/cudnn/lib

# The last one is what `docker build` makes of no target.
FROM serve
