package scenarios_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/scenarios"
)

func TestWhatFollows(t *testing.T) {
	s, err := scenarios.LoadBytes("x.yaml", []byte(`
world:
  users: [jon.snow, other]
  licenses: [l1]
  applications: [{clientId: c1}, {clientId: c2, name: My App, owner: other}, {clientId: "*", status: pending}]
  headsets:
    - {id: INSIGHT-1, isVirtual: true}
    - {id: EPOCPLUS-1}
  profiles: [p1]
  records: [r1]
timeline:
  - {at: 1s, do: {addHeadset: {id: MN8-1}}}
`), scenarios.Options{})
	require.NoError(t, err)
	w := s.World
	assert.Equal(t, "com.jon.snow.c1", w.Applications[0].AppID)
	assert.Equal(t, "com.other.my-app", w.Applications[1].AppID)
	assert.Equal(t, []string{"AF3", "T7", "Pz", "T8", "AF4"}, w.Profiles[0].EEGChannels)
	assert.Equal(t, "bluetooth", w.Headsets[0].ConnectedBy)
	assert.Equal(t, "0", w.Headsets[0].Dongle)
	assert.Equal(t, "dongle", w.Headsets[1].ConnectedBy)
	assert.Equal(t, "634", w.Headsets[1].Firmware)
	assert.Equal(t, "INSIGHT-1", w.Records[0].Headset)
	assert.Equal(t, "MN8", s.Timeline[0].Do[0].Args.(*scenarios.Headset).Model)
	ids := map[string]bool{}
	for _, id := range []string{w.Users[0].ID, w.Users[1].ID, w.Profiles[0].UUID, w.Records[0].UUID, w.Headsets[0].VirtualHeadsetID} {
		u, err := uuid.Parse(id)
		require.NoError(t, err)
		assert.Equal(t, uuid.Version(4), u.Version())
		assert.False(t, ids[id])
		ids[id] = true
	}
	assert.Empty(t, w.Headsets[1].VirtualHeadsetID)

	a, ok := w.ApplicationFor("c1")
	assert.True(t, ok)
	assert.Equal(t, "approved", a.Status)
	a, ok = w.ApplicationFor("AbCdEfGhIjKl")
	assert.True(t, ok)
	assert.Equal(t, "pending", a.Status)
	assert.Equal(t, "com.jon.snow.app-abcdefgh", a.AppID)
	_, ok = (&scenarios.World{}).ApplicationFor("c1")
	assert.False(t, ok)
	a, ok = (&scenarios.World{AnyApplication: true}).ApplicationFor("c1")
	assert.True(t, ok)
	assert.Equal(t, "approved", a.Status)
}
