package control

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator"
	"github.com/fakecortex/fakecortex/emulator/internal/logtest"
)

// Tokens, client secrets, license keys of real users and the token of the
// control API reach no log, no journal, no metric and no state, in whatever
// place a client puts them.
func TestSecretsStayInside(t *testing.T) {
	const secret, key, mine = "hush-hush-client-secret", "REAL-LICENSE-KEY-77", "control-api-token-99"
	log, journal := new(logtest.Buffer), new(logtest.Buffer)
	e, err := emulator.Start(emulator.Options{
		Clock: "manual", Listen: []string{"localhost:0"}, Journal: journal,
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	server, err := Listen("localhost:0", Options{Emulator: e, Token: mine, Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	go func() { _ = server.Serve() }()
	t.Cleanup(func() { _ = server.Close(context.Background()) })
	c := dial(t, e)
	send := func(frame string) {
		require.NoError(t, c.conn.Write(context.Background(), websocket.MessageText, []byte(frame)))
		c.read()
	}
	who := fmt.Sprintf(`"clientId":"app","clientSecret":%q`, secret)
	answer := c.call("authorize", `{`+who+`,"debit":1}`)
	var got struct{ Result struct{ CortexToken string } }
	require.NoError(t, json.Unmarshal([]byte(answer), &got), answer)
	token := got.Result.CortexToken
	require.NotEmpty(t, token)
	for _, call := range []string{
		`requestAccess {` + who + `}`, `hasAccessRight {` + who + `}`, `generateNewToken {"cortexToken":"` + token + `",` + who + `}`,
		`authorize {` + who + `,"license":"` + key + `"}`, `getLicenseInfo {"cortexToken":"` + token + `"}`, `getUserInformation {"cortexToken":"` + token + `x"}`,
		`queryRecords {"cortexToken":"` + token + `","query":{"licenseId":"` + key + `"},"orderBy":[]}`,
		`exportRecord {"cortexToken":"` + token + `","recordIds":["r"],"folder":"/","streamTypes":["EEG"],"format":"EDF","licenseIds":["` + key + `"]}`,
		`createSession {"cortexToken":"` + token + `","status":"active","headset":"` + token + `"}`, `subscribe {"token":"` + token + `"}`,
		`controlDevice {"command":"connect","headset":"` + token + `"}`, `noSuchMethod {"a":[{"clientSecret":"` + secret + `"}]}`,
	} {
		method, params, _ := strings.Cut(call, " ")
		c.call(method, params)
	}
	send(`{"id":"` + token + `","jsonrpc":"2.0","method":"getCortexInfo"}`)
	send(`{"id":1,"jsonrpc":"2.0","method":"` + token + `"}`)
	send(`{"cortexToken":"` + token + `","clientSecret":"` + secret + `"`)
	send(`clientSecret=` + secret + `&cortexToken=` + token)
	require.NoError(t, e.Act("logOut"))
	c.read() // warning 3
	c.call("authorize", `{`+who+`}`)

	places := map[string]string{"log": log.String(), "journal": journal.String()}
	for _, path := range []string{"/v1/state", "/v1/journal", "/metrics", "/v1/verdict", "/v1/connections", "/v1/faults", "/v1/truth", "/v1/journal/count"} {
		r, err := http.NewRequest(http.MethodGet, server.URL()+path, nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+mine)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusOK, answer.StatusCode, path)
		places[path] = string(text)
	}
	wrong, err := http.Get(server.URL() + "/v1/state?token=" + mine) // in the wrong place
	require.NoError(t, err)
	require.NoError(t, wrong.Body.Close())
	require.Equal(t, http.StatusUnauthorized, wrong.StatusCode)
	_ = c.conn.CloseNow()
	require.NoError(t, e.Close())
	places["log"], places["journal"] = log.String(), journal.String()
	require.Contains(t, places["log"], "refused")
	require.Contains(t, places["journal"], `"method":"authorize"`)
	for place, text := range places {
		for name, hidden := range map[string]string{"secret": secret, "license key": key, "control token": mine, "token": token, "a part of the token": token[len(token)-30:]} {
			assert.NotContains(t, text, hidden, "%s in %s", name, place)
		}
	}
}

// A page of another site reaches nothing of the control API, with no method and
// on no path, those without a token included.
func TestForeignPagesReachNothing(t *testing.T) {
	h := Handler(Options{Emulator: world(t, ""), Rate: 100_000})
	for _, r := range routes() {
		path := strings.NewReplacer("{number}", "1", "{id}", "x").Replace(r.path)
		for name, req := range map[string]request{
			"another site":    {method: r.method, target: path, header: map[string]string{"Origin": "https://evil.example"}},
			"a local file":    {method: r.method, target: path, header: map[string]string{"Origin": "null"}},
			"a rebound name":  {method: r.method, target: path, host: "evil.example"},
			"and its port":    {method: r.method, target: path, host: "evil.example:6869"},
			"a name like it":  {method: r.method, target: path, host: "localhost.evil.example:6869"},
			"an address like": {method: r.method, target: path, header: map[string]string{"Origin": "http://127.0.0.1.evil.example"}},
		} {
			w := req.serve(h)
			assert.Equal(t, http.StatusForbidden, w.Code, "%s %s from %s", r.method, path, name)
			assert.Empty(t, w.Header().Get("Access-Control-Allow-Origin"), path)
		}
		// What a page may send without asking first is no JSON.
		if r.method == http.MethodPost {
			for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
				w := request{method: r.method, target: path, body: `{}`, header: map[string]string{"Content-Type": media}}.serve(h)
				assert.Equal(t, http.StatusUnsupportedMediaType, w.Code, "%s as %s", path, media)
			}
		}
		w := request{method: http.MethodOptions, target: path, header: map[string]string{"Origin": "https://evil.example", "Access-Control-Request-Method": r.method}}.serve(h)
		assert.Equal(t, http.StatusForbidden, w.Code, "the question before, %s", path)
	}
}

// The port of Cortex takes clients from any page, as the real service does. All
// that it has for them is the Cortex API: nothing of the control API, and no
// leave to read what plain HTTP says.
func TestCortexPortIsHarmless(t *testing.T) {
	e, err := emulator.Start(emulator.Options{Clock: "manual", Listen: []string{"localhost:0"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: e.CertPool()}}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	address, err := url.Parse(e.URL())
	require.NoError(t, err)
	for _, r := range routes() {
		req, err := http.NewRequest(r.method, "https://"+address.Host+r.path, strings.NewReader("{}"))
		require.NoError(t, err)
		req.Header.Set("Origin", "https://evil.example")
		answer, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, http.StatusUpgradeRequired, answer.StatusCode, r.path)
		assert.Empty(t, answer.Header.Get("Access-Control-Allow-Origin"), r.path)
	}
	conn, _, err := websocket.Dial(t.Context(), e.URL()+"/v1/reset", &websocket.DialOptions{
		HTTPClient: client, HTTPHeader: http.Header{"Origin": {"https://evil.example"}},
	})
	require.NoError(t, err, "as with the real service")
	defer conn.CloseNow()
	for _, method := range []string{"reset", "action", "headsetOff", "advance", "scenario", "state"} {
		require.NoError(t, conn.Write(t.Context(), websocket.MessageText, fmt.Appendf(nil, `{"id":1,"jsonrpc":"2.0","method":%q,"params":{}}`, method)))
		_, answer, err := conn.Read(t.Context())
		require.NoError(t, err)
		assert.Contains(t, string(answer), "-32601", method)
	}
}
