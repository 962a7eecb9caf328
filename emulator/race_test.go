//go:build race

package emulator_test

// raceDetector is on: a test that has much to do does less of it.
const raceDetector = true
