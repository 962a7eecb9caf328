package api

import (
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// isoMillis is the form of a session's dates: milliseconds and the offset of
// the host's zone, +00:00 for UTC.
func isoMillis(t time.Time) string { return t.Format("2006-01-02T15:04:05.000-07:00") }

// sessionObject is the Session object of the documentation.
func (s *Service) sessionObject(sess *sessionstore.Session) rpc.Object {
	o := rpc.Object{
		"appId":     sess.Application.ID,
		"headset":   s.headsetObject(sess.Headset, true, false),
		"id":        sess.ID,
		"license":   "",
		"owner":     sess.Owner,
		"recordIds": sess.RecordIDs,
		"recording": sess.Recording,
		"started":   isoMillis(sess.Started.In(s.world.Zone)),
		"status":    sess.Status.String(),
		"stopped":   "",
		"streams":   sess.Streams(),
	}
	if sess.License != nil {
		o["license"] = sess.License.ID
	}
	if !sess.Stopped.IsZero() {
		o["stopped"] = isoMillis(sess.Stopped.In(s.world.Zone))
	}
	if s.compat.PerformanceMetrics {
		o["performanceMetrics"] = s.performanceMetrics(sess.Headset)
	}
	return o
}

// performanceMetrics lists the metrics of a headset with their names
// (cortex-example #210 and a message of 2021: attention took the place of foc).
// What an MN8 lists is not known: here it is what its met has.
func (s *Service) performanceMetrics(h *sessionstore.Headset) rpc.Array {
	metric := func(api, displayed, short string) rpc.Object {
		return rpc.Object{"apiName": api, "displayedName": displayed, "name": nameOf(displayed), "shortDisplayedName": short}
	}
	switch model, _ := streams.ModelByName(h.Model); {
	case model == nil || !model.Met:
		return rpc.Array{}
	case model.MetCognitive:
		return rpc.Array{metric("attention", "Attention", "At"), metric("cognitiveStress", "Cognitive Stress", "CS")}
	}
	list := rpc.Array{
		metric("eng", "Engagement", "En"), metric("exc", "Excitement", "Ex"), metric("str", "Stress", "St"),
		metric("rel", "Relaxation", "Re"), metric("int", "Interest", "In"),
	}
	if s.compat.AttentionMetric {
		return append(rpc.Array{metric("attention", "Attention", "At")}, list...)
	}
	return append(list, metric("foc", "Focus", "Fo"))
}

// nameOf is a metric's displayed name with a small first letter and no blanks.
func nameOf(displayed string) string {
	return string(displayed[0]+'a'-'A') + strings.ReplaceAll(displayed[1:], " ", "")
}

// headsetObject is the Headset object of the documentation. The one inside a
// session differs a little.
func (s *Service) headsetObject(h *sessionstore.Headset, inSession, mappings bool) rpc.Object {
	o := rpc.Object{
		"connectedBy":   h.ConnectedBy,
		"dongle":        h.Dongle,
		"firmware":      h.Firmware,
		"id":            h.ID,
		"motionSensors": notNil(h.MotionSensors),
		"sensors":       notNil(h.Sensors),
		"settings": rpc.Object{
			"eegRate": h.Settings.EEGRate, "eegRes": h.Settings.EEGRes,
			"memsRate": h.Settings.MemsRate, "memsRes": h.Settings.MemsRes, "mode": h.Settings.Mode,
		},
		"status": h.Status.String(),
	}
	if (h.Status != sessionstore.HeadsetConnected || !h.Ready) && !inSession {
		// Nothing is known of a headset before it is connected: cortex 2.6
		// printed empty lists and mode UNKNOWN.
		o["motionSensors"], o["sensors"] = rpc.Array{}, rpc.Array{}
		o["settings"] = rpc.Object{"eegRate": 0, "eegRes": 0, "memsRate": 0, "memsRes": 0, "mode": "UNKNOWN"}
	}
	if s.compat.CustomName && (!inSession || s.compat.SessionCustomName) {
		o["customName"] = h.CustomName
	}
	if s.compat.HeadbandPosition && !inSession {
		o["headbandPosition"] = nil
		if h.HeadbandPosition != "" {
			o["headbandPosition"] = h.HeadbandPosition
		}
	}
	if s.compat.VirtualFields {
		o["isDfuMode"], o["isVirtual"], o["virtualHeadsetId"] = false, h.Virtual, h.VirtualID
	}
	if s.compat.DFUFields {
		o["dfuTypes"] = notNil(h.DFUTypes)
		o["firmwareDisplay"] = firmwareDisplay(h.Firmware)
	}
	if mappings && len(h.Mappings) > 0 {
		o["flexMappings"] = rpc.Object{"mappings": h.Mappings}
	}
	return o
}

// firmwareDisplay prints firmware a11 as 0x0a11 (cortex-example #210).
func firmwareDisplay(firmware string) string {
	for len(firmware) < 4 {
		firmware = "0" + firmware
	}
	return "0x" + firmware
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// licenseObject is the license of getLicenseInfo with every member that the
// service has (cortex-example #69).
func licenseObject(l *sessionstore.License, now time.Time) rpc.Object {
	scopes := l.Scopes
	if len(scopes) == 0 {
		scopes = []string{""} // a basic license prints one empty scope
	}
	limit := func(n int) any {
		if n < 0 {
			return nil
		}
		return n
	}
	count := func(n int) int { return max(n, 0) }
	date := func(t time.Time) string { return isoMillis(t.In(now.Location())) }
	return rpc.Object{
		"applications": notNil(l.Applications), "billingFrom": date(l.BillingFrom), "billingTo": date(l.BillingTo),
		"deviceInfo": rpc.Object{
			"deviceLimit": limit(l.DeviceLimit), "devicesPerSeat": limit(l.DevicesPerSeat),
			"sessionLimit": rpc.Object{"day": limit(l.SessionLimitDay), "month": limit(l.SessionLimitMonth), "year": limit(l.SessionLimitYear)},
		},
		"expired": l.ExpiredAt(now), "extenderLimit": l.ExtenderLimit, "hardLimitTime": date(l.HardLimitTime), "isCommercial": l.IsCommercial,
		"licenseId": l.ID, "licenseName": l.Name, "localQuota": l.LocalQuota, "maxDebit": limit(l.MaxDebit), "scopes": scopes,
		"seatCount": l.SeatCount, "sessionCount": count(l.SessionCount), "softLimitTime": date(l.SoftLimitTime), "totalDebit": l.TotalDebit,
		"totalRegisteredDevices": l.TotalRegisteredDevices, "validFrom": date(l.ValidFrom), "validTo": date(l.ValidTo),
	}
}
