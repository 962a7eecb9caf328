package api

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/sessionstore"
)

// TestLicenseInfoShowsEveryField: each member of getLicenseInfo is its own field
// of the license (cortex-example #69, #71), and what is debited moves between
// them.
func TestLicenseInfoShowsEveryField(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 6, d, 1, 2, 3, 4e6, time.UTC) }
	w := scriptWorld(t, "world")
	w.Licenses = []sessionstore.License{{
		ID: "id", Name: "name", Applications: []string{"one", "two"}, Scopes: []string{"eeg", "pm"},
		BillingFrom: day(1), BillingTo: day(2), ValidFrom: day(-3), ValidTo: day(4), SoftLimitTime: day(5), HardLimitTime: day(6), IsCommercial: true,
		LocalQuota: 7, MaxDebit: 8, DailyDebit: 1000, SessionCount: 9, SeatCount: 10, TotalDebit: 11, ExtenderLimit: 12,
		DeviceLimit: 13, DevicesPerSeat: 14, TotalRegisteredDevices: 2, SessionLimitDay: 16, SessionLimitMonth: 17, SessionLimitYear: 18,
	}}
	b := newBench(t, w)
	b.connect("a")
	info := func() map[string]any { return b.result("a", "getLicenseInfo", `{`+auth+`}`) }
	authorized(b)
	require.JSONEq(t, `{"isOnline":true,"license":{
		"applications":["one","two"],"billingFrom":"2026-06-01T08:02:03.004+07:00","billingTo":"2026-06-02T08:02:03.004+07:00",
		"deviceInfo":{"deviceLimit":13,"devicesPerSeat":14,"sessionLimit":{"day":16,"month":17,"year":18}},
		"expired":false,"extenderLimit":12,"hardLimitTime":"2026-06-06T08:02:03.004+07:00","isCommercial":true,"licenseId":"id","licenseName":"name",
		"localQuota":7,"maxDebit":8,"scopes":["eeg","pm"],"seatCount":10,"sessionCount":9,"softLimitTime":"2026-06-05T08:02:03.004+07:00","totalDebit":11,
		"totalRegisteredDevices":3,"validFrom":"2026-05-28T08:02:03.004+07:00","validTo":"2026-06-04T08:02:03.004+07:00"}}`, asJSON(t, info()))
	quota := func() [3]any {
		l := info()["license"].(map[string]any)
		return [3]any{l["localQuota"], l["sessionCount"], l["totalDebit"]}
	}
	debit := func(n string) {
		b.result("a", "authorize", `{`+client+`,"debit":`+n+`}`)
	}
	debit("5")
	require.Equal(t, [3]any{12.0, 4.0, 16.0}, quota(), "from the cloud to this machine")
	debit("5")
	require.Equal(t, [3]any{16.0, 0.0, 20.0}, quota(), "no more than there is")
	require.Equal(t, 3.0, info()["license"].(map[string]any)["totalRegisteredDevices"], "a computer registers once")
	b.result("a", "createSession", `{`+auth+`,"status":"open"}`)
	require.Equal(t, 16.0, quota()[0], "an opened session costs nothing")
	b.result("a", "updateSession", `{`+inSession+`,"status":"active"}`)
	b.result("a", "updateSession", `{`+inSession+`,"status":"active"}`)
	b.result("a", "updateSession", `{`+inSession+`,"status":"close"}`)
	require.Equal(t, 15.0, quota()[0], "an activation costs one, once, and nothing gives it back")
	b.service.SetCloud(Cloud{Status: CloudOffline})
	require.Equal(t, false, info()["isOnline"], "answered from the cache")
	debit("1")
	require.Equal(t, 15.0, quota()[0], "offline nothing is debited")
	b.advance(5 * 24 * time.Hour)
	authorized(b)
	require.Equal(t, false, info()["license"].(map[string]any)["expired"])
	b.advance(20 * time.Hour)
	require.Equal(t, true, info()["license"].(map[string]any)["expired"])
}

// TestRefusedDebitUsesNoLicense: a computer is one of those that use a license
// when authorize has succeeded.
func TestRefusedDebitUsesNoLicense(t *testing.T) {
	w := scriptWorld(t, "world devices=2 max-debit=1")
	w.Licenses[0].DeviceLimit = 3
	b := newBench(t, w)
	b.connect("a")
	require.Equal(t, CodeDebitTooLarge, code(b.call("a", "authorize", `{`+client+`,"debit":2}`)))
	require.Equal(t, 2, b.service.Store.Licenses()[0].TotalRegisteredDevices)
	authorized(b)
	require.Equal(t, 3, b.service.Store.Licenses()[0].TotalRegisteredDevices)
}

func asJSON(t testing.TB, v any) string {
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}
