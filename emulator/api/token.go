package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/emulator/rpc"
)

// Life of a token: it is valid from a day before to two days after its issue
// (authorize page; decoded from tokens pasted in cortex-example #42 and #119).
const (
	tokenBackdate = 24 * time.Hour
	tokenLife     = 48 * time.Hour
)

// tokenKey signs the tokens. It is a constant of the project: tokens must
// survive a restart (the Unity plugin keeps them on disk), and a mock has no
// secret to keep.
const tokenKey = "fakecortex signs tokens for tests only"

// tokenHeader is {"alg":"HS256","typ":"JWT"} in standard base64.
var tokenHeader = base64.StdEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))

// claims is the payload of a Cortex token, its members in alphabetical order.
type claims struct {
	AppID      string `json:"appId"`
	AppVersion string `json:"appVersion"`
	Expires    int64  `json:"exp"` // Unix seconds
	LicenseID  string `json:"licenseId,omitempty"`
	NotBefore  int64  `json:"nbf"` // Unix seconds
	UserID     string `json:"userId"`
	Username   string `json:"username"`
	Version    string `json:"version"`
}

// signToken returns the token of some claims. Cortex uses standard base64 with
// padding, not the URL alphabet of other JWTs.
func signToken(c claims) (string, error) {
	payload, err := rpc.AppendJSON(nil, claimsObject(c))
	if err != nil {
		return "", err
	}
	body := tokenHeader + "." + base64.StdEncoding.EncodeToString(payload)
	return body + "." + base64.StdEncoding.EncodeToString(tokenMAC(body)), nil
}

func claimsObject(c claims) rpc.Object {
	o := rpc.Object{
		"appId": c.AppID, "appVersion": c.AppVersion, "exp": c.Expires, "nbf": c.NotBefore,
		"userId": c.UserID, "username": c.Username, "version": c.Version,
	}
	if c.LicenseID != "" {
		o["licenseId"] = c.LicenseID
	}
	return o
}

func tokenMAC(body string) []byte {
	mac := hmac.New(sha256.New, []byte(tokenKey))
	mac.Write([]byte(body))
	return mac.Sum(nil)
}

// openToken checks form and signature of a token; it does not look at the time.
func openToken(token string) (claims, bool) {
	var c claims
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 {
		return c, false
	}
	sig, err := base64.StdEncoding.DecodeString(token[dot+1:])
	if err != nil || !hmac.Equal(sig, tokenMAC(token[:dot])) {
		return c, false
	}
	head, payload, ok := strings.Cut(token[:dot], ".")
	if !ok || head != tokenHeader {
		return c, false
	}
	raw, err := base64.StdEncoding.DecodeString(payload)
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return c, false
	}
	return c, true
}

// TokenApplication returns the appId of a token that this service has signed, ""
// of any other text.
func TokenApplication(token string) string {
	c, _ := openToken(token)
	return c.AppID
}
