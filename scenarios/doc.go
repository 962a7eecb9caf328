// Package scenarios reads, checks and runs scenarios: documents that say what
// world a client meets, what happens in it, and what the client must do.
package scenarios
