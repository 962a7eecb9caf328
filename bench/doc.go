// The command bench measures fakecortex beside what one would use instead, all
// in one run on one machine: a bare Go program that writes prebuilt frames and
// does nothing else, and the servers that a user would write with Python's
// websockets and with ws for Node. All of them send what an EPOC X sends on all
// of its streams, over wss.
//
//	bench/run            # everything, about ten minutes; installs what the two scripts need
//	bench/run --short    # seconds: only whether all of it runs, as CI does
//
// It prints one table. Figures belong to the machine and to what else it does,
// so nothing here passes or fails by a time; a run fails when a server does not
// start, ends, or sends other frames than it should.
package main
