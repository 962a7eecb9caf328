# A static binary on nothing: no shell, no libc, no package manager.
#   docker build -t fakecortex .
#   docker run -p 6868:6868 -p 6869:6869 -v fakecortex-tls:/tls fakecortex
FROM golang:1.25 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/fakecortex ./cmd/fakecortex
# The folder of the CA must belong to the user that writes it; a new named
# volume takes its owner from here. Long records go to files in /tmp.
RUN mkdir -p /out/tls /out/tmp && chmod 700 /out/tls /out/tmp

FROM scratch
COPY --from=build /out/fakecortex /fakecortex
COPY --from=build --chown=65532:65532 /out/tls /tls
COPY --from=build --chown=65532:65532 /out/tmp /tmp
USER 65532:65532
ENV FAKECORTEX_LISTEN=:6868 FAKECORTEX_CONTROL=:6869 FAKECORTEX_TLS_DIR=/tls
EXPOSE 6868 6869
VOLUME /tls
HEALTHCHECK --interval=10s --timeout=3s --start-period=2s --retries=3 CMD ["/fakecortex", "healthcheck"]
ENTRYPOINT ["/fakecortex"]
