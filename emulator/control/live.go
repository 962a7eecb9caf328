package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// maxLives bounds those who watch signals at the same time: each costs the loop
// some work.
const maxLives = 8

// Bounds of how often signals are sent.
const (
	liveEvery = 50 * time.Millisecond
	liveLeast = 20 * time.Millisecond
	liveMost  = 5 * time.Second
)

// live sends the signals of a headset as server-sent events, as they are at the
// headset: layout when it has been connected, then data again and again. It
// listens beside the clients and changes nothing of what they get.
func (s *server) live(w http.ResponseWriter, r *http.Request) error {
	q, err := parameters(r, "headset", "every")
	if err != nil {
		return err
	}
	every := liveEvery
	if q.Has("every") {
		every, err = time.ParseDuration(q.Get("every"))
		if err != nil || every < liveLeast || every > liveMost {
			return bad("every %q: want a duration from %s to %s", q.Get("every"), liveLeast, liveMost)
		}
	}
	select {
	case s.lives <- struct{}{}:
		defer func() { <-s.lives }()
	default:
		return status{http.StatusServiceUnavailable, fmt.Sprintf("%d watch signals already", maxLives)}
	}
	rc := eventStream(w)
	watch := s.emu.Watch(q.Get("headset"))
	defer watch.Close()
	wait := time.NewTimer(0)
	defer wait.Stop()
	var buffer []byte
	for {
		select {
		case <-r.Context().Done():
			return nil
		case <-wait.C:
		}
		began := time.Now()
		batch, err := watch.Next()
		if err != nil {
			return nil // the emulator ends, and so does the stream
		}
		took := time.Since(began)
		buffer = buffer[:0]
		if batch.Reset {
			buffer = append(buffer, "event: reset\ndata: {}\n\n"...)
		}
		if batch.Layout != nil {
			layout, err := json.Marshal(batch.Layout)
			if err != nil {
				return nil // cannot happen: names and numbers
			}
			buffer = fmt.Appendf(buffer, "event: layout\ndata: %s\n\n", layout)
		}
		buffer = append(buffer, "data: "...)
		buffer = batch.Append(buffer)
		buffer = append(buffer, "\n\n"...)
		_ = rc.SetWriteDeadline(time.Now().Add(keepAlive))
		if _, err := w.Write(buffer); err != nil || rc.Flush() != nil {
			return nil
		}
		// On a clock so fast that a look costs much, look less often: at most a
		// tenth of the loop's time is spent on it.
		wait.Reset(max(every, 10*took))
	}
}

// timeline serves the steps of the scenario in force and where they stand.
func (s *server) timeline(w http.ResponseWriter, _ *http.Request) error {
	reply(w, http.StatusOK, map[string]any{"steps": s.emu.Timeline()})
	return nil
}

// saved serves what was done by hand as a scenario.
func (s *server) saved(w http.ResponseWriter, _ *http.Request) error {
	text, err := s.emu.Deeds()
	if err := conflict(err); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(text)
	return nil
}
