module github.com/fakecortex/fakecortex

go 1.25
