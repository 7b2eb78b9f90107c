# The image of oci-source-controller: one program, the libraries it needs, the system's CA certificates; for Git over ssh OpenSSH's client,
# for OpenPGP signatures GnuPG's programs. Runs as uid 65534, needs no writable root, and keeps its artifacts under /data.
#   docker build -t registry.example.com/oci-source-controller:v0.1.0 --build-arg VERSION=v0.1.0 .
# BASE may be any Debian 12 or 13.
ARG BASE=docker.io/library/debian:trixie-slim

FROM ${BASE} AS build
ARG VERSION=unknown
COPY .ci/deps /src/.ci/deps
RUN bash /src/.ci/deps build && apt-get clean
COPY . /src
RUN make -C /src -j"$(nproc)" PREFIX=/usr DESTDIR=/out VERSION="$VERSION" install
# Which packages hold the shared libraries that the programs ask for: their names differ between Debian 12 and 13.
RUN ldd /out/usr/bin/* | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u | while read -r lib; do \
		real=$(realpath "$lib"); \
		{ dpkg -S "$real" || dpkg -S "${real#/usr}"; } 2>/dev/null | head -n 1 | cut -d: -f1; \
	done | sort -u > /out/packages && test -s /out/packages

FROM ${BASE}
RUN --mount=type=bind,from=build,source=/out,target=/out \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive xargs -a /out/packages apt-get install -y -qq --no-install-recommends ca-certificates openssh-client gpgv gpg gpg-agent && \
	rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* && \
	cp -a /out/usr/bin/. /usr/bin/ && install -d -o 65534 -g 65534 /data
USER 65534:65534
EXPOSE 9090 8080 9440
ENTRYPOINT ["/usr/bin/oci-source-controller"]
CMD ["--storage-path=/data"]
