// The command fakecortex keeps the certificates of a mock EMOTIV Cortex service
// and checks a running one. The command that serves is not there yet.
//
//	fakecortex ca            print the CA certificate that clients must trust
//	fakecortex healthcheck   exit 0 when a running one is ready, else 1
//	fakecortex version       print the version
//
// Every flag has a FAKECORTEX_* variable: --tls-dir is FAKECORTEX_TLS_DIR.
// Standard output carries what scripts read, standard
// error what went wrong. Exit codes: 0, 1 when something failed, 2 when the
// command line is wrong.
package main
