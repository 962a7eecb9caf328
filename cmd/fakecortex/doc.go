// The command fakecortex runs a mock EMOTIV Cortex service on
// wss://localhost:6868, with a simulated headset.
//
//	fakecortex [serve]       serve until SIGINT or SIGTERM
//	fakecortex exec          run a command against a service of its own, judge the client
//	fakecortex ctl           look at a running one and change its world
//	fakecortex scenarios     list, show and check scenarios
//	fakecortex ca            print the CA certificate that clients must trust
//	fakecortex healthcheck   exit 0 when a running one is ready, else 1
//	fakecortex version       print the version
//
// Every flag has a FAKECORTEX_* variable: --tls-dir is FAKECORTEX_TLS_DIR.
// Standard output carries what scripts read (the ready line, the certificate),
// standard error the log. Exit codes: 0, 1 when something failed, 2 when the
// command line is wrong; exec has the command's, and 99 when only the client's
// conduct was wrong.
package main
