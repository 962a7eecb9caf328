package control

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"strings"
)

// The page is built from page/ by npm; what was built is in the repository, so
// that building the binary needs no Node.
//
//go:embed page/dist
var pageFiles embed.FS

// pagePolicy lets the page load its own files and ask its own server, nothing
// else: no other host, no inline script or style, no frame around it.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// pageFile is one file of the page.
type pageFile struct {
	path, file, media string
}

// pages returns the files of the page. They hold nothing of the world, so they
// are served without the token; what the page asks for then needs it.
func pages() []pageFile {
	return []pageFile{
		{"/{$}", "index.html", "text/html; charset=utf-8"},
		{"/page.js", "page.js", "text/javascript; charset=utf-8"},
		{"/page.css", "page.css", "text/css; charset=utf-8"},
		{"/favicon.svg", "favicon.svg", "image/svg+xml"},
	}
}

func (f pageFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := pageFiles.ReadFile("page/dist/" + f.file)
	if err != nil {
		fail(w, status{http.StatusNotFound, f.file + ": was not built into this binary"})
		return
	}
	sum := sha256.Sum256(text)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	h := w.Header()
	h.Set("Content-Type", f.media)
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", tag)
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(text)
}
