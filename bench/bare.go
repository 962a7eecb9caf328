package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"time"
)

// bareCommand makes this program the bare server.
const bareCommand = "serve-bare"

// The bare server is the least that a Go program can do: it makes no sample and
// encodes nothing. /full?n=N writes N prebuilt frames, 16 a write; / gets the
// frames of each 256th of a second in one write, with the present time in them;
// /idle gets nothing.
type bareServer struct {
	mu    sync.Mutex
	live  map[net.Conn]struct{}
	ticks [][]byte // the frames of each 256th of a second, behind their headers
	full  [][]byte // 16 each
}

// anyTime has the digits of the times that are written over it.
const anyTime = "1767268800.0000"

func serveBare(args []string) error {
	cert, err := tls.LoadX509KeyPair(args[0], args[1])
	if err != nil {
		return err
	}
	text, err := os.ReadFile(args[2])
	if err != nil {
		return err
	}
	eeg, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	s := &bareServer{live: map[net.Conn]struct{}{}}
	s.build(streamsOf(eeg), bytes.Split(bytes.TrimSpace(text), []byte("\n")))
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	go func() {
		<-stop
		listener.Close()
	}()
	go s.tick()
	fmt.Printf("{\"url\":\"wss://localhost:%d\"}\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go s.serve(conn)
	}
}

func header(n int) []byte {
	if n < 126 {
		return []byte{0x81, byte(n)}
	}
	return []byte{0x81, 126, byte(n >> 8), byte(n)}
}

// build makes the writes: as often as each stream wants, in turn.
func (s *bareServer) build(streams []stream, frames [][]byte) {
	byStream := make([][][]byte, len(streams))
	for _, f := range frames {
		f = append(bytes.Clone(f[:bytes.LastIndex(f, []byte(`"time":`))+7]), anyTime+"}"...)
		for i, st := range streams {
			if bytes.HasPrefix(f, []byte(`{"`+st.name+`"`)) {
				byStream[i] = append(byStream[i], f)
			}
		}
	}
	next := make([]int, len(streams))
	var batch []byte
	held := 0
	for k := range 4 * 256 {
		var tick []byte
		for i, st := range streams {
			if k%(256/st.rate) != 0 || len(byStream[i]) == 0 {
				continue
			}
			f := byStream[i][next[i]%len(byStream[i])]
			next[i]++
			tick = append(append(tick, header(len(f))...), f...)
			batch = append(append(batch, header(len(f))...), f...)
			if held++; held == 16 {
				s.full = append(s.full, batch)
				batch, held = nil, 0
			}
		}
		s.ticks = append(s.ticks, tick)
	}
}

func (s *bareServer) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 1024)
	request, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, err = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	if err != nil {
		return
	}
	switch request.URL.Path {
	case "/full":
		n, _ := strconv.Atoi(request.URL.Query().Get("n"))
		for i := 0; i < (n+15)/16; i++ {
			if _, err := conn.Write(s.full[i%len(s.full)]); err != nil {
				return
			}
		}
	case "/":
		s.mu.Lock()
		s.live[conn] = struct{}{}
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			delete(s.live, conn)
			s.mu.Unlock()
		}()
	}
	_, _ = r.Read(make([]byte, 1)) // until the client goes
}

func (s *bareServer) tick() {
	begin := time.Now()
	for k := 0; ; k++ {
		at := begin.Add(time.Duration(k) * time.Second / 256)
		time.Sleep(time.Until(at))
		tick := s.ticks[k%len(s.ticks)]
		stamp := strconv.AppendFloat(nil, float64(at.UnixMicro())/1e6, 'f', 4, 64)
		for rest := tick; ; {
			i := bytes.Index(rest, []byte(`"time":`))
			if i < 0 {
				break
			}
			copy(rest[i+7:i+7+len(anyTime)], stamp)
			rest = rest[i+7:]
		}
		s.mu.Lock()
		conns := make([]net.Conn, 0, len(s.live))
		for conn := range s.live {
			conns = append(conns, conn)
		}
		s.mu.Unlock()
		for _, conn := range conns {
			_, _ = conn.Write(tick) // a client that has gone ends its serve
		}
	}
}
