// Package sessionstore holds all mutable truth of one simulated Cortex world:
// users, applications, licenses, headsets, sessions and their subscriptions,
// training profiles and what is loaded of them.
//
// A [Store] is pure. It has no sockets, no clock and no randomness of its own:
// a caller passes the instant and the new ids, and every transition returns the
// list of [Change] values that it caused, in order, for the caller to act on
// (send warnings, start and stop streams). A transition that is refused returns
// an [*Error] whose [Reason] names the broken rule; nothing has changed then.
//
// A Store belongs to one goroutine, the loop of the emulator.
//
// The session state machine (Sessions chapter of the Cortex documentation):
//
//	createSession open            createSession active
//	       |                               |
//	       v      updateSession active     v
//	   [opened] ----------------------> [activated]
//	       |                               |
//	       +---- close, headset lost, -----+
//	             connection closed, user
//	             logged out
//	                  |
//	                  v
//	              [closed]   (forgotten)
package sessionstore
