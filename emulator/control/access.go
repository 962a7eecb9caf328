package control

import (
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// allowed tells whether a request may do something: it has the token, or no
// token is set and it came in over loopback.
func (s *server) allowed(r *http.Request) error {
	if s.Token != "" {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(token)), []byte(s.Token)) == 1 {
			return nil
		}
		return status{http.StatusUnauthorized, "the token is missing or wrong: send Authorization: Bearer with the token that fakecortex was started with"}
	}
	// httptest has no address: such a request has not left the process.
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		if host, _, err := net.SplitHostPort(addr.String()); err != nil || !loopback(host) {
			return status{http.StatusForbidden, "the control API is for this machine only: start fakecortex with --control-token to use it over the network"}
		}
	}
	return nil
}

// bucket bounds the rate of requests: a second's worth may come at once.
type bucket struct {
	mu   sync.Mutex
	rate float64
	left float64
	last time.Time
}

func newBucket(rate int) *bucket {
	return &bucket{rate: float64(rate), left: float64(rate), last: time.Now()}
}

func (b *bucket) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.left = min(b.rate, b.left+now.Sub(b.last).Seconds()*b.rate)
	b.last = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
