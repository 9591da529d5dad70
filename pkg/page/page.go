// Package page makes the tokens by which a list goes on where it stopped. A token is
// a signed cursor bound to the query it came from, so that a caller can neither
// forge a position nor carry it over to another question.
package page

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"

	"github.com/avalcredit/aval/pkg/errs"
)

const (
	// ReasonTokenInvalid is the reason of the errors of Decode.
	ReasonTokenInvalid = "PAGE_TOKEN_INVALID"

	// maxToken bounds the work spent on a foreign token, in characters.
	maxToken = 4096
	// checksumBytes is enough to tell queries apart; the signature is what protects.
	checksumBytes = 16
)

// Signer makes and reads tokens. All replicas of a service need the same key.
type Signer struct{ key []byte }

// NewSigner returns a signer with a copy of the key; 32 random bytes are right.
func NewSigner(key []byte) *Signer { return &Signer{key: append([]byte(nil), key...)} }

// content is what a token says; the names are short because it travels in URLs.
type content struct {
	Checksum string   `json:"q"`
	Cursor   []string `json:"c"`
}

// Encode makes the token of the position after the row with the given sort key. The
// checksum stands for the query (see Checksum).
func (s *Signer) Encode(checksum string, cursor ...string) string {
	body, err := json.Marshal(content{Checksum: checksum, Cursor: cursor})
	if err != nil {
		panic("page: strings cannot fail to marshal: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(append(s.sign(body), body...))
}

// Decode returns the n parts of the cursor in the token, or none for the empty token
// of the first page. A token that is forged, of another query or of another shape
// gives kind Invalid, reason PAGE_TOKEN_INVALID.
func (s *Signer) Decode(token, checksum string, n int) ([]string, error) {
	if token == "" {
		return nil, nil
	}
	if len(token) > maxToken {
		return nil, invalid("is too long")
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < sha256.Size {
		return nil, invalid("is not one that this service gave out")
	}
	mac, body := raw[:sha256.Size], raw[sha256.Size:]
	if !hmac.Equal(mac, s.sign(body)) {
		return nil, invalid("is not one that this service gave out")
	}
	var c content
	if err := json.Unmarshal(body, &c); err != nil {
		return nil, invalid("cannot be read")
	}
	if c.Checksum != checksum {
		return nil, invalid("belongs to another query; start again without it")
	}
	if len(c.Cursor) != n {
		return nil, invalid("has another shape; start again without it")
	}
	return c.Cursor, nil
}

func (s *Signer) sign(body []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(body)
	return mac.Sum(nil)
}

func invalid(why string) error {
	e := errs.New(errs.Invalid, ReasonTokenInvalid, "the page token %s", why)
	return e.WithViolations(errs.Violation{Field: "page_token", Rule: "page_token", Message: why})
}

// Size returns the number of rows to give: the default where none was requested, at
// most the maximum.
func Size(requested, def, most int32) int {
	if requested <= 0 {
		requested = def
	}
	return int(min(requested, most))
}

// Checksum folds what makes a query (method, filters, order, who asks) into a short
// string. The parts are kept apart: ("ab", "c") and ("a", "bc") differ.
func Checksum(parts ...string) string {
	h := sha256.New()
	var length [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		h.Write(length[:])
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil)[:checksumBytes])
}
