// Package gateway is the wss listener: certificates, connections, outboxes. It
// carries text messages and knows nothing of what they say.
//
//	        accept          peek            handshake             loops
//	client =======> TCP ===========> TLS ==============> HTTP ====================> Conn
//	                     'G' of GET: |   not trusted,  | no upgrade:  reader -> Handler
//	                     plain text  |   too old, slow | a text page  writer <- outbox
//
// A connection has two goroutines. The reader takes messages off the wire and
// queues them; a third goroutine that lives only while there is something to
// hand over calls the Handler, so a busy Handler does not keep pings waiting.
// The writer sends what stands in the outbox.
//
// # The outbox
//
// Append writes a finished WebSocket frame into one contiguous buffer; the
// writer swaps the buffer for an empty one and sends it in large pieces. A
// message is always one frame, as with the real service, but messages that are
// due together share one write: nearly all of the cost of a small frame is the
// system call. Nothing is allocated per message.
//
// The library github.com/coder/websocket does the upgrade and the reading. What
// it wants to write itself (pongs, the answer to a close, protocol errors) goes
// through the outbox too, so that it never waits for a slow reader: the library
// gives up on a pong after 5 s, and clients that sleep longer than that in their
// read callback are to live.
//
// # The end of a connection
//
// Close sends what is queued, then the close frame, and waits for the client's;
// every step is bounded by Options.CloseTimeout. A client that does not read
// fills its outbox up to Limits.Outbox and is closed with 1008; nobody
// else notices. Abort cuts the TCP connection. Whatever the cause, Handler.Closed
// is called once and last.
//
// All times here are the host's: certificates and timeouts of the network know
// nothing of a virtual clock.
package gateway
