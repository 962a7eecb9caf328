package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/faults"
)

type faultStatus = faults.Status

// query reads what is asked of the journal, and how long to wait for it.
func query(r *http.Request) (q emulator.JournalQuery, wait time.Duration, err error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, 0, bad("query: %s", err)
	}
	number := func(name, text string, most uint64) (uint64, error) {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || n > most {
			return 0, bad("%s %q: want a number from 0 to %d", name, text, most)
		}
		return n, nil
	}
	for name, list := range values {
		text := list[len(list)-1]
		switch name {
		case "after":
			q.After, err = number(name, text, 1<<62)
		case "kind":
			for _, v := range list {
				q.Kinds = append(q.Kinds, strings.Split(v, ",")...)
			}
		case "connection":
			q.Conn, err = number(name, text, 1<<62)
		case "method":
			q.Method = text
		case "code":
			var n int
			if n, err = strconv.Atoi(text); err != nil {
				err = bad("code %q: want a number", text)
			}
			q.Code = &n
		case "event":
			q.Event = text
		case "session":
			q.Session = text
		case "text":
			q.Text = text
		case "limit":
			var n uint64
			n, err = number(name, text, 10_000)
			q.Limit = int(n)
		case "life":
			q.Life, err = number(name, text, 1<<62)
		case "last":
			if q.Last, err = strconv.ParseBool(text); err != nil {
				err = bad("last %q: want true or false", text)
			}
		case "wait":
			if wait, err = time.ParseDuration(text); err != nil || wait < 0 || wait > time.Minute {
				err = bad("wait %q: want a duration from 0s to 1m", text)
			}
		default:
			err = bad("query: there is no parameter %q; see /openapi.yaml", name)
		}
		if err != nil {
			return q, 0, err
		}
	}
	return q, wait, nil
}

// journal serves a part of the journal; with wait it comes when there is
// something, at the latest after that time.
func (s *server) journal(w http.ResponseWriter, r *http.Request) error {
	q, wait, err := query(r)
	if err != nil {
		return err
	}
	page := emulator.JournalPage{}
	if wait > 0 {
		release, err := s.tail()
		if err != nil {
			return err
		}
		defer release()
		ctx, cancel := context.WithTimeout(r.Context(), wait)
		defer cancel()
		if page, err = s.emu.FollowJournal(ctx, q); err != nil {
			return conflict(err)
		}
	} else {
		page = s.emu.Journal(q)
	}
	if wantsLines(r) {
		lines(w, page.Entries)
		return nil
	}
	reply(w, http.StatusOK, page)
	return nil
}

func wantsLines(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/jsonl")
}

// lines answers with one JSON object a line.
func lines[T any](w http.ResponseWriter, list []T) {
	w.Header().Set("Content-Type", "application/jsonl")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for i := range list {
		if encoder.Encode(&list[i]) != nil {
			return // the peer has gone
		}
	}
}

func (s *server) count(w http.ResponseWriter, r *http.Request) error {
	q, _, err := query(r)
	if err != nil {
		return err
	}
	q.Limit = 1
	page := s.emu.Journal(q)
	reply(w, http.StatusOK, map[string]any{"count": page.Matched, "lost": page.Lost, "counters": s.emu.Counters()})
	return nil
}

// tail takes one of the places for those who follow.
func (s *server) tail() (release func(), err error) {
	select {
	case s.tails <- struct{}{}:
		return func() { <-s.tails }, nil
	default:
		return nil, status{http.StatusServiceUnavailable, fmt.Sprintf("%d follow the journal already", maxTails)}
	}
}

// keepAlive is how often a quiet stream shows that it lives.
const keepAlive = 15 * time.Second

// eventStream begins an answer of server-sent events.
func eventStream(w http.ResponseWriter) *http.ResponseController {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	return http.NewResponseController(w)
}

// follow sends the journal as server-sent events, one entry each, from the
// entry after the asked one (or Last-Event-ID) on; without either from now on.
func (s *server) follow(w http.ResponseWriter, r *http.Request) error {
	q, _, err := query(r)
	if err != nil {
		return err
	}
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		if q.After, err = strconv.ParseUint(last, 10, 64); err != nil {
			return bad("Last-Event-ID %q: want a number", last)
		}
	} else if !r.URL.Query().Has("after") {
		q.After = s.emu.Counters().Entries
	}
	q.Life = s.emu.Counters().Life
	q.Last, q.Limit = false, 0
	release, err := s.tail()
	if err != nil {
		return err
	}
	defer release()
	rc := eventStream(w)
	if rc.Flush() != nil {
		return nil
	}
	for r.Context().Err() == nil {
		ctx, cancel := context.WithTimeout(r.Context(), keepAlive)
		page, err := s.emu.FollowJournal(ctx, q)
		cancel()
		if err != nil {
			return nil // the emulator ends, and so does the stream
		}
		// A peer that does not read must not hold a place for ever.
		_ = rc.SetWriteDeadline(time.Now().Add(keepAlive))
		switch {
		case page.Life != q.Life:
			_, err = fmt.Fprint(w, "event: reset\ndata: {}\n\n")
		case len(page.Entries) == 0:
			_, err = fmt.Fprint(w, ": still here\n\n")
		case page.Lost > 0:
			_, err = fmt.Fprintf(w, "event: lost\ndata: {\"lost\":%d}\n\n", page.Lost)
		}
		for i := range page.Entries {
			if err != nil {
				return nil
			}
			var line []byte
			if line, err = json.Marshal(&page.Entries[i]); err == nil {
				_, err = fmt.Fprintf(w, "id: %d\ndata: %s\n\n", page.Entries[i].Seq, line)
			}
		}
		if err != nil || rc.Flush() != nil {
			return nil
		}
		q.After, q.Life = page.Next, page.Life
	}
	return nil
}

// truth serves what was put into the signals.
func (s *server) truth(w http.ResponseWriter, r *http.Request) error {
	q, err := parameters(r, "headset", "kind")
	if err != nil {
		return err
	}
	headset, kind := q.Get("headset"), q.Get("kind")
	list := []emulator.Truth{}
	for _, t := range s.emu.Truth() {
		if (headset == "" || t.Headset == headset) && (kind == "" || t.Kind == kind) {
			list = append(list, t)
		}
	}
	if wantsLines(r) {
		lines(w, list)
		return nil
	}
	reply(w, http.StatusOK, map[string]any{"truth": list})
	return nil
}
