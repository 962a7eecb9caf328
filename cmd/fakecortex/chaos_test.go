//go:build soak && unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Chaos: what the machine does to the command itself. Each test runs the built
// command; those processes are ended by their id.
//
//	go test -tags soak -run Chaos ./cmd/fakecortex

func buildCommand(t *testing.T) string {
	t.Helper()
	command := filepath.Join(t.TempDir(), "fakecortex")
	out, err := exec.Command("go", "build", "-o", command, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return command
}

// service is a running fakecortex.
type service struct {
	t      *testing.T
	cmd    *exec.Cmd
	ready  ready
	log    *bytes.Buffer // read it after the end
	tls    *tls.Config
	client *http.Client
}

// startService starts the command by way of a shell that sets limits first,
// such as "ulimit -n 40".
func startService(t *testing.T, command, limits string, args ...string) *service {
	t.Helper()
	if limits == "" {
		limits = "true"
	}
	args = append([]string{"-c", limits + ` && exec "$0" "$@"`, command, "--listen", "localhost:0", "--control", "localhost:0"}, args...)
	s := &service{t: t, cmd: exec.Command("sh", args...), log: new(bytes.Buffer)}
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // has ended already, if all is well
		_ = s.cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err, "no ready line")
	require.NoError(t, json.Unmarshal(line, &s.ready))
	pem, err := os.ReadFile(s.ready.CA)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(pem))
	s.tls = &tls.Config{RootCAs: pool}
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: s.tls, DisableKeepAlives: true}, Timeout: time.Minute}
	return s
}

// end asks the command to end and returns its log.
func (s *service) end() string {
	s.t.Helper()
	require.NoError(s.t, s.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(s.t, s.cmd.Wait(), "exit code 0")
	return s.log.String()
}

func (s *service) advance(d time.Duration) {
	s.t.Helper()
	answer, err := s.client.Post(s.ready.Control+"/v1/clock/advance", "application/json", strings.NewReader(fmt.Sprintf(`{"duration":%q}`, d)))
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, answer.StatusCode)
	require.NoError(s.t, answer.Body.Close())
}

// cortex is one client of the service.
type cortex struct {
	t    *testing.T
	conn *websocket.Conn
	in   map[string]any // token and session
}

func (s *service) connect() (*cortex, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, s.ready.URL, &websocket.DialOptions{HTTPClient: s.client})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1)
	return &cortex{t: s.t, conn: conn, in: map[string]any{}}, nil
}

// ask calls a method; an error of the connection or of the API is returned.
func (c *cortex) ask(method string, more ...any) (json.RawMessage, error) {
	params := map[string]any{}
	for k, v := range c.in {
		params[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		params[more[i].(string)] = more[i+1]
	}
	frame, err := json.Marshal(map[string]any{"id": 1, "jsonrpc": "2.0", "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.conn.Write(ctx, websocket.MessageText, frame); err != nil {
		return nil, err
	}
	for {
		_, data, err := c.conn.Read(ctx)
		if err != nil {
			return nil, err
		}
		var answer struct {
			ID            int
			Result, Error json.RawMessage
		}
		if json.Unmarshal(data, &answer) != nil || answer.ID != 1 {
			continue
		}
		if answer.Error != nil {
			return nil, fmt.Errorf("%s: %s", method, answer.Error)
		}
		return answer.Result, nil
	}
}

func (c *cortex) must(method string, more ...any) json.RawMessage {
	c.t.Helper()
	result, err := c.ask(method, more...)
	require.NoError(c.t, err)
	return result
}

// session makes an activated session.
func (s *service) session() *cortex {
	s.t.Helper()
	c, err := s.connect()
	require.NoError(s.t, err)
	var got struct{ CortexToken, ID string }
	require.NoError(s.t, json.Unmarshal(c.must("authorize", "clientId", "chaos", "clientSecret", "s"), &got))
	c.in["cortexToken"] = got.CortexToken
	require.NoError(s.t, json.Unmarshal(c.must("createSession", "status", "active"), &got))
	c.in["session"] = got.ID
	return c
}

// record makes a record of a while on the manual clock and returns its id.
func (s *service) record(c *cortex, d time.Duration) string {
	s.t.Helper()
	var got struct{ Record struct{ UUID string } }
	require.NoError(s.t, json.Unmarshal(c.must("createRecord", "title", "chaos"), &got))
	s.advance(d)
	c.must("stopRecord")
	s.advance(5 * time.Second)
	return got.Record.UUID
}

// export returns why the export of a record failed, "" when it did not.
func (c *cortex) export(id, folder, format, version string) (failure string, err error) {
	more := []any{"recordIds", []string{id}, "folder", folder, "streamTypes", []string{"EEG", "MOTION"}, "format", format}
	if version != "" {
		more = append(more, "version", version)
	}
	result, err := c.ask("exportRecord", more...)
	if err != nil {
		return "", err
	}
	var got struct{ Failure []json.RawMessage }
	if err := json.Unmarshal(result, &got); err != nil || len(got.Failure) > 0 {
		return string(result), err
	}
	return "", nil
}

// TestChaosKilledInAnExport kills the command while it exports: a file that has
// its final name is whole, and the next start with the same state exports again.
func TestChaosKilledInAnExport(t *testing.T) {
	command, state, tlsDir := buildCommand(t), t.TempDir(), t.TempDir()
	args := []string{"--clock", "manual", "--state-dir", state, "--tls-dir", tlsDir}
	s := startService(t, command, "", args...)
	c := s.session()
	id := s.record(c, 20*time.Minute)
	reference := t.TempDir()
	begin := time.Now()
	failure, err := c.export(id, reference, "CSV", "V2")
	require.NoError(t, err)
	require.Empty(t, failure)
	took := time.Since(begin)
	s.end()
	whole := readFolder(t, reference)
	require.NotEmpty(t, whole)

	torn := 0
	const rounds = 8
	for round := range rounds {
		s := startService(t, command, "", args...)
		c := s.session()
		folder := t.TempDir()
		done := make(chan error, 1)
		go func() {
			_, err := c.export(id, folder, "CSV", "V2")
			done <- err
		}()
		time.Sleep(time.Duration(rand.Int64N(int64(took)))) // somewhere within
		require.NoError(t, s.cmd.Process.Kill())
		_ = s.cmd.Wait()
		if <-done != nil {
			torn++
		}
		for name, text := range readFolder(t, folder) {
			if strings.HasPrefix(name, ".") {
				continue // unfinished, under another name
			}
			require.Contains(t, whole, name)
			if filepath.Ext(name) == ".json" {
				require.True(t, json.Valid(text), "round %d: %s", round, name)
			} else {
				require.True(t, bytes.Equal(whole[name], text), "round %d: %s has %d bytes of %d", round, name, len(text), len(whole[name]))
			}
		}
	}
	t.Logf("%d of %d exports were killed", torn, rounds)
	s = startService(t, command, "", args...)
	again := t.TempDir()
	failure, err = s.session().export(id, again, "CSV", "V2")
	require.NoError(t, err)
	require.Empty(t, failure)
	require.Len(t, readFolder(t, again), len(whole))
	s.end()
}

func readFolder(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	files := map[string][]byte{}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(folder, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestChaosFullDisk fills the disk under exports, records and the state: each is
// an error that the client or the log gets, what was there stays whole, and the
// service goes on; with space again everything works. Once the disk is a small
// file system (as root on Linux), once a limit on the size of files.
func TestChaosFullDisk(t *testing.T) {
	command := buildCommand(t)
	for name, setUp := range map[string]func(t *testing.T) (disk, limits string, free func()){
		"file system": func(t *testing.T) (string, string, func()) {
			disk := t.TempDir()
			if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk).CombinedOutput(); err != nil {
				t.Skipf("needs root on Linux: mount: %v %s", err, out)
			}
			t.Cleanup(func() { _ = exec.Command("umount", disk).Run() })
			return disk, "", func() {
				out, err := exec.Command("mount", "-o", "remount,size=200m", disk).CombinedOutput()
				require.NoError(t, err, string(out))
			}
		},
		"file size": func(t *testing.T) (string, string, func()) { return t.TempDir(), "ulimit -f 2048", nil },
	} {
		t.Run(name, func(t *testing.T) {
			disk, limits, free := setUp(t)
			state, out := filepath.Join(disk, "state"), filepath.Join(disk, "out")
			require.NoError(t, os.Mkdir(out, 0o755))
			args := []string{"--clock", "manual", "--state-dir", state, "--record-dir", disk, "--tls-dir", t.TempDir(), "--export-root", out, "--export-map", "*=."}
			s := startService(t, command, limits, args...)
			c := s.session()
			c.must("createSubject", "subjectName", "before")
			short := s.record(c, 10*time.Second)
			failure, err := c.export(short, out, "EDF", "")
			require.NoError(t, err)
			require.Empty(t, failure, "a short one fits")
			small := readFolder(t, out)

			long := s.record(c, 5*time.Minute)
			failure, err = c.export(long, out, "CSV", "V2")
			require.NoError(t, err)
			require.Contains(t, failure, "-32140", "a long one does not fit")
			require.Equal(t, small, readFolder(t, out), "nothing half is left, what was there is whole")
			fill(t, disk, limits)
			c.must("createSubject", "subjectName", "while full")
			c.must("updateRecord", "record", short, "description", strings.Repeat("x", 100_000))
			_, err = c.ask("queryHeadsets")
			require.NoError(t, err, "the service goes on")
			if free != nil {
				free()
				c.must("createSubject", "subjectName", "after")
				failure, err = c.export(long, out, "CSV", "V2")
				require.NoError(t, err)
				require.Empty(t, failure, "there is space again")
			}
			log := s.end()
			assert.Contains(t, log, "exportRecord")
			assert.NotContains(t, log, "panic")
			if free != nil {
				assert.Contains(t, log, "state not kept", "while it was full")
			}

			s = startService(t, command, "", args...) // the state is not torn
			c = s.session()
			var subjects struct {
				Subjects []struct{ SubjectName string }
			}
			require.NoError(t, json.Unmarshal(c.must("querySubjects", "query", map[string]any{}, "orderBy", []any{}), &subjects))
			require.NotEmpty(t, subjects.Subjects)
			require.Equal(t, "before", subjects.Subjects[0].SubjectName)
			failure, err = c.export(short, t.TempDir(), "EDF", "")
			require.NoError(t, err)
			require.Empty(t, failure)
			s.end()
		})
	}
}

// fill takes what is left of a small file system.
func fill(t *testing.T, disk, limits string) {
	if limits != "" {
		return
	}
	f, err := os.Create(filepath.Join(disk, "rest"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	for piece := make([]byte, 4096); ; {
		if _, err := f.Write(piece); err != nil {
			return
		}
	}
}

// TestChaosNoDescriptors lets a crowd take every descriptor: the log says so
// once and what to do, those who are connected go on, and when the crowd is gone
// new clients come in.
func TestChaosNoDescriptors(t *testing.T) {
	begin := time.Now()
	s := startService(t, buildCommand(t), "ulimit -n 40", "--clock", "manual", "--tls-dir", t.TempDir())
	c := s.session()
	c.must("subscribe", "streams", []string{"eeg"})
	address := strings.TrimPrefix(s.ready.URL, "wss://")
	var crowd []net.Conn
	for range 60 {
		conn, err := net.Dial("tcp", address) // the backlog takes those beyond
		require.NoError(t, err)
		defer conn.Close()
		crowd = append(crowd, conn)
	}
	c.must("getCortexInfo")
	record := c.must("createRecord", "title", "with none left")
	require.Contains(t, string(record), "uuid")
	c.must("stopRecord")
	for _, conn := range crowd {
		require.NoError(t, conn.Close())
	}
	for tries := 0; ; tries++ {
		other, err := s.connect()
		if err == nil {
			other.must("getCortexInfo")
			break
		}
		require.Less(t, tries, 100, "%v", err)
		time.Sleep(100 * time.Millisecond)
	}
	c.must("getCortexInfo")
	log := s.end()
	said := strings.Count(log, "cannot accept connections until there are descriptors")
	assert.Positive(t, said, log)
	assert.LessOrEqual(t, said, 1+int(time.Since(begin)/(10*time.Second)), log)
	assert.Contains(t, log, "ulimit -n")
	assert.Contains(t, log, "connections are accepted again")
}
