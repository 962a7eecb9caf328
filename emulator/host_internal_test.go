package emulator

import (
	"errors"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/scenarios"
)

// TestEveryActionIsSimulated: a document with any action must find somebody who
// does it; whether it is possible is another matter.
func TestEveryActionIsSimulated(t *testing.T) {
	for _, a := range scenarios.Actions() {
		e, err := Start(Options{Clock: "manual"})
		require.NoError(t, err)
		err = e.Perform("test", scenarios.Action{Name: a.Name, Args: reflect.New(a.Args).Interface()})
		var missing errNotSimulated
		assert.False(t, errors.As(err, &missing), a.Name)
		require.NoError(t, e.Close())
	}
}
