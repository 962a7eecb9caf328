// Package faults makes what can go wrong on the wire: latency, loss, wrong
// order, broken frames, answers that never come or come twice.
//
//	        Frame             Rule, Rule, ...            Delivery
//	loop =========> Pipeline ================> now, later, twice, changed, never
//
// A Pipeline is pure: no sockets, no clock, no goroutines. Its owner gives it a
// frame and the virtual time, and gets back what is to be sent and when. Frames
// that a rule holds until something else happens stay inside; Next says when the
// pipeline wants to be asked again.
//
// Active is the fast way round: when no rule can hit a frame of that kind, the
// frame need not be shown to the pipeline at all, so a fault that is off costs
// nothing and changes nothing.
//
// # Order
//
// Frames of one connection that the same rule hits stay in order, except with
// reorder. Frames that no rule hits wait for nobody: with 3 s of latency on the
// answers to authorize, the answers to other methods overtake. Rules apply in
// the order in which they were added; each sees what the one before made of the
// frame.
//
// # Direction
//
// Latency on a request (direction in) is a slow service: the call is served
// late, and what follows from it comes after the answer. Latency on an answer
// (direction out) is a slow answer: the call was served, and samples of a
// subscription may come before the answer to subscribe. An error refuses the
// call, which is not served; on an answer (kind answer) the call was served, and
// what it did stands.
package faults
