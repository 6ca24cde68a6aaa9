# The image of a release: the static program alone. Build it beside the program of the platform:
#   docker build --platform linux/amd64 --build-arg PROGRAM=bin/seatrial -t seatrial .
FROM scratch
ARG PROGRAM=seatrial
COPY ${PROGRAM} /seatrial
# Nobody; trials and caches go where a volume is mounted.
USER 65532:65532
ENV HOME=/home SEATRIAL_CACHE_DIR=/tmp/seatrial
WORKDIR /work
ENTRYPOINT ["/seatrial"]
