module github.com/fakecortex/fakecortex

go 1.25

require (
	github.com/coder/websocket v1.8.15
	github.com/stretchr/testify v1.12.1
	pgregory.net/rapid v1.3.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
