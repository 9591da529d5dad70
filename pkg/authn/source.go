package authn

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

// TokenSource gives the token to call others with. It is asked for every call and should be quick.
type TokenSource func(ctx context.Context) (string, error)

type keptToken struct {
	mu    sync.Mutex
	token string
	renew time.Time
}

// maxTokenFile bounds what is read from a file that is supposed to hold a token.
const maxTokenFile = 64 << 10

// FileToken reads the token from a file, again whenever the file has changed, as mounted tokens are replaced while a
// program runs. White space around the token is not part of it.
func FileToken(path string) TokenSource {
	f := &fileToken{path: path}
	return f.token
}

type fileToken struct {
	path string

	mu   sync.Mutex
	last os.FileInfo
	text string
}

func (f *fileToken) token(context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return "", fmt.Errorf("authn: token file: %w", err)
	}
	// os.SameFile sees a replaced link too, where size and time may be the same.
	if f.last != nil && os.SameFile(f.last, info) && f.last.ModTime().Equal(info.ModTime()) && f.last.Size() == info.Size() {
		return f.text, nil
	}
	if info.Size() > maxTokenFile {
		return "", fmt.Errorf("authn: token file %s is too large", f.path)
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return "", fmt.Errorf("authn: token file: %w", err)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return "", fmt.Errorf("authn: token file %s is empty", f.path)
	}
	f.last, f.text = info, string(text)
	return f.text, nil
}
