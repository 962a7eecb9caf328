package api

import (
	"regexp"
	"strings"
)

// Hidden stands in the place of a secret in the log and the journal.
const Hidden = "***"

// What looks like a token, and what a text calls a token or a secret.
var (
	tokenLike  = regexp.MustCompile(`eyJ[A-Za-z0-9+/=_-]*(\.[A-Za-z0-9+/=_-]*){0,2}`)
	secretLike = regexp.MustCompile(`((?:[tT]oken|[sS]ecret)\W{0,8}?[:=]\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,}]+)`)
)

// Scrub takes secrets out of a text that need not be JSON: a client may have put
// a token where anything else belongs.
func Scrub(text string) string {
	text = tokenLike.ReplaceAllString(text, Hidden)
	return secretLike.ReplaceAllString(text, "${1}"+Hidden)
}

// Shorten cuts a text that a client may have made long, for the log and the
// journal.
func Shorten(text string) string {
	const most = 1000
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
